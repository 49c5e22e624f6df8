//! The pipelines of `docs/reading.md` and of `examples/`, run exactly as printed: their output, their files, and two at once.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use dixa_simulator::Simulator;
use dixa_simulator::api::switches::Switches;
use serde_json::{Value, json};

use crate::support::binary::binary;
use crate::support::config::config;
use crate::support::expected::expected_records;
use crate::support::shell::stderr;
use crate::support::sim::Sim;
use crate::support::test_dir::TestDir;

/// The loader of `docs/reading.md`: it reads everything, then waits while the file `busy` exists.
const LOADER: &str = "#!/usr/bin/env bash\ncat >>loaded\nwhile [ -e busy ]; do sleep 0.05; done\n";
const CRON_SH: &str = include_str!("../examples/cron.sh");
const CRON_JOB: &str = include_str!("../examples/kubernetes.yaml");

/// A pipeline of the documentation.
struct Recipe {
    name: &'static str,
    script: String,
    state: &'static str,
    new_state: &'static str,
}

fn recipes() -> [Recipe; 3] {
    let page = fs::read_to_string("docs/reading.md").unwrap();
    let (_, lines) = page.split_once("\n## In cron, into a loader\n").unwrap();
    let lines = lines.split("```").nth(1).unwrap();
    let lines = lines.strip_prefix("sh\n").unwrap();
    let (_, job) = CRON_JOB.split_once("                - >-\n").unwrap();
    let job = job
        .lines()
        .take_while(|line| line.starts_with(&" ".repeat(18)));
    let job: Vec<_> = job.map(str::trim).collect();
    let job = job.join(" ").replace("/airbyte/source-dixa", "source-dixa");
    [
        Recipe {
            name: "the lines of docs/reading.md",
            script: lines.to_owned(),
            state: "s.json",
            new_state: "s.new",
        },
        Recipe {
            name: "the CronJob",
            script: job.replace("/files/config.json", "config.json"),
            state: "s.json",
            new_state: "s.new",
        },
        Recipe {
            name: "cron.sh",
            script: CRON_SH.to_owned(),
            state: "state.json",
            new_state: "state.new",
        },
    ]
}

/// A folder with the programs and files of a recipe.
struct RecipeDir {
    dir: TestDir,
}

impl RecipeDir {
    /// `None` on a system without `flock`.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    fn new(config: &Value) -> Option<Self> {
        if Command::new("flock").arg("--version").output().is_err() {
            eprintln!("SKIP the recipes: flock is not installed");
            return None;
        }
        let dir = TestDir::new();
        dir.file("config.json", &config.to_string());
        fs::create_dir(dir.path("bin")).unwrap();
        let program = binary().get_program().to_owned();
        symlink(program, dir.path("bin/source-dixa")).unwrap();
        let loader = dir.file("bin/loader", LOADER);
        fs::set_permissions(loader, fs::Permissions::from_mode(0o755)).unwrap();
        Some(Self { dir })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path(name)
    }

    fn command(&self, recipe: &Recipe) -> Command {
        let mut command = Command::new("bash");
        for (variable, _) in binary().get_envs() {
            command.env_remove(variable);
        }
        let path = std::env::var("PATH").unwrap();
        let bin = self.path("bin").display().to_string();
        command.env("PATH", format!("{bin}:{path}"));
        command.env("CONFIG", "config.json");
        command.args(["-c", &recipe.script]);
        command.current_dir(self.path(""));
        command
    }

    fn run(&self, recipe: &Recipe) -> Output {
        self.command(recipe).output().unwrap()
    }

    /// The number of conversations that the recipe loaded.
    fn loaded(&self) -> usize {
        let mut text = fs::read(self.path("loaded")).unwrap_or_default();
        for name in self
            .dir
            .names()
            .iter()
            .filter(|name| name.ends_with(".jsonl.gz"))
        {
            let unpacked = Command::new("gzip")
                .arg("-dc")
                .arg(self.path(name))
                .output();
            text.extend(unpacked.unwrap().stdout);
        }
        let text = String::from_utf8(text).unwrap();
        text.matches(r#"{"type":"RECORD","record":{"stream":"conversations""#)
            .count()
    }
}

fn conversation_count(simulator: &Simulator) -> usize {
    expected_records(simulator, "conversations").len()
}

#[test]
fn a_recipe_that_succeeds_is_silent_and_saves_the_state() {
    let simulator = Sim::new().start();
    for recipe in recipes() {
        let Some(recipe_dir) = RecipeDir::new(&config(&simulator, json!({"lookback_minutes": 0})))
        else {
            return;
        };
        for _ in 0..2 {
            let output = recipe_dir.run(&recipe);
            let outcome = (output.status.code(), stderr(&output));
            assert_eq!(outcome, (Some(0), String::new()), "{}", recipe.name);
            assert_eq!(
                recipe_dir.loaded(),
                conversation_count(&simulator),
                "{}",
                recipe.name
            );
        }
        assert!(recipe_dir.path(recipe.state).exists());
        assert!(!recipe_dir.path(recipe.new_state).exists());
    }
}

