//! The simulator's own endpoints: change the data, count it, ask about it, read the log. They need no token and have no rate
//! limit.

use serde_json::{Value, json};

use super::context::Context;
use super::log::LoggedRequest;
use crate::api::request::Request;
use crate::api::response::{Body, Response};
use crate::data::answers::answers;
use crate::data::clock::now_ms;

/// `POST /simulator/change?updated=5&added=2&removed_tags=1`, `GET /simulator/counts`, `GET /simulator/answers`,
/// `GET /simulator/log`.
pub fn respond(context: &Context, request: &Request) -> Response {
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/simulator/change") => Response::json(200, &change(context, request)),
        ("GET", "/simulator/counts") => Response::json(200, &counts(context)),
        ("GET", "/simulator/answers") => {
            let account = context.dixa.account();
            Response::json(200, &answers(&account.stories, &account.cast))
        }
        ("GET", "/simulator/log") => {
            let lines: Vec<String> = context
                .log
                .entries()
                .iter()
                .map(|logged| line(context, logged).to_string())
                .collect();
            Response::new(
                200,
                "application/x-ndjson",
                Body::Bytes((lines.join("\n") + "\n").into_bytes()),
            )
        }
        _ => Response::message(
            404,
            "The simulator knows change (POST), counts, answers and log",
        ),
    }
}

/// The changes happen one second ago, a millisecond apart.
fn change(context: &Context, request: &Request) -> Value {
    let number = |name| {
        request
            .parameter(name)
            .and_then(|text| text.parse::<usize>().ok())
            .unwrap_or(0)
    };
    let mut account = context.dixa.account();
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
        account.agents[0].id().to_owned()
    });
    let removed = number("removed_tags").min(account.tags.len());
    account.tags.drain(..removed);
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

fn counts(context: &Context) -> Value {
    let counts = context.dixa.account().counts();
    let counts = counts
        .into_iter()
        .map(|(name, (rows, keys))| (name.to_owned(), json!({"rows": rows, "keys": keys})));
    Value::Object(counts.collect())
}

fn line(context: &Context, logged: &LoggedRequest) -> Value {
    let since_start = |at: std::time::Instant| at.duration_since(context.started).as_secs_f64();
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
