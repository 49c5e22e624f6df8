//! Which files `--state-out` accepts, and how it replaces and locks them.

use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use dixa_simulator::Simulator;
use dixa_simulator::api::switches::Switches;
use serde_json::{Value, json};

use crate::support::config::config;
use crate::support::ran::Ran;
use crate::support::read::Read;
use crate::support::shell::stderr;
use crate::support::sim::Sim;
use crate::support::state_file::saved_position;
use crate::support::test_dir::TestDir;

/// The arguments of a read of conversations with this state file.
fn with_state_out(name: &str) -> [&str; 4] {
    ["--streams", "conversations", "--state-out", name]
}

/// A read refuses this state file for this reason, before any request.
fn check_refused(dir: &TestDir, simulator: &Simulator, name: &str, reason: &str) {
    let ran = Read::of(simulator)
        .dir(dir)
        .args(with_state_out(name))
        .run();
    check_refusal(&ran, simulator, reason);
    let file = name.rsplit('/').next().unwrap();
    assert!(ran.stderr.contains(file), "{name}: {}", ran.stderr);
}

fn check_refusal(ran: &Ran, simulator: &Simulator, reason: &str) {
    let (kind, _, message) = ran.error();
    assert_eq!((ran.code, kind.as_str()), (1, "config_error"), "{message}");
    assert!(message.contains(reason), "{message}");
    assert_eq!(simulator.log().len(), 0, "no request was made");
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn anything_but_a_regular_file_is_refused_and_kept() {
    let simulator = Sim::new().start();
    let dir = TestDir::new();
    let name = |name: &str| dir.path(name);
    let made = Command::new("mkfifo").arg(name("fifo")).status().unwrap();
    assert!(made.success());
    symlink("fifo", name("link")).unwrap();
    let _socket = UnixListener::bind(name("socket")).unwrap();
    fs::create_dir(name("folder")).unwrap();
    check_refused(&dir, &simulator, "{}/fifo", "a named pipe");
    check_refused(&dir, &simulator, "{}/link", "a named pipe");
    check_refused(&dir, &simulator, "{}/socket", "a socket");
    check_refused(&dir, &simulator, "{}/folder", "a folder");
    let kind = |path: &str| fs::symlink_metadata(name(path)).unwrap().file_type();
    assert!(kind("fifo").is_fifo() && kind("link").is_symlink() && kind("socket").is_socket());

    let mut device = Command::new("mknod");
    device.arg(name("device")).args(["c", "1", "3"]);
    if device.stderr(Stdio::null()).status().unwrap().success() {
        check_refused(&dir, &simulator, "{}/device", "a device");
        assert!(kind("device").is_char_device());
    } else {
        eprintln!("SKIP the device: only root can make one");
    }
}

#[test]
fn open_files_of_processes_and_broken_links_are_refused() {
    let simulator = Sim::new().start();
    let dir = TestDir::new();
    symlink("loop", dir.path("loop")).unwrap();
    symlink("none/s.json", dir.path("dangling")).unwrap();
    for refused in [
        "/dev/stdout",
        "/dev/stderr",
        "/dev/fd/1",
        "/dev/fd/77",
        "/proc/self/fd/1",
        "/dev/null",
        "{}/loop",
        "{}/dangling",
        "{}/none/s.json",
        "{}/new/",
    ] {
        check_refused(&dir, &simulator, refused, "cannot be written");
    }
}

#[test]
fn a_dash_as_the_state_file_is_a_usage_error() {
    let simulator = Sim::new().start();
    let ran = Read::of(&simulator).args(with_state_out("-")).run();
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("--state-out"), "{}", ran.stderr);
    assert_eq!(simulator.log().len(), 0);
}

#[test]
fn the_file_behind_stdout_or_stderr_is_refused_under_any_name() {
    let simulator = Sim::new().start();
    let dir = TestDir::new();
    for name in ["out", "./out", "soft", "hard"] {
        for redirection in [">out", ">>out", ">hard", "2>out"] {
            dir.file("out", "");
            let _ = fs::remove_file(dir.path("hard"));
            let _ = fs::remove_file(dir.path("soft"));
            fs::hard_link(dir.path("out"), dir.path("hard")).unwrap();
            symlink("out", dir.path("soft")).unwrap();
            let line = format!("\"$@\" {redirection}");
            let ran = Read::of(&simulator)
                .dir(&dir)
                .args(with_state_out(name))
                .in_shell(&line);
            let left = fs::read_to_string(dir.path("out")).unwrap();
            let message = format!("{}{}", stderr(&ran), left);
            assert_eq!(
                ran.status.code(),
                Some(1),
                "{name} {redirection}: {message}"
            );
            assert!(message.contains("where stdout or stderr goes"), "{message}");
            assert!(!left.contains("updated_at"), "no state");
        }
    }
    assert_eq!(simulator.log().len(), 0);
}

