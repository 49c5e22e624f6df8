//! The simulator's own endpoints, for runs by hand: change the data, count it, read the log. No token, no rate.

use serde_json::{Value, json};

use super::World;
use super::answer::{Answer, Body};
use super::clock::now_ms;
use super::log::Logged;
use super::request::Request;

/// `POST /simulator/change?updated=5&added=2`, `GET /simulator/counts`, `GET /simulator/log`.
pub fn answer(world: &World, request: &Request) -> Answer {
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/simulator/change") => Answer::json(200, &change(world, request)),
        ("GET", "/simulator/counts") => Answer::json(200, &counts(world)),
        ("GET", "/simulator/log") => {
            let lines: Vec<String> = world
                .log
                .entries()
                .iter()
                .map(|logged| line(world, logged).to_string())
                .collect();
            Answer::new(
                200,
                "application/x-ndjson",
                Body::Bytes((lines.join("\n") + "\n").into_bytes()),
            )
        }
        _ => Answer::message(404, "The simulator knows change (POST), counts and log"),
    }
}

/// Changes happen at one second before now, each a millisecond after the other.
fn change(world: &World, request: &Request) -> Value {
    let number = |name| {
        request
            .parameter(name)
            .and_then(|text| text.parse::<usize>().ok())
            .unwrap_or(0)
    };
    let mut account = world.account();
    let updated = number("updated").min(account.conversations.len());
    let added = number("added");
    let mut times = now_ms() - 1000..;
    for (index, at) in (0..updated).zip(&mut times) {
        account.touch(index, at);
    }
    let new: Vec<usize> = (0..added)
        .zip(&mut times)
        .map(|(_, at)| account.add_conversation(at))
        .collect();
    let renamed = (!account.agents.is_empty()).then(|| {
        account.rename_agent(0, &format!("Agent renamed at {}", now_ms()));
        account.agents[0].key.trim_matches('"').to_owned()
    });
    let keys = |indexes: &[usize]| -> Vec<Value> {
        indexes
            .iter()
            .map(|&index| {
                account.conversations[index]
                    .key
                    .parse::<i64>()
                    .map_or(Value::Null, Value::from)
            })
            .collect()
    };
    json!({
        "updated": keys(&(0..updated).collect::<Vec<_>>()),
        "added": keys(&new),
        "renamed_agent": renamed,
    })
}

fn counts(world: &World) -> Value {
    let counts = world.account().counts();
    let counts = counts
        .into_iter()
        .map(|(name, (rows, keys))| (name.to_owned(), json!({"rows": rows, "keys": keys})));
    Value::Object(counts.collect())
}

fn line(world: &World, logged: &Logged) -> Value {
    let since_start = |at: std::time::Instant| at.duration_since(world.started).as_secs_f64();
    json!({
        "at_seconds": since_start(logged.at),
        "finished_seconds": logged.finished.map(since_start),
        "host": format!("{:?}", logged.host),
        "method": logged.method,
        "path": logged.path,
        "query": logged.query,
        "authorization": format!("{:?}", logged.authorization),
        "user_agent": logged.header("user-agent"),
        "status": logged.status,
        "refused": logged.refused,
        "faulted": logged.faulted,
        "body_bytes": logged.body_bytes,
    })
}
