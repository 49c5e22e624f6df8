//! What a request asks for, and how a link to a next page becomes one. Knows nothing of how it is sent.

use std::collections::HashSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use xxhash_rust::xxh3::xxh3_128;

use crate::dixa::error::Error;
use crate::dixa::host::Host;

/// What is escaped in an id, so that it stays one segment of the path. `Url::path_segments_mut` would drop the segments `.` and
/// `..` instead.
const PATH_RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The longest URL that a request can carry, in bytes.
const LONGEST_URL: usize = 65_534;

/// A request to a host: always a GET.
#[derive(Clone, Debug)]
pub struct Request {
    pub host: Host,
    /// The path of its endpoint as we know it, whatever a link says.
    pub(super) path: String,
    pub(super) url: Url,
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
        }
    }

    /// The request for the page that this one's response links to (docs/dixa-api.md 2.3: a relative
    /// link). Only to the same origin: the token goes nowhere else. Whether a page key carries
    /// these filters is unknown (docs/dixa-api.md 2.3): they are sent again where the link does not
    /// have them, which is known to work.
    pub fn follow(&self, link: &str, filters: &[(&str, String)]) -> Result<Self, Error> {
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
                    host: self.host,
                    path: self.path.clone(),
                    url,
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
        let key = self.url.query_pairs().find(|(name, _)| name == "pageKey");
        match key {
            Some((_, key)) => xxh3_128(key.as_bytes()),
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
