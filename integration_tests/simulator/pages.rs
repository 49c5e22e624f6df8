//! Pages of the main API's lists: sizes, keys and links.

use super::account::Row;
use super::request::Request;
use super::rules::Refusal;
use super::switches::{AboveMax, LastMeta, NextLink, Paging};
use super::{World, base64};

/// A page and its `,"meta":…` (dixa-api.md 2.3: relative link, key in base64 with its inside opaque, A). `pageLimit` may stand
/// beside `pageKey` and changes the size from there on (SPEC).
pub fn page<'a>(
    world: &World,
    request: &Request,
    rows: &'a [&'a Row],
) -> Result<(&'a [&'a Row], String), Refusal> {
    let paging = &world.switches.paging;
    let asked = asked_size(paging, request)?;
    let key = match request.parameter("pageKey") {
        Some(key) => Key::read(key).ok_or_else(|| decoding("pageKey"))?,
        None => Key::first(asked.unwrap_or(paging.default_size)),
    };
    let size = asked.unwrap_or(key.size);
    let start = key.offset.min(rows.len());
    let emptied = paging.empty_page == Some(key.page);
    let end = if emptied {
        start
    } else {
        rows.len().min(start + size)
    };
    let meta = if end < rows.len() || emptied || paging.next == NextLink::SameKey {
        let page = key.page + 1;
        let next = Key {
            size,
            offset: end,
            page,
        };
        format!(
            r#","meta":{{"next":"{}"}}"#,
            link(world, &request.path, &next)
        )
    } else {
        last_meta(paging.last).to_owned()
    };
    Ok((&rows[start..end], meta))
}

/// `pageLimit` is an int32 (dixa-api.md 2.3: SPEC); below one or above the maximum: unknown, see `Paging`.
fn asked_size(paging: &Paging, request: &Request) -> Result<Option<usize>, Refusal> {
    let Some(text) = request.parameter("pageLimit") else {
        return Ok(None);
    };
    let limit: i32 = text.parse().map_err(|_| decoding("pageLimit"))?;
    let size = usize::try_from(limit)
        .ok()
        .filter(|&size| size > 0)
        .ok_or_else(|| decoding("pageLimit"))?;
    if size > paging.max_size && paging.above_max == AboveMax::Refused {
        return Err(decoding("pageLimit above the maximum"));
    }
    Ok(Some(size.min(paging.max_size)))
}

/// dixa-api.md 2.2: the message of a bad `pageLimit` or `pageKey` (SPEC).
fn decoding(rule: &'static str) -> Refusal {
    Refusal::new(400, rule, "Decoding failure in request")
}

fn link(world: &World, path: &str, next: &Key) -> String {
    let paging = &world.switches.paging;
    let origin = match &paging.next {
        NextLink::Absolute => world.url.as_str(),
        NextLink::Elsewhere(origin) => origin.as_str(),
        NextLink::Relative | NextLink::SameKey => "",
    };
    let key = match paging.next {
        NextLink::SameKey => Key {
            size: next.size,
            offset: next.size,
            page: 1,
        }
        .written(),
        _ => next.written(),
    };
    let limit = if paging.limit_in_link {
        format!("&pageLimit={}", next.size)
    } else {
        String::new()
    };
    format!("{origin}{path}?pageKey={key}{limit}")
}

fn last_meta(form: LastMeta) -> &'static str {
    match form {
        LastMeta::Absent => "",
        LastMeta::Null => r#","meta":null"#,
        LastMeta::EmptyObject => r#","meta":{}"#,
        LastMeta::NullNext => r#","meta":{"next":null}"#,
    }
}

/// What a page key holds; like the sample of dixa-api.md 2.3 a query in base64, which counts rows, not ids.
struct Key {
    size: usize,
    offset: usize,
    page: usize,
}

impl Key {
    fn first(size: usize) -> Self {
        Self {
            size,
            offset: 0,
            page: 0,
        }
    }

    fn written(&self) -> String {
        let Self { size, offset, page } = self;
        let key =
            base64::encoded(format!("pageLimit={size}&page={page}&offset={offset}").as_bytes());
        key.replace('+', "%2B")
            .replace('/', "%2F")
            .replace('=', "%3D")
    }

    fn read(key: &str) -> Option<Self> {
        let text = String::from_utf8(base64::decoded(key)?).ok()?;
        let mut values = ["pageLimit=", "page=", "offset="]
            .iter()
            .zip(text.split('&'));
        let mut value = || {
            values
                .next()
                .and_then(|(name, part)| part.strip_prefix(name)?.parse().ok())
        };
        let (size, page, offset) = (value()?, value()?, value()?);
        (size > 0 && text.split('&').count() == 3).then_some(Self { size, offset, page })
    }
}
