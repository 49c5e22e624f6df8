//! Sets the version text: Cargo's version, followed by the commit if it is known.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=SOURCE_COMMIT");
    let given = std::env::var("SOURCE_COMMIT").unwrap_or_default();
    let commit = Some(given).filter(|given| !given.is_empty()).or_else(head);
    let number = env!("CARGO_PKG_VERSION");
    let version = commit.map_or(number.to_owned(), |commit| format!("{number} ({commit})"));
    println!("cargo::rustc-env=SOURCE_DIXA_VERSION={version}");
}

/// The commit that is checked out; `None` for sources without `.git`, even inside another repository.
fn head() -> Option<String> {
    if !Path::new(".git").exists() {
        return None;
    }
    for watched in ["HEAD", "refs/heads"] {
        let path = git(&["rev-parse", "--git-path", watched])?;
        println!("cargo::rerun-if-changed={path}");
    }
    git(&["rev-parse", "--short=9", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let git = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(git.stdout).ok()?.trim().to_owned();
    (git.status.success() && !text.is_empty()).then_some(text)
}
