//! The listener and its connections, a thread each; all of them end when the simulator stops.

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::World;
use super::exchange::exchange;
use super::request::{finish, receive};
use super::wire::Ending;

/// Second handles of the open sockets, to wake threads that wait on them.
#[derive(Default)]
struct Sockets(Mutex<HashMap<u64, TcpStream>>);

impl Sockets {
    fn open(&self) -> MutexGuard<'_, HashMap<u64, TcpStream>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub fn spawn(listener: TcpListener, world: Arc<World>) -> JoinHandle<()> {
    thread::spawn(move || accept(&listener, &world))
}

/// Wakes the acceptor so that it sees the stop.
pub fn wake(url: &str) {
    drop(TcpStream::connect(url.trim_start_matches("http://")));
}

fn accept(listener: &TcpListener, world: &Arc<World>) {
    let sockets = Arc::new(Sockets::default());
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for (number, socket) in (0..).zip(listener.incoming()) {
        if world.stop.is_stopped() {
            break;
        }
        let Ok(socket) = socket else { continue };
        let Ok(second) = socket.try_clone() else {
            continue;
        };
        sockets.open().insert(number, second);
        let (world, sockets) = (Arc::clone(world), Arc::clone(&sockets));
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread::spawn(move || {
            serve(socket, &world, &sockets, number);
        }));
    }
    for socket in sockets.open().values() {
        drop(socket.shutdown(Shutdown::Both));
    }
    for thread in threads {
        drop(thread.join());
    }
}

/// Serves one connection. Its second handle goes first, so that the socket is closed the moment that this ends.
fn serve(mut socket: TcpStream, world: &World, sockets: &Sockets, number: u64) {
    // A client that goes away is no fault of the simulator.
    drop(requests(&mut socket, world));
    sockets.open().remove(&number);
}

fn requests(socket: &mut TcpStream, world: &World) -> io::Result<()> {
    socket.set_nodelay(true)?;
    socket.set_write_timeout(world.switches.write_patience)?;
    while let Some(request) = receive(socket, &world.stop)? {
        let ending = exchange(socket, &request, world)?;
        if ending == Ending::Reset {
            return Ok(());
        }
        finish(socket, &request)?;
        if ending == Ending::Close || request.wants_close() {
            return Ok(());
        }
    }
    Ok(())
}
