//! What lies between here and Dixa: names, certificates, proxies, and what is told when one of them fails.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::connector::{Connector, Ran, TOKEN, catalog, config, run};
use crate::read::simulator;
use crate::simulator::Simulator;
use crate::simulator::account::Account;
use crate::simulator::switches::Switches;

/// The name that only the proxy knows.
const ELSEWHERE: &str = "dixa.invalid";

/// A Dixa behind TLS, whose certificate is an own authority's.
struct Secure {
    simulator: Simulator,
    port: u16,
    authority: String,
}

/// Serves with a certificate for these names.
fn secure(names: &[&str]) -> Secure {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = parameters.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(parameters, key);
    let key = KeyPair::generate().unwrap();
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let certificate = CertificateParams::new(names).unwrap();
    let certificate = certificate.signed_by(&key, &issuer).unwrap();
    let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let simulator = simulator(Account::default(), Switches::default());
    let behind = simulator.url().trim_start_matches("http://").to_owned();
    let tls = TlsAcceptor::from(Arc::new(tls));
    let port = listen(move |socket| {
        let (tls, behind) = (tls.clone(), behind.clone());
        async move {
            if let Ok(mut outside) = tls.accept(socket).await {
                let mut inside = TcpStream::connect(behind).await.unwrap();
                drop(copy_bidirectional(&mut outside, &mut inside).await);
            }
        }
    });
    Secure {
        simulator,
        port,
        authority,
    }
}

/// A proxy that leads whoever asks for `dixa.invalid` to this port; what it was asked, head by head.
fn proxy(to: u16) -> (u16, Arc<Mutex<Vec<String>>>) {
    let heads: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&heads);
    let port = listen(move |mut outside| {
        let log = Arc::clone(&log);
        async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(outside.read_u8().await.unwrap());
            }
            log.lock().unwrap().push(String::from_utf8(head).unwrap());
            let mut inside = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
            outside.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            drop(copy_bidirectional(&mut outside, &mut inside).await);
        }
    });
    (port, heads)
}

/// Serves each connection on a port of its own, until the tests end.
fn listen<F: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(socket));
            }
        });
    });
    port
}

/// A `check` or a `read` of tags, with an environment.
struct Client {
    connector: Connector,
    command: Command,
}

impl Client {
    fn new(verb: &str, base_url: &str) -> Self {
        let connector = Connector::new();
        let config =
            json!({"api_token": TOKEN, "exports_base_url": base_url, "api_base_url": base_url});
        let command = if verb == "read" {
            connector.read_command(&config, &catalog(&["tags"], "full_refresh"), None)
        } else {
            let mut command = Connector::command();
            let file = connector.file("config.json", &config.to_string());
            command.arg(verb).arg("--config").arg(file);
            command
        };
        Self { connector, command }
    }

    fn with(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    fn authority(&self, secure: &Secure) -> PathBuf {
        self.connector.file("authority.pem", &secure.authority)
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

/// The network is at fault, and Dixa was never shown the token.
fn check_unreachable(ran: &Ran, simulator: &Simulator) {
    let (kind, _, message) = ran.error();
    assert_eq!((ran.code, kind.as_str()), (1, "transient_error"));
    assert!(
        message.contains("Check the network, DNS, proxy and certificates"),
        "{message}"
    );
    assert_eq!(simulator.log().len(), 0);
}

#[test]
fn an_own_authority_is_trusted_by_its_file() {
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
fn an_own_authority_is_trusted_by_its_folder() {
    let secure = secure(&["127.0.0.1"]);
    let client = Client::new("read", &format!("https://127.0.0.1:{}", secure.port));
    let folder = client.connector.path("authorities");
    fs::create_dir(&folder).unwrap();
    fs::copy(client.authority(&secure), folder.join("5ed36f99.0")).unwrap();
    check_read(client.with("SSL_CERT_DIR", folder).ran());
}

#[test]
fn an_unknown_authority_is_not_trusted_and_shown_no_token() {
    let secure = secure(&["localhost"]);
    let ran = Client::new("check", &format!("https://localhost:{}", secure.port)).ran();
    check_unreachable(&ran, &secure.simulator);
    let cause = ran.errors()[0]["internal_message"]
        .as_str()
        .unwrap_or_default();
    assert!(cause.contains("UnknownIssuer"), "{cause}");
}

#[test]
fn certificates_that_cannot_be_read_are_told_and_nobody_else_is_trusted() {
    let secure = secure(&["localhost"]);
    let base_url = format!("https://localhost:{}", secure.port);
    for variable in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        let ran = Client::new("check", &base_url)
            .with(variable, "/nowhere")
            .ran();
        let status = &ran.of_type("CONNECTION_STATUS")[0]["connectionStatus"];
        assert_eq!(status["status"], "FAILED");
        let message = status["message"].as_str().unwrap();
        assert!(
            message.contains("SSL_CERT_FILE or SSL_CERT_DIR is set"),
            "{message}"
        );
    }
    assert_eq!(secure.simulator.log().len(), 0);
}

#[test]
fn a_certificate_for_another_name_is_not_trusted() {
    let secure = secure(&["elsewhere.invalid"]);
    let client = Client::new("check", &format!("https://localhost:{}", secure.port));
    check_unreachable(&client.trusting(&secure).ran(), &secure.simulator);
}

#[test]
fn a_proxy_is_asked_for_the_way_and_sees_no_token() {
    let secure = secure(&[ELSEWHERE]);
    let (port, heads) = proxy(secure.port);
    let client = Client::new("read", &format!("https://{ELSEWHERE}"));
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
fn a_host_of_no_proxy_is_asked_directly() {
    let secure = secure(&[ELSEWHERE]);
    let (port, heads) = proxy(secure.port);
    let client = Client::new("check", &format!("https://{ELSEWHERE}"))
        .trusting(&secure)
        .with("HTTPS_PROXY", format!("http://127.0.0.1:{port}"))
        .with("NO_PROXY", "example.org,dixa.invalid");
    check_unreachable(&client.ran(), &secure.simulator);
    assert_eq!(*heads.lock().unwrap(), Vec::<String>::new());
}

#[test]
fn this_machine_is_never_asked_through_a_proxy() {
    let simulator = simulator(Account::default(), Switches::default());
    let nowhere = "http://127.0.0.1:9";
    let client = Client::new("read", simulator.url())
        .with("HTTP_PROXY", nowhere)
        .with("http_proxy", nowhere)
        .with("ALL_PROXY", nowhere);
    check_read(client.ran());
}

#[test]
fn a_name_that_nobody_knows_fails_each_kind_of_stream_once() {
    let simulator = simulator(Account::default(), Switches::default());
    let nowhere = "https://dixa.invalid";
    let config = config(
        &simulator,
        json!({"exports_base_url": nowhere, "api_base_url": nowhere, "end_date": "2026-01-20"}),
    );
    let streams = ["conversations", "agents", "tags"];
    let ran = Connector::new().read(&config, &catalog(&streams, "incremental"), None);
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
    let tries = ran.logs("WARN");
    let tries = tries
        .iter()
        .filter(|warning| warning.contains("could not be reached"));
    assert_eq!(tries.count(), 15, "five tries more for each");
}
