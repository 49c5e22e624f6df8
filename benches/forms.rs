//! Exports whose records are less alike than those that Dixa sends.

use bytes::Bytes;

/// An export whose records are each without about half of its fields.
pub fn sparse(body: &[u8]) -> Bytes {
    let mut random = fastrand::Rng::with_seed(1);
    changed(body, |record| {
        record.retain(|name, _| name == "id" || random.bool());
    })
}

/// An export whose records each have their fields in another order.
pub fn shuffled(body: &[u8]) -> Bytes {
    let mut random = fastrand::Rng::with_seed(1);
    changed(body, |record| {
        let mut fields: Vec<_> = std::mem::take(record).into_iter().collect();
        random.shuffle(&mut fields);
        record.extend(fields);
    })
}

/// An export with records in ten forms by turns, each of which has other fields in another order.
pub fn interleaved(body: &[u8]) -> Bytes {
    let mut number = 0;
    changed(body, |record| {
        let mut random = fastrand::Rng::with_seed(number % 10);
        number += 1;
        let mut fields: Vec<_> = std::mem::take(record).into_iter().collect();
        fields.retain(|(name, _)| name == "id" || random.u8(..4) > 0);
        random.shuffle(&mut fields);
        record.extend(fields);
    })
}

fn changed(
    body: &[u8],
    mut change: impl FnMut(&mut serde_json::Map<String, serde_json::Value>),
) -> Bytes {
    let mut records: Vec<_> = serde_json::from_slice(body).expect("it is a list of objects");
    for record in &mut records {
        change(record);
    }
    let text = serde_json::to_vec(&records).expect("it is JSON");
    std::mem::forget(records);
    text.into()
}