#[test]
fn an_input_is_refused_as_the_state_file_under_any_name() {
    let simulator = Sim::new().start();
    let dir = TestDir::new();
    let config = config(&simulator, json!({}));
    let read = Read::with_config(&config).dir(&dir);
    dir.file("s.json", "[]");
    fs::hard_link(dir.path("s.json"), dir.path("hard")).unwrap();
    symlink("s.json", dir.path("soft")).unwrap();
    symlink("later.json", dir.path("dangling")).unwrap();
    for (input, out) in [
        ("s.json", "hard"),
        ("s.json", "soft"),
        ("hard", "soft"),
        ("soft", "s.json"),
        ("dangling", "later.json"),
        ("later.json", "dangling"),
    ] {
        let (input, out) = (format!("{{}}/{input}"), format!("{{}}/{out}"));
        let arguments = ["--state", &input, "--allow-missing-state"];
        let arguments = [&arguments[..], &with_state_out(&out)].concat();
        let ran = read.args(&arguments).run();
        check_refusal(&ran, &simulator, "a different file from `--state`");
    }
    let arguments = [&["--state", "-"][..], &with_state_out("{}/hard")].concat();
    let ran = read.args(&arguments).in_shell("\"$@\" <s.json");
    assert!(
        ran.status.code() == Some(1) && stderr(&ran).contains("a different file from `--state`")
    );
    fs::hard_link(dir.path("config.json"), dir.path("config")).unwrap();
    check_refused_as_config(&dir, &simulator, &config);
    assert_eq!(fs::read_to_string(dir.path("s.json")).unwrap(), "[]");
}

fn check_refused_as_config(dir: &TestDir, simulator: &Simulator, config: &Value) {
    let ran = Read::with_config(config)
        .dir(dir)
        .args(with_state_out("{}/config"))
        .run();
    check_refusal(&ran, simulator, "the config or the catalog");
}

#[test]
fn a_redirect_of_stdout_into_the_state_is_a_usage_error() {
    let simulator = Sim::new().start();
    let dir = TestDir::new();
    dir.file("s.json", "[]");
    symlink("s.json", dir.path("soft")).unwrap();
    fs::hard_link(dir.path("s.json"), dir.path("hard")).unwrap();
    let streams = ["--streams", "tags", "--state"];
    for (state, line) in [
        ("s.json", "\"$@\" >s.json"),
        ("s.json", "\"$@\" >>s.json"),
        ("s.json", "\"$@\" >hard"),
        ("soft", "\"$@\" >>s.json"),
        ("-", "\"$@\" <s.json >>s.json"),
    ] {
        let arguments = [&streams[..], &[state]].concat();
        let ran = Read::of(&simulator)
            .dir(&dir)
            .args(&arguments)
            .in_shell(line);
        assert_eq!(
            ran.status.code(),
            Some(2),
            "{state}, {line}: {}",
            stderr(&ran)
        );
        assert!(stderr(&ran).contains("`--state`"), "{}", stderr(&ran));
    }
    assert_eq!(simulator.log().len(), 0);
}

#[test]
fn a_symbolic_link_is_kept_and_its_target_replaced() {
    let simulator = Sim::new().start();
    let dir = TestDir::new();
    let name = |name: &str| dir.path(name);
    fs::create_dir(name("deep")).unwrap();
    symlink("deep/second", name("first")).unwrap();
    symlink("../target", name("deep/second")).unwrap();
    for before in [None, Some("[]")] {
        if let Some(text) = before {
            dir.file("target", text);
        }
        let arguments = with_state_out("{}/first");
        Read::of(&simulator)
            .dir(&dir)
            .args(arguments)
            .run()
            .succeeded();
        assert!(name("first").is_symlink() && name("deep/second").is_symlink());
        let target = fs::symlink_metadata(name("target")).unwrap();
        assert!(target.is_file() && saved_position(&name("target"), "conversations").is_some());
    }
}

