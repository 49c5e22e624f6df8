//! One request, decoded.

/// One request, decoded.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// The part after the `?`, as received.
    pub query: String,
    /// The query's names and values, percent-decoded.
    pub pairs: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Empty if it is longer than `LARGEST_BODY`.
    pub body: Vec<u8>,
}

/// Longer bodies are not read.
pub const LARGEST_BODY: usize = 64 * 1024;

/// The first value of this name.
pub fn first_value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let pair = pairs.iter().find(|(known, _)| known == name);
    pair.map(|(_, value)| value.as_str())
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        first_value(&self.headers, name)
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        first_value(&self.pairs, name)
    }

    /// Path and query, as received.
    pub fn target(&self) -> String {
        if self.query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, self.query)
        }
    }

    pub fn accepts_gzip(&self) -> bool {
        self.header("accept-encoding")
            .is_some_and(|value| value.contains("gzip"))
    }

    pub fn wants_close(&self) -> bool {
        self.header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// A GET of this target (path and query) with this `Authorization`.
    pub fn get(target: &str, authorization: &str) -> Self {
        let headers = vec![("authorization".to_owned(), authorization.to_owned())];
        Self::new("GET", target, headers)
    }

    /// The names of headers are in lower case.
    pub fn new(method: &str, target: &str, headers: Vec<(String, String)>) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            pairs: form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            headers,
            body: Vec::new(),
        }
    }

    /// A POST of this JSON to this target with this `Authorization`.
    pub fn post(target: &str, authorization: &str, body: &str) -> Self {
        let headers = [
            ("authorization", authorization),
            ("content-type", "application/json"),
            ("content-length", &body.len().to_string()),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            body: body.as_bytes().to_vec(),
            ..Self::new("POST", target, headers.into())
        }
    }

    /// Whether the body is declared as JSON.
    pub fn has_json(&self) -> bool {
        let kind = self.header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/json")
    }

    /// The length that the request declares.
    pub fn body_bytes(&self) -> usize {
        self.header("content-length")
            .and_then(|value| value.parse().ok())
            .unwrap_or(0)
    }
}
