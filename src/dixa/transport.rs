//! Sends one request to a host and returns its response: over HTTP, with one client per host. Neither waits nor retries.

use std::cell::OnceCell;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Response, Url, redirect, retry};
use tower_layer::layer_fn;
use tower_service::Service;

use crate::dixa::connect_error::{connect_error, error_chain};
use crate::dixa::error::{Error, Phase};
use crate::dixa::host::Host;
use crate::dixa::proxy::EnvironmentProxy;
use crate::dixa::rate_limit::Connections;
use crate::dixa::tls;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// More header lines than this are an error.
const MAX_HEADERS: usize = 1000;
const USER_AGENT: &str = concat!("source-dixa/", env!("CARGO_PKG_VERSION"));

/// Sends a request to a host, a POST if it has a body, else a GET, and returns the response, whose body is still to be read. Every
/// new connection is counted from its first packet until requests can be sent over it.
pub trait Transport {
    fn send<'a>(
        &'a self,
        url: &'a Url,
        headers: HeaderMap,
        body: Option<&'a str>,
        connections: &'a Connections,
    ) -> Pin<Box<dyn Future<Output = Result<Response, Error>> + 'a>>;
}

/// HTTP to one host.
pub struct Http {
    host: Host,
    base_url: Url,
    /// Built on first use, since `spec` and an empty read do not need it.
    client: OnceCell<Built>,
}

struct Built {
    client: reqwest::Client,
    /// The environment variable that names the proxy, if there is one.
    proxy: Option<&'static str>,
}

impl Http {
    pub fn new(host: Host, base_url: Url) -> Self {
        Self {
            host,
            base_url,
            client: OnceCell::new(),
        }
    }

    fn client(&self, connections: &Connections) -> Result<&Built, Error> {
        if self.client.get().is_none() {
            let _ = self.client.set(build(&self.base_url, connections)?);
        }
        self.client
            .get()
            .ok_or_else(|| unreachable!("it was set above"))
    }
}

impl Transport for Http {
    fn send<'a>(
        &'a self,
        url: &'a Url,
        headers: HeaderMap,
        body: Option<&'a str>,
        connections: &'a Connections,
    ) -> Pin<Box<dyn Future<Output = Result<Response, Error>> + 'a>> {
        Box::pin(async move {
            let Built { client, proxy } = self.client(connections)?;
            let request = match body {
                None => client.get(url.clone()),
                Some(body) => client.post(url.clone()).body(body.to_owned()),
            };
            let request = request.headers(headers);
            request.send().await.map_err(|error| {
                if error.is_timeout() {
                    Error::TimedOut {
                        host: self.host,
                        phase: Phase::Connecting,
                        after: CONNECT_TIMEOUT,
                    }
                } else {
                    connect_error(self.host, error, *proxy)
                }
            })
        })
    }
}

/// An HTTP client for one base URL. A loopback address is never reached through a proxy. Heads of responses that break the rules
/// are read as leniently as curl reads them: firewalls and proxies write such.
fn build(base_url: &Url, connections: &Connections) -> Result<Built, Error> {
    let proxy = if is_loopback(base_url) {
        None
    } else {
        EnvironmentProxy::find()?
    };
    let tls = if base_url.scheme() == "https" {
        tls::config()?
    } else {
        tls::no_trust()?
    };
    let connections = connections.clone();
    let counted = layer_fn(move |inner| Counted {
        inner,
        connections: connections.clone(),
    });
    let builder = reqwest::Client::builder()
        .connector_layer(counted)
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .user_agent(USER_AGENT)
        .http1_only()
        .http1_max_headers(MAX_HEADERS)
        .http1_ignore_invalid_headers_in_responses(true)
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .connect_timeout(CONNECT_TIMEOUT);
    let variable = proxy.as_ref().map(|proxy| proxy.variable);
    let builder = match proxy {
        Some(proxy) => builder.proxy(proxy.proxy),
        None => builder.no_proxy(),
    };
    let client = builder.build().map_err(|error| Error::Client {
        cause: error_chain(&error.without_url()),
    })?;
    Ok(Built {
        client,
        proxy: variable,
    })
}

/// Counts connections while they are being established, from name resolution and proxy to TCP and TLS. hyper opens one whenever
/// none is idle, or an idle one turns out to be dead. If another becomes idle in the meantime, the new one is kept as a spare.
#[derive(Clone)]
struct Counted<S> {
    inner: S,
    connections: Connections,
}

impl<S: Service<R>, R> Service<R> for Counted<S>
where
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let connecting = self.connections.begin();
        let connection = self.inner.call(request);
        Box::pin(async move {
            let connection = connection.await;
            drop(connecting);
            connection
        })
    }
}

/// Whether the URL's host is this machine, by name or by address. Subdomains of `localhost` do not count, since some resolvers
/// look them up on the network.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
