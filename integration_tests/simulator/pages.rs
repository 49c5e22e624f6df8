//! Pages of the main API's lists: sizes, keys and links.

use std::ops::Range;

use super::request::Request;
use super::rules::Refusal;
use super::switches::{AboveMax, LastMeta, NextLink, Paging};
use super::{World, base64};

/// The rows of a page by their places among all, and its `,"meta":…` (dixa-api.md 2.3: relative link, key in base64 with its
/// inside opaque, A). `pageLimit` may stand beside `pageKey` and changes the size from there on (SPEC).
pub fn page(
    world: &World,
    request: &Request,
    count: usize,
) -> Result<(Range<usize>, String), Refusal> {
    let paging = &world.switches.paging;
    let asked = asked_size(paging, request)?;
    let key = match request.parameter("pageKey") {
        Some(key) => Key::read(key).ok_or_else(|| decoding("pageKey"))?,
        None => Key::first(asked.unwrap_or(paging.default_size), request),
    };
    let size = asked.unwrap_or(key.size);
    let start = key.offset.min(count);
    let emptied = paging.empty_page == Some(key.page);
    let end = if emptied {
        start
    } else {
        count.min(start + size)
    };
    let meta = if end < count || emptied || paging.next == NextLink::SameKey {
        let next = Key {
            size,
            offset: end,
            page: key.page + 1,
            filters: key.filters,
        };
        format!(
            r#","meta":{{"next":"{}"}}"#,
            link(world, &request.path, &next)
        )
    } else {
        last_meta(paging.last).to_owned()
    };
    Ok((start..end, meta))
}

/// The request with the filters that its page key carries (dixa-api.md 2.3: unknown whether it does; those who follow the link
/// alone and those who send the filters again both succeed).
pub fn with_filters(world: &World, request: &Request) -> Request {
    let mut request = request.clone();
    if !world.switches.paging.key_has_filters {
        return request;
    }
    let key = request.parameter("pageKey").and_then(Key::read);
    for (name, value) in key.into_iter().flat_map(|key| key.filters) {
        if request.parameter(&name).is_none() {
            request.pairs.push((name, value));
        }
    }
    request
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
            filters: next.filters.clone(),
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
    filters: Vec<(String, String)>,
}

impl Key {
    fn first(size: usize, request: &Request) -> Self {
        let filters = request.pairs.iter().filter(|(name, _)| name != "pageLimit");
        Self {
            size,
            offset: 0,
            page: 0,
            filters: filters.cloned().collect(),
        }
    }

    fn written(&self) -> String {
        let Self {
            size, offset, page, ..
        } = self;
        let filters = self.filters.iter();
        let filters: Vec<_> = filters
            .map(|(name, value)| format!("&{name}={value}"))
            .collect();
        let key = format!(
            "pageLimit={size}&page={page}&offset={offset}{}",
            filters.concat()
        );
        let key = base64::encoded(key.as_bytes());
        key.replace('+', "%2B")
            .replace('/', "%2F")
            .replace('=', "%3D")
    }

    fn read(key: &str) -> Option<Self> {
        let text = String::from_utf8(base64::decoded(key)?).ok()?;
        let mut parts = text.split('&').map(|part| part.split_once('='));
        let mut value = |expected: &str| {
            let (name, value) = parts.next()??;
            value.parse().ok().filter(|_| name == expected)
        };
        let (size, page, offset) = (value("pageLimit")?, value("page")?, value("offset")?);
        let filters =
            parts.map(|part| part.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let filters = filters.collect::<Option<_>>()?;
        (size > 0).then_some(Self {
            size,
            offset,
            page,
            filters,
        })
    }
}
