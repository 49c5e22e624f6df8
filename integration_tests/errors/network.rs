//! The environment, and what lies between here and Dixa.

use super::{Case, case};
use crate::support::bench::{Bench, raw_server};
use crate::support::tls::{expired, secure};

/// A config whose hosts have this URL.
fn to(url: &str) -> String {
    format!(
        r#"{{"api_token":"{{token}}","exports_base_url":"{url}","api_base_url":"{url}","api_requests_per_second":1000,"exports_requests_per_minute":60000}}"#
    )
}

/// A read of a host that only a proxy can reach.
fn proxied() -> Bench {
    Bench::read().config(to("https://dixa.invalid"))
}

pub fn environment() -> Vec<Case> {
    vec![
        case(
            "`DIXA_API_TOKEN` with a blank in it",
            "Set it to the token alone.",
            Bench::new("check").env("DIXA_API_TOKEN", "Bearer x"),
        ),
        case(
            "`HTTPS_PROXY` that is not a URL",
            "",
            proxied().env("HTTPS_PROXY", "http://:::bad"),
        ),
        case(
            "`https_proxy` that is not a URL",
            "",
            proxied().env("https_proxy", "http://proxy:port"),
        ),
        case(
            "`ALL_PROXY` with an unknown scheme",
            "",
            proxied().env("ALL_PROXY", "ftp://proxy:21"),
        ),
        case(
            "`HTTPS_PROXY` with a `/` in its password",
            "",
            proxied().env("HTTPS_PROXY", "http://user:pa/ss@proxy:8080"),
        ),
        case(
            "`SSL_CERT_FILE` that does not exist",
            "",
            proxied().env("SSL_CERT_FILE", "/nowhere.pem"),
        ),
        case(
            "`SSL_CERT_DIR` without certificates",
            "",
            proxied().env("SSL_CERT_DIR", "/nowhere"),
        ),
        case(
            "`REQUESTS_CA_BUNDLE` without certificates",
            "",
            proxied().env("REQUESTS_CA_BUNDLE", "{dir}/config.json"),
        ),
        case(
            "`CURL_CA_BUNDLE` that does not exist",
            "",
            proxied().env("CURL_CA_BUNDLE", "/nowhere.pem"),
        ),
    ]
}

pub fn connection() -> Vec<Case> {
    // Simulators behind TLS serve until the tests end.
    let leaked = |secure: crate::support::tls::Secure| &*Box::leak(Box::new(secure));
    let known = leaked(secure(&["localhost"]));
    let named = leaked(secure(&["elsewhere.invalid"]));
    let old = leaked(expired(&["localhost"]));
    let at = |port: u16| Bench::read().config(to(&format!("https://localhost:{port}")));
    let trusting = |secure: &'static crate::support::tls::Secure| {
        at(secure.port)
            .file("ca.pem", secure.authority.clone())
            .env("SSL_CERT_FILE", "{dir}/ca.pem")
    };
    let through = |response: &str| proxied().env("HTTPS_PROXY", &raw_server(response.into()));
    vec![
        case("a host name that DNS does not know", "", proxied()),
        case(
            "a port where nothing listens",
            "",
            Bench::read().config(to("http://127.0.0.1:1")),
        ),
        case(
            "a server that closes the connection",
            "",
            Bench::read().raw(""),
        ),
        case(
            "a server that does not speak HTTP",
            "",
            Bench::read().raw("220 mail.example.com ESMTP\r\n"),
        ),
        case(
            "a server that does not speak TLS",
            "",
            Bench::read()
                .config(to("https://localhost:{port}"))
                .raw("HTTP/1.1 400 Bad Request\r\n\r\n"),
        ),
        case("a certificate of an unknown authority", "", at(known.port)),
        case("a certificate for another name", "", trusting(named)),
        case("a certificate that has expired", "", trusting(old)),
        case(
            "a proxy that does not run",
            "",
            proxied().env("HTTPS_PROXY", "http://127.0.0.1:1"),
        ),
        case(
            "a proxy whose name DNS does not know",
            "",
            proxied().env("HTTPS_PROXY", "http://proxy.invalid:8080"),
        ),
        case(
            "a proxy that wants a password",
            "",
            through("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
        ),
        case(
            "a proxy that forbids the host",
            "",
            through("HTTP/1.1 403 Forbidden\r\n\r\n"),
        ),
        case(
            "a SOCKS proxy that does not run",
            "",
            proxied().env("ALL_PROXY", "socks5h://127.0.0.1:1"),
        ),
    ]
}
