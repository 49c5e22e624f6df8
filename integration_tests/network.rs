//! The network between the connector and Dixa: host names, certificates, proxies, and their errors.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use dixa_simulator::Simulator;
use serde_json::{Value, json};

use crate::support::binary::binary;
use crate::support::catalog::catalog;
use crate::support::config::TOKEN;
use crate::support::ran::{Ran, run};
use crate::support::read::Read;
use crate::support::sim::Sim;
use crate::support::test_dir::TestDir;
use crate::support::tls::{Secure, behind_tls, proxy, secure, socks_proxy};

/// The name that only the proxy knows.
const PROXIED_NAME: &str = "dixa.invalid";

/// A `check` or a `read` of tags, with an environment.
struct Client {
    dir: TestDir,
    command: Command,
}

impl Client {
    fn new(verb: &str, base_url: &str) -> Self {
        let dir = TestDir::new();
        let config =
            json!({"api_token": TOKEN, "exports_base_url": base_url, "api_base_url": base_url});
        let config = dir.file("config.json", &config.to_string());
        let mut command = binary();
        command.arg(verb).arg("--config").arg(config);
        if verb == "read" {
            let catalog = catalog(["tags"], "full_refresh").to_string();
            command
                .arg("--catalog")
                .arg(dir.file("catalog.json", &catalog));
        }
        Self { dir, command }
    }

    fn with(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    fn authority(&self, secure: &Secure) -> PathBuf {
        self.dir.file("authority.pem", &secure.authority)
    }

    fn trusting(self, secure: &Secure) -> Self {
        let file = self.authority(secure);
        self.with("SSL_CERT_FILE", file)
    }

    fn ran(mut self) -> Ran {
        run(&mut self.command)
    }
}

fn check_read(ran: Ran) {
    assert_eq!(ran.succeeded().records("tags").len(), 8);
}

/// The check failed because of something that the user can correct, and Dixa received no request.
fn check_refused(ran: &Ran, simulator: &Simulator, part: &str) {
    let (status, message) = ran.connection_status();
    assert_eq!((ran.code, status), (0, "FAILED"));
    assert!(message.contains(part), "{message}");
    assert_eq!(simulator.log().len(), 0);
}

#[test]
fn a_private_authority_is_trusted_by_ssl_cert_file() {
    let secure = secure(&["localhost"]);
    let base_url = format!("https://localhost:{}", secure.port);
    check_read(Client::new("read", &base_url).trusting(&secure).ran());
    assert!(
        secure
            .simulator
            .log()
            .iter()
            .all(|request| request.refused.is_none())
    );
}

#[test]
fn a_private_authority_is_trusted_by_ssl_cert_dir() {
    let secure = secure(&["127.0.0.1"]);
    let client = Client::new("read", &format!("https://127.0.0.1:{}", secure.port));
    let folder = client.dir.path("authorities");
    fs::create_dir(&folder).unwrap();
    fs::copy(client.authority(&secure), folder.join("5ed36f99.0")).unwrap();
    check_read(client.with("SSL_CERT_DIR", folder).ran());
}

#[test]
fn an_unknown_authority_is_not_trusted_and_receives_no_token() {
    let secure = secure(&["localhost"]);
    let ran = Client::new("check", &format!("https://localhost:{}", secure.port)).ran();
    check_refused(
        &ran,
        &secure.simulator,
        "an authority that is not trusted here. If a proxy or firewall here inspects TLS, name a PEM file with its CA certificate in SSL_CERT_FILE",
    );
}

#[test]
fn unreadable_certificates_are_an_error_and_no_others_are_trusted() {
    let secure = secure(&["localhost"]);
    let base_url = format!("https://localhost:{}", secure.port);
    for variable in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        let ran = Client::new("check", &base_url)
            .with(variable, "/nowhere")
            .ran();
        let (status, message) = ran.connection_status();
        assert_eq!(status, "FAILED");
        assert!(
            message.contains(&format!("{variable} is set, but no certificate")),
            "{message}"
        );
    }
    assert_eq!(secure.simulator.log().len(), 0);
}

#[test]
fn a_certificate_for_another_name_is_not_trusted() {
    let secure = secure(&["elsewhere.invalid"]);
    let client = Client::new("check", &format!("https://localhost:{}", secure.port));
    let ran = client.trusting(&secure).ran();
    check_refused(
        &ran,
        &secure.simulator,
        "its certificate is for a different host name",
    );
}

#[test]
fn a_proxy_tunnels_the_connection_and_sees_no_token() {
    let secure = secure(&[PROXIED_NAME]);
    let (port, heads) = proxy(secure.port);
    let client = Client::new("read", &format!("https://{PROXIED_NAME}"));
    let client = client
        .trusting(&secure)
        .with("HTTPS_PROXY", format!("http://127.0.0.1:{port}"));
    check_read(client.ran());
    let heads = heads.lock().unwrap();
    assert!(
        heads[0].starts_with("CONNECT dixa.invalid:443 HTTP/1.1\r\n"),
        "{heads:?}"
    );
    assert!(
        !heads.concat().to_lowercase().contains("authorization"),
        "{heads:?}"
    );
}

