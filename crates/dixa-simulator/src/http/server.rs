//! The listener and its connections, a thread each; all of them end when the simulator stops.

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::TcpSocket;
use tokio::runtime::Builder;

use super::context::Context;
use super::delivery::Ending;
use super::exchange::exchange;
use super::receive::{read_request, read_rest};

/// Second handles of the open sockets, to wake threads that wait on them.
#[derive(Default)]
struct Sockets(Mutex<HashMap<u64, TcpStream>>);

impl Sockets {
    fn open(&self) -> MutexGuard<'_, HashMap<u64, TcpStream>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub fn spawn(listener: TcpListener, context: Arc<Context>) -> JoinHandle<()> {
    let queued = match listener.local_addr() {
        Ok(address) if !context.dixa.switches.unreachable_for.is_zero() => fill_queue(address),
        _ => Vec::new(),
    };
    thread::spawn(move || {
        context.stop.wait(context.dixa.switches.unreachable_for);
        drop(queued);
        accept(&listener, &context);
    })
}

/// A listener with the shortest possible queue.
pub fn bind_with_shortest_queue(port: u16) -> io::Result<TcpListener> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let _inside = runtime.enter();
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], port)))?;
    let listener = socket.listen(0)?.into_std()?;
    listener.set_nonblocking(false)?;
    Ok(listener)
}

/// Fills the queue of a listener that does not accept yet, so that the kernel drops further attempts to connect.
fn fill_queue(address: SocketAddr) -> Vec<TcpStream> {
    let timeout = Duration::from_millis(50);
    std::iter::from_fn(|| TcpStream::connect_timeout(&address, timeout).ok()).collect()
}

/// Wakes the acceptor so that it sees the stop.
pub fn wake(url: &str) {
    drop(TcpStream::connect(url.trim_start_matches("http://")));
}

fn accept(listener: &TcpListener, context: &Arc<Context>) {
    let sockets = Arc::new(Sockets::default());
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for (number, socket) in (0..).zip(listener.incoming()) {
        if context.stop.is_stopped() {
            break;
        }
        let Ok(socket) = socket else { continue };
        let Ok(second) = socket.try_clone() else {
            continue;
        };
        sockets.open().insert(number, second);
        let (context, sockets) = (Arc::clone(context), Arc::clone(&sockets));
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread::spawn(move || {
            serve(socket, &context, &sockets, number);
        }));
    }
    for socket in sockets.open().values() {
        drop(socket.shutdown(Shutdown::Both));
    }
    for thread in threads {
        drop(thread.join());
    }
}

/// Serves one connection. Its second handle is dropped when it ends, so that the socket is closed at once.
fn serve(mut socket: TcpStream, context: &Context, sockets: &Sockets, number: u64) {
    // A client that goes away is not an error of the simulator.
    drop(requests(&mut socket, context));
    sockets.open().remove(&number);
}

fn requests(socket: &mut TcpStream, context: &Context) -> io::Result<()> {
    socket.set_nodelay(true)?;
    socket.set_write_timeout(context.dixa.switches.write_timeout)?;
    while let Some(request) = read_request(socket, &context.stop)? {
        let ending = exchange(socket, &request, context)?;
        if ending == Ending::Reset {
            return Ok(());
        }
        read_rest(socket, &request)?;
        if ending == Ending::Close || request.wants_close() {
            return Ok(());
        }
    }
    Ok(())
}
