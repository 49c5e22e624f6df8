//! Tells the program which commit it is built from, where that is known.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=SOURCE_COMMIT");
    println!("cargo::rerun-if-changed=.git/HEAD");
    println!("cargo::rerun-if-changed=.git/refs/heads");
    let given = std::env::var("SOURCE_COMMIT").ok();
    let asked = || {
        let git = Command::new("git")
            .args(["rev-parse", "--short=9", "HEAD"])
            .output()
            .ok()?;
        let commit = String::from_utf8(git.stdout).ok()?.trim().to_owned();
        (git.status.success() && !commit.is_empty()).then_some(commit)
    };
    if let Some(commit) = given.filter(|given| !given.is_empty()).or_else(asked) {
        println!("cargo::rustc-env=SOURCE_DIXA_COMMIT= ({commit})");
    }
}
