//! The main job from beginning to end, against a simulated Dixa on this machine: `cargo run --example demo`.
#![expect(clippy::print_stdout, reason = "it talks to the person who runs it")]
#![expect(
    clippy::disallowed_methods,
    reason = "it waits for the clock to move on"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use chrono::{DateTime, Utc};
use dixa_simulator::data::account::{Account, Shape};
use dixa_simulator::data::clock::now_ms;
use dixa_simulator::data::conversation::Oddities;
use dixa_simulator::{Scenario, Simulator};
use serde_json::{Value, json};

const FOLDER: &str = "demo-output";
const DAY_MS: i64 = 86_400_000;

type Done<T> = Result<T, Box<dyn Error>>;

/// The connector, and the folder that its files are in.
struct Demo {
    connector: PathBuf,
    folder: PathBuf,
}

/// What one read brought.
struct Summary {
    records: BTreeMap<String, usize>,
    states: BTreeMap<String, Value>,
}

fn main() -> Done<()> {
    let demo = Demo {
        connector: build()?,
        folder: PathBuf::from(FOLDER),
    };
    fs::create_dir_all(&demo.folder)?;
    let begun = Instant::now();
    let simulator = Simulator::start(Scenario {
        account: sixty_days(),
        ..Scenario::default()
    });
    println!(
        "A simulated Dixa listens on {}; it accepts 10 export requests a minute, like the real one.\n",
        simulator.url()
    );
    demo.write("config.json", &config(&simulator))?;

    demo.run(&["spec"], "spec.jsonl", "what the config may hold")?;
    demo.run(
        &["check", "--config", "config.json"],
        "check.jsonl",
        "the token works on both hosts",
    )?;
    demo.run(
        &["discover", "--config", "config.json"],
        "discover.jsonl",
        "the streams and their schemas",
    )?;
    demo.write(
        "catalog.json",
        &configured(&demo.folder.join("discover.jsonl"))?,
    )?;

    let read = [
        "read",
        "--config",
        "config.json",
        "--catalog",
        "catalog.json",
    ];
    demo.run(
        &read,
        "read-1.jsonl",
        "everything, from the start date up to now",
    )?;
    let first = demo.summary("read-1.jsonl")?;
    let saved: Vec<Value> = first.states.values().cloned().collect();
    demo.write("state.json", &Value::from(saved))?;

    let changed = change(&simulator);
    println!("\n{changed} conversations change in Dixa.\n");
    let again = [&read[..], &["--state", "state.json"]].concat();
    demo.run(
        &again,
        "read-2.jsonl",
        "what changed since, the last hour once more, and every list in full",
    )?;
    let second = demo.summary("read-2.jsonl")?;
    table(&first, &second);
    println!(
        "\nIt took {} s. Every message is in {FOLDER}/*.jsonl, along with the config, catalog and state that were used.",
        begun.elapsed().as_secs()
    );
    Ok(())
}

/// Builds the connector as this example was built, and says where it is.
fn build() -> Done<PathBuf> {
    let here = env::current_exe()?;
    let folder = here
        .parent()
        .and_then(Path::parent)
        .ok_or("the example is not in a target folder")?;
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--bin", "source-dixa"]);
    // Variables that `cargo run` sets for this example would make a build script of another crate run again.
    for (name, _) in env::vars() {
        if name == "OUT_DIR"
            || name.starts_with("CARGO_PKG_")
            || name.starts_with("CARGO_MANIFEST_")
        {
            command.env_remove(name);
        }
    }
    if folder.ends_with("release") {
        command.arg("--release");
    }
    if !command.status()?.success() {
        return Err("the connector could not be built".into());
    }
    Ok(folder.join(format!("source-dixa{}", env::consts::EXE_SUFFIX)))
}

fn sixty_days() -> Account {
    let now = now_ms();
    let shape = Shape {
        from_ms: now - 60 * DAY_MS,
        to_ms: now - 60_000,
        conversations: 1200,
        oddities: Oddities::None,
        ..Shape::default()
    };
    Account::seeded(1, &shape)
}

