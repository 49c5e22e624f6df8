//! What a body says about the page after it.

use record_splitter::RecordPath;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::dixa::error::BodyFault;

/// What a body says about the page after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextPage {
    /// A link, as in `meta.next`.
    Link(String),
    /// Only its key.
    Key(String),
}

/// The relative link of the next page, `meta.next` (docs/dixa-api.md 2.3), in what surrounds a list's records. `meta`
/// missing, null or `{}` means the last page, unless there is a `pageKey`.
pub fn next_page(path: RecordPath, frame: &str) -> Result<Option<NextPage>, BodyFault> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Envelope {
        meta: Option<Map<String, Value>>,
        page_key: Option<Value>,
    }
    if matches!(path, RecordPath::Array([]) | RecordPath::Object(_)) {
        return Ok(None);
    }
    let envelope: Envelope = serde_json::from_str(frame).map_err(|_| BodyFault::NoLink)?;
    let link = match envelope.meta.as_ref().and_then(|meta| meta.get("next")) {
        None | Some(Value::Null) => None,
        Some(Value::String(next)) => Some(next.clone()).filter(|next| !next.is_empty()),
        Some(_) => return Err(BodyFault::NoLink),
    };
    let key = match envelope.page_key {
        Some(Value::String(key)) if !key.is_empty() => Some(key),
        Some(Value::Number(key)) => Some(key.to_string()),
        _ => None,
    };
    Ok(link.map(NextPage::Link).or(key.map(NextPage::Key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_named_or_there_is_none() {
        let next = |meta: &str| {
            let frame = format!(r#"{{"data":[]{meta}}}"#);
            next_page(RecordPath::Array(&["data"]), &frame)
        };
        assert_eq!(
            next(r#","meta":{"next":"/v1/agents?pageKey=a%3D","previous":null}"#),
            Ok(Some(NextPage::Link("/v1/agents?pageKey=a%3D".to_owned())))
        );
        assert_eq!(
            next(r#","pageKey":"a=""#),
            Ok(Some(NextPage::Key("a=".to_owned())))
        );
        for none in [
            "",
            r#","meta":null"#,
            r#","meta":{}"#,
            r#","meta":{"next":null}"#,
            r#","meta":{"next":""}"#,
        ] {
            assert_eq!(next(none), Ok(None), "{none}");
        }
        for odd in [r#","meta":{"next":3}"#, r#","meta":[]"#, r#","meta":["x"]"#] {
            assert_eq!(next(odd), Err(BodyFault::NoLink), "{odd}");
        }
    }
}
