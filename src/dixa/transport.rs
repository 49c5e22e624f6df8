//! How one request reaches a host, and its answer us: over HTTP, one client a host. Neither waits nor tries again.

use std::cell::OnceCell;
use std::error::Error as _;
use std::pin::Pin;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Response, Url, redirect, retry};

use crate::dixa::Host;
use crate::dixa::error::{Error, Phase};
use crate::dixa::tls;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const USER_AGENT: &str = concat!("source-dixa/", env!("CARGO_PKG_VERSION"));

/// Carries a request to a host and brings back its answer, whose body is still to come.
pub trait Transport {
    fn get<'a>(
        &'a self,
        url: &'a Url,
        headers: HeaderMap,
    ) -> Pin<Box<dyn Future<Output = Result<Response, Error>> + 'a>>;
}

/// HTTP to one host.
pub struct Http {
    host: Host,
    base_url: Url,
    /// Built when first used: `spec` and an empty read need none.
    client: OnceCell<reqwest::Client>,
}

impl Http {
    pub fn new(host: Host, base_url: Url) -> Self {
        Self {
            host,
            base_url,
            client: OnceCell::new(),
        }
    }

    fn client(&self) -> Result<&reqwest::Client, Error> {
        if self.client.get().is_none() {
            let _ = self.client.set(build(&self.base_url)?);
        }
        self.client
            .get()
            .ok_or_else(|| unreachable!("it was set above"))
    }
}

impl Transport for Http {
    fn get<'a>(
        &'a self,
        url: &'a Url,
        headers: HeaderMap,
    ) -> Pin<Box<dyn Future<Output = Result<Response, Error>> + 'a>> {
        Box::pin(async move {
            let request = self.client()?.get(url.clone()).headers(headers);
            request.send().await.map_err(|error| {
                if error.is_timeout() {
                    Error::TimedOut {
                        host: self.host,
                        phase: Phase::Connecting,
                        after: CONNECT_TIMEOUT,
                    }
                } else {
                    Error::Unreachable {
                        host: self.host,
                        cause: chain(error),
                    }
                }
            })
        })
    }
}

/// An HTTP client for one base URL. This machine itself is never asked through a proxy.
fn build(base_url: &Url) -> Result<reqwest::Client, Error> {
    let tls = if base_url.scheme() == "https" {
        tls::config()?
    } else {
        tls::unused()?
    };
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .user_agent(USER_AGENT)
        .http1_only()
        .connect_timeout(CONNECT_TIMEOUT);
    let builder = if is_loopback(base_url) {
        builder.no_proxy()
    } else {
        builder
    };
    builder.build().map_err(|error| Error::Client {
        cause: chain(error),
    })
}

/// The URL's host is this machine, by name or by address.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The whole chain of an error in one line, without the URL.
pub fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