fn config(simulator: &Simulator) -> Value {
    let start = DateTime::from_timestamp_millis(now_ms() - 65 * DAY_MS).unwrap_or_default();
    json!({
        "api_token": "simulated-token", "start_date": start.format("%Y-%m-%d").to_string(),
        "exports_base_url": simulator.url(), "api_base_url": simulator.url(),
    })
}

/// The discovered catalog, incremental where supported.
fn configured(discovered: &Path) -> Done<Value> {
    let line = fs::read_to_string(discovered)?;
    let message: Value = serde_json::from_str(&line)?;
    let streams = message["catalog"]["streams"]
        .as_array()
        .ok_or("no catalog")?;
    let configured = |stream: &Value| {
        let modes = stream["supported_sync_modes"].as_array();
        let best = modes.and_then(|modes| modes.last()).cloned();
        json!({"stream": stream, "sync_mode": best, "destination_sync_mode": "append"})
    };
    Ok(json!({ "streams": streams.iter().map(configured).collect::<Vec<_>>() }))
}

/// Touches some conversations and adds some; how many in all.
fn change(simulator: &Simulator) -> usize {
    let changed = simulator.account(|account| {
        (0..5).for_each(|index| account.touch(index * 7, now_ms()));
        (0..2).for_each(|_| {
            account.add_conversation(now_ms());
        });
        7
    });
    // A read covers the time up to the last whole second.
    thread::sleep(Duration::from_millis(1100));
    changed
}

impl Demo {
    fn write(&self, name: &str, value: &Value) -> io::Result<()> {
        fs::write(self.folder.join(name), format!("{value:#}\n"))
    }

    /// Runs a command and writes its messages to a file.
    fn run(&self, arguments: &[&str], into: &str, what: &str) -> Done<()> {
        println!(
            "$ source-dixa {} > {into}\n    # {what}",
            arguments.join(" ")
        );
        let file = fs::File::create(self.folder.join(into))?;
        let status = Command::new(&self.connector)
            .args(arguments)
            .current_dir(&self.folder)
            .stdout(file)
            .status()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("source-dixa failed; see {FOLDER}/{into}").into())
        }
    }

    fn summary(&self, name: &str) -> Done<Summary> {
        let mut summary = Summary {
            records: BTreeMap::new(),
            states: BTreeMap::new(),
        };
        for line in fs::read_to_string(self.folder.join(name))?.lines() {
            let message: Value = serde_json::from_str(line)?;
            if let Some(stream) = message["record"]["stream"].as_str() {
                *summary.records.entry(stream.to_owned()).or_default() += 1;
            }
            if let Some(stream) = message["state"]["stream"]["stream_descriptor"]["name"].as_str() {
                summary
                    .states
                    .insert(stream.to_owned(), message["state"].clone());
            }
        }
        Ok(summary)
    }
}

/// A row for each stream, in columns as wide as what they hold.
fn table(first: &Summary, second: &Summary) {
    let mut rows = vec![["stream", "first read", "second read", "saved state"].map(str::to_owned)];
    for (stream, state) in &second.states {
        let count = |summary: &Summary| summary.records.get(stream).copied().unwrap_or_default();
        let [before, after] = [first, second].map(|summary| count(summary).to_string());
        let position = position(&state["stream"]["stream_state"]);
        rows.push([stream.clone(), before, after, position]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let [name, before, after] = [0, 1, 2].map(width);
    println!("\nRecords of each stream:\n");
    for [stream, first, second, state] in &rows {
        println!("{stream:<name$}  {first:>before$}  {second:>after$}  {state}");
    }
}

/// What the next read makes of a stream's state.
fn position(state: &Value) -> String {
    let milliseconds = state.get("updated_at").or(state.get("created_at"));
    // Rows of analytics have a position for each of their kinds.
    let positions = state["positions"].as_object().into_iter().flatten();
    let earliest = positions
        .filter_map(|(_, saved)| saved["position"].as_str())
        .min();
    let instant: Option<DateTime<Utc>> = match state["activityTimestamp"].as_str().or(earliest) {
        Some(text) => text.parse().ok(),
        None => milliseconds
            .and_then(Value::as_i64)
            .and_then(DateTime::from_timestamp_millis),
    };
    match instant {
        Some(instant) => format!("read up to {}", instant.format("%Y-%m-%d %H:%M:%S UTC")),
        None => "read in full every time".to_owned(),
    }
}
