//! The token is nowhere: what the runs of the tests write, their records apart, is searched for it in all its forms.
//! What those are is worked out here anew, sharing nothing with the connector.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::connector::{Connector, TOKEN, catalog, config, run};
use crate::simulator::base64::encoded;
use crate::simulator::faults::{Fault, Kind};
use crate::simulator::rate::Limits;
use crate::simulator::{Scenario, Simulator};

/// So many of the forms are the whole token; the others are parts of Base64 texts.
const ESCAPED: usize = 6;

/// The token as it is, as JSON and as a URL has it, and the part that all Base64 texts have in common that hold it at the
/// same place of three.
static FORMS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let url = |kept: &str, digits: fn(u32) -> String| -> String {
        let escaped = |character: char| {
            if character.is_ascii_alphanumeric() || kept.contains(character) {
                character.to_string()
            } else {
                digits(u32::from(character))
            }
        };
        TOKEN.chars().map(escaped).collect()
    };
    let upper = |byte: u32| format!("%{byte:02X}");
    let lower = |byte: u32| format!("%{byte:02x}");
    let mut forms = vec![
        TOKEN.to_owned(),
        TOKEN.replace('/', "\\/"),
        url("", upper),
        url("", lower),
        url("-._~", upper),
        url("-._~", lower),
    ];
    for before in ["", "b", "be"] {
        let text = encoded(format!("{before}{TOKEN}").as_bytes());
        let (first, last) = ((before.len() * 4).div_ceil(3), text.len() - 4);
        let common = &text[first..last];
        forms.push(common.to_owned());
        forms.push(common.replace('+', "-").replace('/', "_"));
    }
    forms
});

/// Nothing that was written holds the token.
pub fn check(written: &str) {
    let written = written.to_lowercase();
    for form in FORMS.iter() {
        let is_there = written.contains(&form.to_lowercase());
        assert!(!is_there, "the token was written, as {form}");
    }
}

/// Nothing of these lines but the records holds the token.
pub fn check_lines(lines: &str) {
    for line in lines
        .lines()
        .filter(|line| !line.starts_with(r#"{"type":"RECORD""#))
    {
        check(line);
    }
}

/// The token in the forms in which a server may send it back.
fn echoes() -> Vec<String> {
    let mut echoes: Vec<_> = FORMS.iter().take(ESCAPED).cloned().collect();
    for text in [
        TOKEN,
        &format!("bearer:{TOKEN}"),
        &format!("Bearer {TOKEN}"),
        &format!("x{TOKEN}y"),
    ] {
        let code = encoded(text.as_bytes());
        echoes.push(code.replace('+', "-").replace('/', "_"));
        echoes.push(code);
    }
    echoes.push(format!("Bearer {TOKEN}"));
    echoes
}

/// An answer with it in a header and in its body.
fn echoed_in(header: &str, status: u16, echo: &str) -> Kind {
    Kind::Status {
        status,
        headers: vec![(header.to_owned(), echo.to_owned())],
        body: format!(r#"{{"message":"{echo}"}}"#),
    }
}

/// Where a server may put it.
fn kinds(echo: &str) -> Vec<Kind> {
    vec![
        Kind::EchoToken { status: 401 },
        Kind::EchoToken { status: 500 },
        echoed_in("Content-Encoding", 200, echo),
        echoed_in("Date", 503, echo),
        echoed_in("WWW-Authenticate", 403, echo),
        Kind::Redirect {
            status: 302,
            location: format!("http://127.0.0.1:9/{echo}"),
        },
        Kind::body(&format!(r#"[{{"{echo}":1}}]"#)),
        Kind::body(&format!(
            r#"{{"data":[{{"id":"{echo}","{echo}":"{echo}"}}],"meta":{{"next":"http://{echo}/"}}}}"#
        )),
        Kind::body(&format!(r#"[{{"{echo}"#)),
        Kind::body(&format!(r#"[{{"{}{echo}":1}}]"#, "x".repeat(80))),
        Kind::body(&format!(
            r#"{{"data":[],"meta":{{"next":"/v1/agents/{echo}?pageKey={echo}"}}}}"#
        )),
    ]
}

fn simulator(faults: Vec<Fault>) -> Simulator {
    Simulator::start(Scenario {
        token: TOKEN.to_owned(),
        limits: Limits::none(),
        faults,
        ..Scenario::default()
    })
}

/// One run of each command that asks Dixa, with everything told that can be; so many requests meet the fault.
fn check_runs(kind: &Kind, times: usize) {
    let faults = (0..times).map(|time| Fault::at("/v1", 2 * time, kind.clone()));
    let simulator = simulator(faults.collect());
    let connector = Connector::new();
    let config = config(&simulator, json!({"end_date": "2026-01-20"}));
    let streams = catalog(&["conversations", "agents"], "incremental");
    run(connector
        .read_command(&config, &streams, None)
        .arg("--debug"));
    let file = connector.file("config.json", &config.to_string());
    run(Connector::command()
        .arg("check")
        .arg("--debug")
        .arg("--config")
        .arg(file));
}

#[test]
fn a_token_that_a_server_sends_back_in_any_form_is_never_written() {
    let echoes = echoes();
    let mut kinds = kinds(&echoes[0]);
    for echo in &echoes[1..] {
        kinds.push(echoed_in("Content-Encoding", 200, echo));
        kinds.push(Kind::body(&format!(r#"[{{"{echo}":1}}]"#)));
    }
    for some in kinds.chunks(16) {
        std::thread::scope(|scope| {
            for kind in some {
                scope.spawn(|| check_runs(kind, 2));
            }
        });
    }
}

#[test]
fn a_token_in_the_time_to_wait_is_never_written() {
    check_runs(&echoed_in("Retry-After", 429, TOKEN), 1);
}

#[test]
fn a_token_in_the_wrong_place_is_never_written() {
    let connector = Connector::new();
    for config in [
        json!({"api_token": [TOKEN]}),
        json!({"api_token": {"token": TOKEN}}),
        json!({"api_token": "x", "start_date": TOKEN, "end_date": TOKEN}),
        json!({"api_token": TOKEN, "window_days": TOKEN}),
        json!({"api_token": TOKEN, "exports_base_url": format!("https://{TOKEN}@example.invalid")}),
        json!({"api_token": TOKEN, "api_base_url": format!("ftp://{TOKEN}")}),
        json!(TOKEN),
    ] {
        connector.run("check", &config);
        let ran = connector.read(&config, &catalog(&["tags"], "full_refresh"), None);
        assert_ne!(ran.code, 0);
    }
    let simulator = simulator(Vec::new());
    let config = config(&simulator, Value::Object(serde_json::Map::new()));
    let streams = catalog(&["tags"], "full_refresh");
    let state = json!({"conversations": TOKEN, TOKEN: {"x": TOKEN}});
    connector.read(&config, &streams, Some(&state.to_string()));
}
