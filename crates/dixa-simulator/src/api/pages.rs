//! Pages of the main API's lists: sizes, keys and links.

use std::ops::Range;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::dixa::Dixa;
use super::refusal::Refusal;
use super::request::{Request, first_value};
use super::switches::{AboveMax, AfterLast, LastMeta, NextLink, Paging};

/// One page of a list.
pub struct Page {
    /// As a range of all rows.
    pub rows: Range<usize>,
    pub previous: Option<PageKey>,
    pub next: Option<PageKey>,
}

/// The rows of a page, as a range of all rows, and its `,"meta":…` (docs/dixa-api.md 2.3: relative link, an opaque key in
/// base64, A).
pub fn page(
    dixa: &Dixa,
    request: &Request,
    count: usize,
) -> Result<(Range<usize>, String), Refusal> {
    let paging = &dixa.switches.paging;
    let key = requested_key(paging, request, || PageKey::filters(request))?;
    let page = cut(paging, &key, count);
    let meta = match &page.next {
        Some(next) => {
            let link = link(dixa, paging, &request.path, next);
            format!(r#","meta":{{"next":"{link}"}}"#)
        }
        None => last_meta(paging.last).to_owned(),
    };
    Ok((page.rows, meta))
}

/// The key of the page that is requested; that of a first page carries what `carried` returns. `pageLimit` is allowed along
/// with `pageKey` and changes the size from there on (docs/dixa-api.md 2.3: SPEC).
pub fn requested_key(
    paging: &Paging,
    request: &Request,
    carried: impl FnOnce() -> Vec<(String, String)>,
) -> Result<PageKey, Refusal> {
    let requested = requested_size(paging, request)?;
    let mut key = match request.parameter("pageKey") {
        Some(key) => PageKey::decode(key).ok_or_else(|| Refusal::undecodable("pageKey"))?,
        None => PageKey {
            size: paging.default_size,
            offset: 0,
            page: 0,
            filters: carried(),
        },
    };
    key.size = requested.unwrap_or(key.size);
    Ok(key)
}

/// The page that a key stands for, of a list of this many rows.
pub fn cut(paging: &Paging, key: &PageKey, count: usize) -> Page {
    let start = match paging.after_last {
        AfterLast::FirstRow if key.offset >= count => 0,
        _ => key.offset.min(count),
    };
    let emptied = paging.empty_page == Some(key.page);
    let end = if emptied {
        start
    } else {
        count.min(start + key.size)
    };
    let is_endless = paging.after_last != AfterLast::Nothing || paging.next == NextLink::SameKey;
    let other = |offset, page| PageKey {
        offset,
        page,
        ..key.clone()
    };
    Page {
        rows: start..end,
        previous: (start > 0).then(|| other(start.saturating_sub(key.size), key.page.max(1) - 1)),
        next: (end < count || emptied || is_endless).then(|| other(end, key.page + 1)),
    }
}

/// The request with the filters that its page key carries (docs/dixa-api.md 2.3). Whether
/// a key carries them is unknown: clients that repeat the filters and clients that do not both work.
pub fn with_filters(dixa: &Dixa, request: &Request) -> Request {
    let mut request = request.clone();
    if !dixa.switches.paging.key_has_filters {
        return request;
    }
    let key = request.parameter("pageKey").and_then(PageKey::decode);
    for (name, value) in key.into_iter().flat_map(|key| key.filters) {
        if request.parameter(&name).is_none() {
            request.pairs.push((name, value));
        }
    }
    request
}

/// `pageLimit` is an int32 (docs/dixa-api.md 2.3: SPEC); below one or above the maximum: unknown,
/// see `Paging`.
fn requested_size(paging: &Paging, request: &Request) -> Result<Option<usize>, Refusal> {
    let Some(text) = request.parameter("pageLimit") else {
        return Ok(None);
    };
    let limit: i32 = text
        .parse()
        .map_err(|_| Refusal::undecodable("pageLimit"))?;
    let size = usize::try_from(limit)
        .ok()
        .filter(|&size| size > 0)
        .ok_or_else(|| Refusal::undecodable("pageLimit"))?;
    if size > paging.max_size && paging.above_max == AboveMax::Refused {
        return Err(Refusal::undecodable("pageLimit above the maximum"));
    }
    Ok(Some(size.min(paging.max_size)))
}

pub fn link(dixa: &Dixa, paging: &Paging, path: &str, next: &PageKey) -> String {
    let origin = match &paging.next {
        NextLink::Absolute => dixa.base_url.as_str(),
        NextLink::Elsewhere(origin) => origin.as_str(),
        NextLink::Relative | NextLink::SameKey => "",
    };
    let key = next.text(paging);
    let key: String = form_urlencoded::byte_serialize(key.as_bytes()).collect();
    let limit = if paging.limit_in_link {
        format!("&pageLimit={}", next.size)
    } else {
        String::new()
    };
    format!("{origin}{path}?pageKey={key}{limit}")
}

pub fn last_meta(form: LastMeta) -> &'static str {
    match form {
        LastMeta::Absent => "",
        LastMeta::Null => r#","meta":null"#,
        LastMeta::EmptyObject => r#","meta":{}"#,
        LastMeta::NullNext => r#","meta":{"next":null}"#,
    }
}

/// What lengthens a key; base64 does not use it.
const PADDING: char = '.';

/// What a page key holds. Like the sample in docs/dixa-api.md 2.3 it is a query in base64, which counts
/// rows, not ids.
#[derive(Clone)]
pub struct PageKey {
    size: usize,
    offset: usize,
    page: usize,
    filters: Vec<(String, String)>,
}

impl PageKey {
    /// What a first page's key carries of a request for a list.
    fn filters(request: &Request) -> Vec<(String, String)> {
        let filters = request.pairs.iter().filter(|(name, _)| name != "pageLimit");
        filters.cloned().collect()
    }

    /// What it carries under this name.
    pub fn carried(&self, name: &str) -> Option<&str> {
        first_value(&self.filters, name)
    }

    /// The key as text, the same one for every page by switch.
    pub fn text(&self, paging: &Paging) -> String {
        let (page, offset) = match paging.next {
            NextLink::SameKey => (1, self.size),
            _ => (self.page, self.offset),
        };
        let filters = self.filters.iter();
        let filters: Vec<_> = filters
            .map(|(name, value)| format!("&{name}={value}"))
            .collect();
        let key = format!(
            "pageLimit={}&page={page}&offset={offset}{}",
            self.size,
            filters.concat()
        );
        BASE64_STANDARD.encode(key) + &PADDING.to_string().repeat(paging.key_padding)
    }

    fn decode(key: &str) -> Option<Self> {
        let key = key.split(PADDING).next().unwrap_or_default();
        let text = String::from_utf8(BASE64_STANDARD.decode(key).ok()?).ok()?;
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
