//! A request that the probe may send, and how it is shown: ids, times and page keys are placeholders.

use std::fmt::{self, Display};

use record_splitter::RecordPath;

use crate::dixa::client::Client;
use crate::dixa::host::Host;
use crate::dixa::request::Request;
use crate::dixa::token::TokenForm;
use crate::streams::stream::Stream;

/// A request that the probe may send.
#[derive(Clone)]
pub struct Ask {
    pub host: Host,
    /// Whose records the response holds, if a stream's.
    pub stream: Option<&'static Stream>,
    pub frame: RecordPath,
    pub form: TokenForm,
    path: &'static str,
    id: Option<String>,
    query: Vec<(&'static str, String)>,
    /// The query as it is shown.
    shown: Vec<String>,
    body: Option<AskBody>,
    /// The page that a link leads to, instead of the first one.
    page: Option<Request>,
}

/// The JSON of a POST, and what is shown of it.
#[derive(Clone)]
struct AskBody {
    json: String,
    shown: String,
}

impl Ask {
    /// A list of the main API that is not a stream.
    pub fn list(path: &'static str) -> Self {
        Self {
            host: Host::Api,
            stream: None,
            frame: RecordPath::Array(&["data"]),
            form: TokenForm::Usual,
            path,
            id: None,
            query: Vec::new(),
            shown: Vec::new(),
            body: None,
            page: None,
        }
    }

    /// The endpoint of a stream.
    pub fn stream(stream: &'static Stream) -> Self {
        let ask = Self {
            host: stream.host,
            stream: Some(stream),
            frame: stream.frame,
            ..Self::list(stream.path)
        };
        let fixed = stream.fixed_query();
        fixed.fold(ask, |ask, (name, value)| ask.with(name, value))
    }

    /// With a parameter that is shown as it is.
    #[must_use]
    pub fn with(self, name: &'static str, value: impl Display) -> Self {
        let value = value.to_string();
        let shown = value.clone();
        self.with_hidden(name, value, &shown)
    }

    /// With a parameter whose value is not shown.
    #[must_use]
    pub fn with_hidden(mut self, name: &'static str, value: String, shown: &str) -> Self {
        self.query.push((name, value));
        self.shown.push(format!("{name}={shown}"));
        self
    }

    /// What a link to the next page has to keep, as a read sends it again.
    pub fn filters(&self) -> Vec<(&'static str, String)> {
        let filters = self.query.iter().filter(|(name, _)| *name != "pageLimit");
        filters.cloned().collect()
    }

    /// For the `{id}` in the path.
    #[must_use]
    pub fn of(self, id: String) -> Self {
        Self {
            id: Some(id),
            ..self
        }
    }

    /// With the token in this form.
    #[must_use]
    pub fn token(self, form: TokenForm) -> Self {
        Self { form, ..self }
    }

    /// As a POST of this JSON.
    #[must_use]
    pub fn post(self, json: String, shown: String) -> Self {
        Self {
            body: Some(AskBody { json, shown }),
            ..self
        }
    }

    /// The page after this one.
    #[must_use]
    pub fn next(self, page: Request) -> Self {
        Self {
            query: Vec::new(),
            shown: vec!["pageKey={next page}".to_owned()],
            page: Some(page),
            ..self
        }
    }

    pub fn request(&self, client: &Client) -> Request {
        if let Some(page) = &self.page {
            return page.clone();
        }
        let request = client.request(self.host, self.path, self.id.as_deref(), &self.query);
        match &self.body {
            Some(body) => request.post(body.json.clone()),
            None => request,
        }
    }
}

impl Display for Ask {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = if self.body.is_some() { "POST" } else { "GET" };
        write!(formatter, "{method} {}", self.path)?;
        if !self.shown.is_empty() {
            write!(formatter, "?{}", self.shown.join("&"))?;
        }
        if let Some(body) = &self.body {
            write!(formatter, " {}", body.shown)?;
        }
        match self.form {
            TokenForm::Usual => Ok(()),
            TokenForm::Bearer => formatter.write_str(" (token as Bearer)"),
            TokenForm::Bare => formatter.write_str(" (token without a scheme)"),
        }
    }
}
