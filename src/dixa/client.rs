//! Both hosts, with one token.

use reqwest::Url;

use crate::dixa::host::Host;
use crate::dixa::host_client::HostClient;
use crate::dixa::rate_limit::{api_limit, exports_limit};
use crate::dixa::request::Request;
use crate::dixa::token::Token;
use crate::dixa::transport::{Http, Transport};

/// Where the hosts are, the token for them, and how often to send requests.
#[derive(Clone, Debug)]
pub struct Settings {
    pub token: Token,
    /// Without `/v1`.
    pub exports_base_url: Url,
    pub api_base_url: Url,
    pub exports_requests_per_minute: u64,
    pub api_requests_per_second: u64,
}

/// Both hosts, with one token.
pub struct Client {
    exports: HostClient,
    api: HostClient,
}

impl Client {
    /// Over HTTP.
    pub fn new(settings: Settings) -> Self {
        let exports = Http::new(Host::Exports, settings.exports_base_url.clone());
        let api = Http::new(Host::Api, settings.api_base_url.clone());
        Self::with_transports(settings, Box::new(exports), Box::new(api))
    }

    /// Over these transports to the two hosts.
    pub fn with_transports(
        settings: Settings,
        exports: Box<dyn Transport>,
        api: Box<dyn Transport>,
    ) -> Self {
        let exports_limit = exports_limit(settings.exports_requests_per_minute);
        let api_limit = api_limit(settings.api_requests_per_second);
        Self {
            exports: HostClient::new(
                Host::Exports,
                settings.exports_base_url,
                settings.token.clone(),
                &exports_limit,
                exports,
            ),
            api: HostClient::new(
                Host::Api,
                settings.api_base_url,
                settings.token,
                &api_limit,
                api,
            ),
        }
    }

    /// One of the hosts.
    pub fn host(&self, host: Host) -> &HostClient {
        match host {
            Host::Exports => &self.exports,
            Host::Api => &self.api,
        }
    }

    /// A request for `path`, which begins with `/v1/`, and in which `{id}` stands for the id.
    pub fn request(
        &self,
        host: Host,
        path: &str,
        id: Option<&str>,
        query: &[(&str, String)],
    ) -> Request {
        Request::new(host, self.host(host).base_url(), path, id, query)
    }
}
