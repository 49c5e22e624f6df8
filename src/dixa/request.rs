//! What a request asks for, and how a link to a next page becomes one. Knows nothing of how it is sent.

use std::collections::HashSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use reqwest::Url;
use xxhash_rust::xxh3::xxh3_128;

use crate::dixa::error::Error;
use crate::dixa::host::Host;
use crate::dixa::next_page::NextPage;

/// What is escaped in an id, so that it stays one segment of the path. `Url::path_segments_mut` would drop the segments `.` and
/// `..` instead.
const PATH_RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The longest URL that a request can carry, in bytes.
const LONGEST_URL: usize = 65_534;

/// The query parameter for a page (docs/dixa-api.md 2.3).
const PAGE_KEY: &str = "pageKey";

/// A request to a host: a POST if it has a body, else a GET.
#[derive(Clone, Debug)]
pub struct Request {
    pub host: Host,
    /// The path of its endpoint as we know it, whatever a link says.
    pub(super) path: String,
    pub(super) url: Url,
    /// JSON.
    pub(super) body: Option<String>,
}

impl Request {
    /// A request for `path`, which begins with `/v1/`, and in which `{id}` stands for the id.
    pub fn new(
        host: Host,
        base_url: &Url,
        path: &str,
        id: Option<&str>,
        query: &[(&str, String)],
    ) -> Self {
        let mut url = base_url.clone();
        let id = utf8_percent_encode(id.unwrap_or_default(), PATH_RESERVED).to_string();
        let filled = path.replace("{id}", &id);
        url.set_path(&format!("{}{filled}", url.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Self {
            host,
            path: path.to_owned(),
            url,
            body: None,
        }
    }

    /// The same request as a POST of this JSON.
    #[must_use]
    pub fn post(self, body: String) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }

    /// The request for the page after this one's. For a POST, it is the same POST with the key of that page (docs/dixa-api.md 2.3).
    /// Whether a page key carries these filters is unknown: see `follow`.
    pub fn next(&self, page: &NextPage, filters: &[(&str, String)]) -> Result<Self, Error> {
        let key = match page {
            NextPage::Key(key) => key.clone(),
            NextPage::Link(link) if self.body.is_some() && is_bare_key(link) => {
                percent_decode_str(link).decode_utf8_lossy().into_owned()
            }
            NextPage::Link(link) => {
                let linked = self.follow(link, filters)?;
                match linked.page_key() {
                    Some(key) if self.body.is_some() => key,
                    _ => return Ok(linked),
                }
            }
        };
        let others = self.url.query_pairs().filter(|(name, _)| name != PAGE_KEY);
        let others: Vec<_> = others
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let mut next = self.clone();
        next.url
            .query_pairs_mut()
            .clear()
            .extend_pairs(others)
            .append_pair(PAGE_KEY, &key);
        Ok(next)
    }

    /// Whether a page of this kind can come next: only a POST is said to get keys without a link (docs/dixa-api.md 2.3).
    pub(super) fn takes(&self, page: &NextPage) -> bool {
        self.body.is_some() || matches!(page, NextPage::Link(_))
    }

    fn page_key(&self) -> Option<String> {
        let key = self.url.query_pairs().find(|(name, _)| name == PAGE_KEY);
        key.map(|(_, key)| key.into_owned())
    }

    /// The request for the page that this one's response links to (docs/dixa-api.md 2.3: a relative
    /// link). Only to the same origin: the token goes nowhere else. Whether a page key carries
    /// these filters is unknown (docs/dixa-api.md 2.3): they are sent again where the link does not
    /// have them, which is known to work.
    fn follow(&self, link: &str, filters: &[(&str, String)]) -> Result<Self, Error> {
        let foreign = Error::ForeignLink { host: self.host };
        let is_bare = !link.starts_with(['/', '?']) && !link.contains("://");
        let link = if is_bare {
            format!("/{link}")
        } else {
            link.to_owned()
        };
        match self.url.join(&link) {
            Ok(mut url) if url.origin() == self.url.origin() => {
                let names: HashSet<_> = url
                    .query_pairs()
                    .map(|(name, _)| name.into_owned())
                    .collect();
                let missing: Vec<_> = filters
                    .iter()
                    .filter(|(name, _)| !names.contains(*name))
                    .collect();
                if !missing.is_empty() {
                    url.query_pairs_mut().extend_pairs(missing);
                }
                Ok(Self {
                    url,
                    ..self.clone()
                })
            }
            _ => Err(foreign),
        }
    }

    /// The path of its endpoint.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where it goes: scheme, host and port.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// What distinguishes this page from others: a fingerprint of its page key, else of its whole URL.
    pub fn page(&self) -> u128 {
        match self.page_key() {
            Some(key) => xxh3_128(key.as_bytes()),
            None => xxh3_128(self.url.as_str().as_bytes()),
        }
    }

    /// Whether it can be sent at all: an id or a link may be too long.
    pub fn check_length(&self) -> Result<(), Error> {
        if self.url.as_str().len() > LONGEST_URL {
            return Err(Error::TooLong { host: self.host });
        }
        Ok(())
    }
}

/// Whether a link is only the key of a page.
fn is_bare_key(link: &str) -> bool {
    !link.contains(['?', '&', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(page: &NextPage) -> String {
        let base = Url::parse("https://dev.dixa.io/").unwrap();
        let query = [("pageLimit", "300".to_owned())];
        let request = Request::new(Host::Api, &base, "/v1/analytics/records", None, &query);
        let next = request.post("{}".to_owned()).next(page, &[]).unwrap();
        assert_eq!(next.body.as_deref(), Some("{}"));
        next.url.query().unwrap().to_owned()
    }

    #[test]
    fn the_next_page_of_a_post_is_the_same_post_with_its_key() {
        let expected = "pageLimit=300&pageKey=a%2Fb%3D%3D";
        for link in [
            "/v1/analytics/records?pageKey=a%2Fb%3D%3D",
            "?pageLimit=50&pageKey=a%2Fb%3D%3D",
            "https://dev.dixa.io/beta/analytics/records?pageKey=a%2Fb%3D%3D",
            "a%2Fb%3D%3D",
            "a/b==",
        ] {
            assert_eq!(next(&NextPage::Link(link.to_owned())), expected, "{link}");
        }
        assert_eq!(next(&NextPage::Key("a/b==".to_owned())), expected);
    }
}