#[test]
fn a_recipe_that_fails_prints_the_error_and_keeps_the_old_state() {
    let simulator = Sim::new().start();
    for recipe in recipes() {
        let refused = config(&simulator, json!({"api_token": "another"}));
        let Some(recipe_dir) = RecipeDir::new(&refused) else {
            return;
        };
        recipe_dir.dir.file(recipe.state, "[]");
        let output = recipe_dir.run(&recipe);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{}: {message}", recipe.name);
        assert!(
            message.contains("conversations (GET /v1/conversation_export)")
                && message.contains("401"),
            "{message}"
        );
        assert!(
            message.lines().all(|line| line.starts_with("error: ")),
            "{message}"
        );
        let state = fs::read_to_string(recipe_dir.path(recipe.state)).unwrap();
        assert_eq!(state, "[]", "{}", recipe.name);
    }
}

#[test]
fn a_recipe_locks_out_a_second_run_until_its_loader_has_ended() {
    let switches = Switches {
        main_latency: Duration::from_millis(300),
        ..Switches::default()
    };
    for recipe in recipes() {
        let simulator = Sim::new().switches(switches.clone()).start();
        let Some(recipe_dir) = RecipeDir::new(&config(&simulator, json!({}))) else {
            return;
        };
        recipe_dir.dir.file("busy", "");
        let mut first = recipe_dir.command(&recipe);
        let mut first = first.stderr(Stdio::piped()).spawn().unwrap();
        while simulator.log().is_empty() {
            thread::sleep(Duration::from_millis(5));
        }
        check_locked_out(&recipe_dir, &recipe);
        if recipe.script.contains("| loader") {
            // Everything was read, and the loader still runs.
            while recipe_dir.loaded() < conversation_count(&simulator) {
                thread::sleep(Duration::from_millis(5));
            }
            thread::sleep(Duration::from_millis(500));
            check_locked_out(&recipe_dir, &recipe);
        }
        fs::remove_file(recipe_dir.path("busy")).unwrap();
        assert!(first.wait().unwrap().success(), "{}", recipe.name);
        assert_eq!(
            recipe_dir.loaded(),
            conversation_count(&simulator),
            "{}",
            recipe.name
        );
        assert!(recipe_dir.path(recipe.state).exists());
    }
}

/// A second run fails at once with the reason, makes no request and removes no file.
fn check_locked_out(recipe_dir: &RecipeDir, recipe: &Recipe) {
    let part = recipe_dir.dir.file("20200101T000000Z.jsonl.gz.part", "");
    let started = Instant::now();
    let output = recipe_dir.run(recipe);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(75), "{}: {message}", recipe.name);
    assert!(
        message.lines().count() == 1 && message.contains("another run"),
        "{message}"
    );
    assert!(started.elapsed() < Duration::from_secs(1));
    assert!(part.exists(), "{}", recipe.name);
}

#[test]
fn the_next_run_removes_the_files_of_a_failed_one() {
    let simulator = Sim::new().start();
    let [_, job, cron] = recipes();
    for recipe in [job, cron] {
        let Some(recipe_dir) = RecipeDir::new(&config(&simulator, json!({}))) else {
            return;
        };
        let new_state = recipe.new_state;
        let leftover = format!(".{new_state}.x4Tf9a.tmp");
        for name in ["20200101T000000Z.jsonl.gz.part", new_state, &leftover] {
            recipe_dir.dir.file(name, "left");
        }
        recipe_dir.dir.file("mine.part", "");
        assert!(recipe_dir.run(&recipe).status.success());
        let mut left = recipe_dir.dir.names();
        left.retain(|name| name.ends_with("part") || name.contains(new_state));
        let lock = format!(".{new_state}.lock");
        assert_eq!(left, [&*lock, "mine.part"], "{}", recipe.name);
    }
}

#[test]
fn cron_sh_removes_the_files_of_a_failed_run() {
    let simulator = Sim::new().start();
    let [_, _, cron] = recipes();
    let refused = config(&simulator, json!({"api_token": "another"}));
    let Some(recipe_dir) = RecipeDir::new(&refused) else {
        return;
    };
    assert_eq!(recipe_dir.run(&cron).status.code(), Some(1));
    let left = recipe_dir.dir.names();
    assert_eq!(left, [".state.new.lock", "bin", "config.json", "lock"]);
}
