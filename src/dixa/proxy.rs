//! The proxy that the environment names. A value that cannot be used is an error: nothing goes past a proxy.

use std::env;

use reqwest::{NoProxy, Proxy, Url};

use crate::dixa::error::Error;

/// The first one that is set wins. `HTTP_PROXY` is for plain HTTP, which never leaves this machine.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

const NOT_A_URL: &str = "is not a valid proxy URL, such as http://proxy.example.com:8080";
const UNKNOWN_SCHEME: &str =
    "has an unsupported proxy scheme: use http, https, socks4, socks4a, socks5 or socks5h";

/// A proxy, and the variable that names it. Hosts in `NO_PROXY` are connected to directly.
pub struct EnvironmentProxy {
    pub variable: &'static str,
    pub proxy: Proxy,
}

impl EnvironmentProxy {
    /// The proxy for HTTPS, if the environment names one.
    pub fn find() -> Result<Option<Self>, Error> {
        for variable in VARIABLES {
            let Some(value) = env::var_os(variable) else {
                continue;
            };
            let value = value.to_str().map(str::trim);
            if value == Some("") {
                continue;
            }
            let bad = |problem| Error::BadProxy { variable, problem };
            let url = proxy_url(value.ok_or(bad(NOT_A_URL))?).map_err(bad)?;
            let proxy = Proxy::all(url).map_err(|_| bad(NOT_A_URL))?;
            return Ok(Some(Self {
                variable,
                proxy: proxy.no_proxy(NoProxy::from_env()),
            }));
        }
        Ok(None)
    }
}

/// The URL of a proxy; without a scheme, `http` is meant.
fn proxy_url(value: &str) -> Result<Url, &'static str> {
    if value.contains(char::is_whitespace) || value.contains(char::is_control) {
        return Err(NOT_A_URL);
    }
    let with_scheme = if value.contains("://") {
        value.to_owned()
    } else {
        format!("http://{value}")
    };
    let (scheme, _) = with_scheme.split_once("://").unwrap_or_default();
    if !SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) {
        return Err(UNKNOWN_SCHEME);
    }
    let url = Url::parse(&with_scheme).map_err(|_| NOT_A_URL)?;
    // More than a host and port means that a `/`, `?` or `#` in a password was not escaped.
    let is_bare =
        matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    let has_host = url.host_str().is_some_and(|host| !host.is_empty());
    if is_bare && has_host {
        Ok(url)
    } else {
        Err(NOT_A_URL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_url_with_or_without_a_scheme_and_a_password_may_hold_an_at_sign() {
        for (value, expected) in [
            ("http://127.0.0.1:3128", "http://127.0.0.1:3128/"),
            ("proxy.example.com:8080", "http://proxy.example.com:8080/"),
            ("localhost:8080", "http://localhost:8080/"),
            ("HTTPS://proxy", "https://proxy/"),
            ("socks5h://[::1]:1080", "socks5h://[::1]:1080"),
            ("http://user:p@ss@proxy:1/", "http://user:p%40ss@proxy:1/"),
        ] {
            assert_eq!(proxy_url(value).map(String::from), Ok(expected.to_owned()));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for value in [
            "http://:::bad",
            "http://",
            "://proxy",
            "ftp://proxy:21",
            "http://proxy:99999",
            "http://proxy:80\n80",
            "http://a b",
            "http://user:pa/ss@proxy:1",
            "http://user:1#ss@proxy:1",
            "http://user:1?ss@proxy:1",
            "\"http://proxy:1\"",
        ] {
            assert!(proxy_url(value).is_err(), "{value}");
        }
    }
}