#[test]
fn a_replaced_file_keeps_its_mode_and_a_new_one_follows_the_umask() {
    let simulator = Sim::new().start();
    let dir = TestDir::new();
    let read = Read::of(&simulator).dir(&dir);
    let mode = |name: &str| {
        let metadata = fs::metadata(dir.path(name)).unwrap();
        metadata.permissions().mode() & 0o7777
    };
    for expected in [0o600, 0o640, 0o666, 0o444] {
        let path = dir.file("old", "[]");
        fs::set_permissions(&path, fs::Permissions::from_mode(expected)).unwrap();
        read.args(with_state_out("{}/old")).run().succeeded();
        assert_eq!(mode("old"), expected, "{expected:o}");
        fs::remove_file(path).unwrap();
    }
    for (umask, expected) in [("022", 0o644), ("077", 0o600), ("002", 0o664)] {
        let line = format!("umask {umask}; \"$@\" >out");
        let ran = read.args(with_state_out("new")).in_shell(&line);
        assert_eq!(
            (ran.status.code(), mode("new")),
            (Some(0), expected),
            "{umask}"
        );
        fs::remove_file(dir.path("new")).unwrap();
    }
}

#[test]
fn only_the_state_and_its_lock_remain_and_other_files_are_untouched() {
    let simulator = Sim::new().start();
    let dir = TestDir::new();
    let victim = dir.file("victim", "precious");
    for other in ["s.json.part", "s.json.source-dixa.part", ".s.json.tmp"] {
        symlink(&victim, dir.path(other)).unwrap();
    }
    let mut expected = dir.names();
    expected.extend(["config.json", "s.json", ".s.json.lock"].map(str::to_owned));
    expected.sort();
    let arguments = with_state_out("{}/s.json");
    Read::of(&simulator)
        .dir(&dir)
        .args(arguments)
        .run()
        .succeeded();
    assert_eq!(dir.names(), expected);
    assert_eq!(fs::read_to_string(victim).unwrap(), "precious");
}

/// Needs root and the permission to mount.
#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn a_mount_point_and_a_read_only_folder_are_refused_before_any_request() {
    let simulator = Sim::new().start();
    let dir = TestDir::new();
    let read = Read::of(&simulator).dir(&dir);
    let mounts = "mount --bind file mounted && mount --bind locked locked && mount -o remount,bind,ro locked";
    dir.file("file", "[]");
    dir.file("mounted", "");
    fs::create_dir(dir.path("locked")).unwrap();
    let unshare = |line: &str| format!("unshare --mount bash -c '{mounts} && {line}' bash \"$@\"");
    let possible = read.in_shell(&unshare("true"));
    if possible.status.code() != Some(0) {
        eprintln!("SKIP mounts: {}", stderr(&possible));
        return;
    }
    let line = unshare("\"$@\"");
    for (name, reason) in [
        ("mounted", "it is a mount point"),
        ("locked/s.json", "Read-only file system"),
    ] {
        let ran = read.args(with_state_out(name)).in_shell(&line);
        assert_eq!(ran.status.code(), Some(1), "{}", stderr(&ran));
        assert!(
            stderr(&ran).contains(reason) && stderr(&ran).contains(name),
            "{}",
            stderr(&ran)
        );
    }
    assert_eq!(simulator.log().len(), 0);
}

#[test]
fn a_second_run_with_the_same_state_file_fails_at_once() {
    let switches = Switches {
        exports_latency: Duration::from_millis(1_500),
        ..Switches::default()
    };
    let simulator = Sim::new().switches(switches).start();
    let dir = TestDir::new();
    let read = Read::of(&simulator).dir(&dir);
    symlink("s.json", dir.path("link")).unwrap();
    let mut first = read.args(with_state_out("{}/s.json")).command();
    let mut first = first.stdout(Stdio::null()).spawn().unwrap();
    while simulator.log().is_empty() {
        thread::sleep(Duration::from_millis(5));
    }
    let started = Instant::now();
    for name in ["{}/s.json", "{}/link", "{}/./s.json"] {
        let ran = read.args(with_state_out(name)).run();
        assert!(ran.error().2.contains("in use by another run"));
        assert_eq!(ran.code, 1);
        assert!(ran.stderr.contains(name.rsplit('/').next().unwrap()));
    }
    assert!(started.elapsed() < Duration::from_secs(1));
    let streams = simulator.log().len();
    read.args(with_state_out("{}/other.json")).run().succeeded();
    assert!(
        simulator.log().len() > streams,
        "another state file is not locked"
    );
    assert!(first.wait().unwrap().success());
    assert!(saved_position(&dir.path("s.json"), "conversations").is_some());
    read.args(with_state_out("{}/s.json")).run().succeeded();
}
