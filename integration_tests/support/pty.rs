//! A pseudo-terminal in place of a person's terminal.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{Winsize, tcsetwinsize};

use super::config::TOKEN;

/// The output of a command whose stderr is a terminal.
pub struct TerminalRun {
    pub code: Option<i32>,
    pub stdout: String,
    pub terminal: String,
}

/// Stderr is a terminal of 110 columns, stdout a pipe.
pub fn at_a_terminal(command: &mut Command) -> TerminalRun {
    Watched::start(command.stdout(Stdio::piped()), 110).finish()
}

/// The terminal shows stdout, too.
pub fn both_at_a_terminal(command: &mut Command) -> TerminalRun {
    Watched::attach(command, 110, |command, terminal| {
        command.stdout(terminal.try_clone().unwrap());
    })
    .finish()
}

/// A command that runs at a terminal.
pub struct Watched {
    child: Child,
    controller: File,
    seen: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Watched {
    /// Stderr is a terminal with this many columns.
    pub fn start(command: &mut Command, columns: u16) -> Self {
        Self::attach(command, columns, |_, _| ())
    }

    fn attach(
        command: &mut Command,
        columns: u16,
        attach: impl Fn(&mut Command, &OwnedFd),
    ) -> Self {
        let pty = rustix_openpty::openpty(None, Some(&size(columns))).unwrap();
        let controller = File::from(pty.controller);
        command.env("TERM", "xterm-256color").env_remove("CI");
        attach(command, &pty.user);
        let child = command.stderr(pty.user).spawn().unwrap();
        // Otherwise the command would keep its end of the terminal open.
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let seen = Arc::default();
        let (mut screen, shared) = (controller.try_clone().unwrap(), Arc::clone(&seen));
        let reader = thread::spawn(move || {
            let mut block = [0; 4096];
            // Reading fails once the other end is closed.
            while let Ok(count @ 1..) = screen.read(&mut block) {
                let shared: &Mutex<Vec<u8>> = &shared;
                shared.lock().unwrap().extend_from_slice(&block[..count]);
            }
        });
        Self {
            child,
            controller,
            seen,
            reader,
        }
    }

    /// All that the terminal has received so far.
    pub fn terminal(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned()
    }

    /// Waits until this holds of what the terminal has received.
    pub fn until(&self, holds: impl Fn(&str) -> bool) {
        let begun = Instant::now();
        while !holds(&self.terminal()) {
            let terminal = self.terminal();
            assert!(begun.elapsed() < Duration::from_secs(60), "{terminal}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn resize(&self, columns: u16) {
        tcsetwinsize(&self.controller, size(columns)).unwrap();
    }

    /// Presses Ctrl-C.
    pub fn interrupt(&self) {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::INT).unwrap();
    }

    /// Waits for the end.
    pub fn finish(mut self) -> TerminalRun {
        let mut stdout = String::new();
        if let Some(mut piped) = self.child.stdout.take() {
            piped.read_to_string(&mut stdout).unwrap();
        }
        let code = self.child.wait().unwrap().code();
        self.reader.join().unwrap();
        let terminal = String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned();
        assert!(!terminal.contains(TOKEN));
        TerminalRun {
            code,
            stdout,
            terminal,
        }
    }

    /// Waits for the end without reading stdout.
    pub fn code(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

fn size(columns: u16) -> Winsize {
    Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

/// The lines that a terminal has received, without the codes that move and colour.
pub fn lines(terminal: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut rest = terminal;
    while let Some((text, code)) = rest.split_once("\u{1b}[") {
        plain.push_str(text);
        let end = code.find(|end: char| end.is_ascii_alphabetic()).unwrap();
        rest = &code[end + 1..];
    }
    plain.push_str(rest);
    plain
        .split(['\r', '\n'])
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}