#[test]
fn a_proxy_may_have_blanks_around_it_and_a_raw_at_sign_in_its_password() {
    let secure = secure(&[PROXIED_NAME]);
    let (port, heads) = proxy(secure.port);
    let client = Client::new("read", &format!("https://{PROXIED_NAME}"));
    let client = client.trusting(&secure).with(
        "https_proxy",
        format!(" http://user:p@ss@127.0.0.1:{port}\n"),
    );
    check_read(client.ran());
    let heads = heads.lock().unwrap().concat().to_lowercase();
    // Base64 of `user:p@ss`.
    assert!(
        heads.contains(&"proxy-authorization: Basic dXNlcjpwQHNz".to_lowercase()),
        "{heads}"
    );
}

#[test]
fn a_socks_proxy_connects_and_resolves_the_name() {
    let secure = secure(&[PROXIED_NAME]);
    let (port, names) = socks_proxy(secure.port);
    let client = Client::new("read", &format!("https://{PROXIED_NAME}"));
    let client = client
        .trusting(&secure)
        .with("ALL_PROXY", format!("socks5h://127.0.0.1:{port}"));
    check_read(client.ran());
    assert_eq!(names.lock().unwrap()[0], PROXIED_NAME);
}

#[test]
fn the_bundles_of_requests_and_curl_are_trusted_if_no_other_is_named() {
    let secure = secure(&["localhost"]);
    let base_url = format!("https://localhost:{}", secure.port);
    for variable in ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"] {
        let client = Client::new("read", &base_url);
        let file = client.authority(&secure);
        check_read(client.with(variable, file).ran());
    }
    let client = Client::new("check", &base_url).with("SSL_CERT_FILE", "/nowhere");
    let file = client.authority(&secure);
    let ran = client.with("CURL_CA_BUNDLE", file).ran();
    assert_eq!(ran.connection_status().0, "FAILED");
}

#[test]
fn a_host_in_no_proxy_is_connected_to_directly() {
    let secure = secure(&[PROXIED_NAME]);
    let (port, heads) = proxy(secure.port);
    let client = Client::new("check", &format!("https://{PROXIED_NAME}"))
        .trusting(&secure)
        .with("HTTPS_PROXY", format!("http://127.0.0.1:{port}"))
        .with("NO_PROXY", "example.org,dixa.invalid");
    let ran = client.ran();
    let (kind, _, message) = ran.error();
    assert_eq!((ran.code, kind.as_str()), (1, "transient_error"));
    assert!(
        message.contains("the host name was not found (DNS)"),
        "{message}"
    );
    assert_eq!(*heads.lock().unwrap(), Vec::<String>::new());
}

#[test]
fn localhost_is_never_reached_through_a_proxy() {
    let simulator = Sim::new().start();
    let nowhere = "http://127.0.0.1:9";
    let client = Client::new("read", simulator.url())
        .with("HTTP_PROXY", nowhere)
        .with("http_proxy", nowhere)
        .with("ALL_PROXY", nowhere);
    check_read(client.ran());
}

#[test]
fn a_host_name_that_does_not_resolve_fails_each_stream_once() {
    let simulator = Sim::new().start();
    let nowhere = "https://dixa.invalid";
    let streams = ["conversations", "agents", "tags"];
    let ran = Read::of(&simulator)
        .config(
            json!({"exports_base_url": nowhere, "api_base_url": nowhere, "end_date": "2026-01-20"}),
        )
        .streams(streams)
        .run();
    assert_eq!(ran.code, 1);
    let failed = |error: &&Value| {
        assert_eq!(error["failure_type"], "transient_error");
        error["stream_descriptor"]["name"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let mut failed: Vec<_> = ran.errors().iter().map(failed).collect();
    failed.sort();
    assert_eq!(failed, ["agents", "conversations", "tags"]);
    let tries = |level| {
        let logged = ran.logs(level);
        let retries = logged
            .iter()
            .filter(|logged| logged.contains("could not be reached"));
        retries.count()
    };
    let all = tries("WARN") + tries("INFO");
    assert_eq!(
        (tries("WARN"), all),
        (2, 15),
        "five retries for each, a warning for each host"
    );
}

#[test]
fn a_tls_handshake_without_a_response_times_out_as_a_connection() {
    let delay = |number: usize| Duration::from_secs(if number == 0 { 60 } else { 0 });
    let secure = behind_tls(Sim::new().start(), &["localhost"], delay);
    let base_url = format!("https://localhost:{}", secure.port);
    let ran = Client::new("read", &base_url).trusting(&secure).ran();
    let warned = ran.logs("WARN").concat();
    assert!(
        warned.contains("did not accept a connection for 20 seconds"),
        "{warned}"
    );
    check_read(ran);
}
