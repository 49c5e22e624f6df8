//! The signal that ends the simulator's threads, and waits that it cuts short.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Tells every thread to end.
#[derive(Default)]
pub struct StopSignal {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl StopSignal {
    pub fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    pub fn is_stopped(&self) -> bool {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for `pause`, or until the simulator ends.
    pub fn wait(&self, pause: Duration) {
        if pause.is_zero() {
            return;
        }
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        drop(
            self.changed
                .wait_timeout_while(stopped, pause, |stopped| !*stopped)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}
