//! A simulator behind TLS, and a proxy.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use dixa_simulator::Simulator;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::sim::Sim;

/// A Dixa behind TLS with a certificate of a private authority.
pub struct Secure {
    pub simulator: Simulator,
    pub port: u16,
    pub authority: String,
}

/// The default account behind TLS, with a certificate for these names.
pub fn secure(names: &[&str]) -> Secure {
    let simulator = Sim::new().start();
    behind_tls(simulator, names, |_| Duration::ZERO)
}

/// The same with a certificate that is no longer valid.
pub fn expired(names: &[&str]) -> Secure {
    let simulator = Sim::new().start();
    let change = |parameters: &mut CertificateParams| {
        parameters.not_before = date_time_ymd(2020, 1, 1);
        parameters.not_after = date_time_ymd(2021, 1, 1);
    };
    with_certificate(simulator, names, change, |_| Duration::ZERO)
}

/// A simulator behind TLS. `delay` says how long the handshake of the nth connection takes.
pub fn behind_tls(
    simulator: Simulator,
    names: &[&str],
    delay: impl Fn(usize) -> Duration + Send + 'static,
) -> Secure {
    with_certificate(simulator, names, |_| (), delay)
}

fn with_certificate(
    simulator: Simulator,
    names: &[&str],
    change: impl FnOnce(&mut CertificateParams),
    delay: impl Fn(usize) -> Duration + Send + 'static,
) -> Secure {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = parameters.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(parameters, key);
    let key = KeyPair::generate().unwrap();
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut certificate = CertificateParams::new(names).unwrap();
    change(&mut certificate);
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
    let behind = simulator.url().trim_start_matches("http://").to_owned();
    let tls = TlsAcceptor::from(Arc::new(tls));
    let connections = AtomicUsize::new(0);
    let port = listen(move |socket| {
        let (tls, behind) = (tls.clone(), behind.clone());
        let delay = delay(connections.fetch_add(1, Ordering::SeqCst));
        async move {
            sleep(delay).await;
            if let Ok(mut client_side) = tls.accept(socket).await {
                let mut server_side = TcpStream::connect(behind).await.unwrap();
                drop(copy_bidirectional(&mut client_side, &mut server_side).await);
            }
        }
    });
    Secure {
        simulator,
        port,
        authority,
    }
}

/// A proxy that connects every request to this port; its own port, and the request heads it received.
pub fn proxy(to: u16) -> (u16, Arc<Mutex<Vec<String>>>) {
    let heads: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&heads);
    let port = listen(move |mut client_side| {
        let log = Arc::clone(&log);
        async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(client_side.read_u8().await.unwrap());
            }
            log.lock().unwrap().push(String::from_utf8(head).unwrap());
            let mut server_side = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
            client_side
                .write_all(b"HTTP/1.1 200 OK\r\n\r\n")
                .await
                .unwrap();
            drop(copy_bidirectional(&mut client_side, &mut server_side).await);
        }
    });
    (port, heads)
}

/// A SOCKS 5 proxy that connects every request to this port; its own port, and the host names it was asked for.
pub fn socks_proxy(to: u16) -> (u16, Arc<Mutex<Vec<String>>>) {
    let names: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&names);
    let port = listen(move |mut client_side| {
        let log = Arc::clone(&log);
        async move {
            // Version, count of methods, and the methods; then version, command, reserved, kind of address, length.
            let mut greeting = [0; 2];
            client_side.read_exact(&mut greeting).await.unwrap();
            let mut methods = vec![0; greeting[1].into()];
            client_side.read_exact(&mut methods).await.unwrap();
            client_side.write_all(&[5, 0]).await.unwrap();
            let mut request = [0; 5];
            client_side.read_exact(&mut request).await.unwrap();
            let mut name = vec![0; usize::from(request[4]) + 2];
            client_side.read_exact(&mut name).await.unwrap();
            name.truncate(name.len() - 2);
            log.lock().unwrap().push(String::from_utf8(name).unwrap());
            let mut server_side = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
            let done = [5, 0, 0, 1, 127, 0, 0, 1, 0, 0];
            client_side.write_all(&done).await.unwrap();
            drop(copy_bidirectional(&mut client_side, &mut server_side).await);
        }
    });
    (port, names)
}

/// Serves the connections to a new port until the tests end.
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
