//! The token is nowhere: every byte that any test's run writes, its records apart, is searched for it in all its forms.
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
    for form in FORMS.iter() {
        assert!(!written.contains(form), "the token was written, as {form}");
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

/// Where a server may put it.
fn kinds(echo: &str) -> Vec<Kind> {
    let with_header = |status: u16, name: &str| Kind::Status {
        status,
        headers: vec![(name.to_owned(), echo.to_owned())],
        body: format!(r#"{{"message":"{echo}"}}"#),
    };
    vec![
        Kind::EchoToken { status: 401 },
        Kind::EchoToken { status: 500 },
        with_header(200, "Content-Encoding"),
        with_header(429, "Retry-After"),
        with_header(503, "Date"),
        with_header(403, "WWW-Authenticate"),
        Kind::Redirect {
            status: 302,
            location: format!("http://127.0.0.1:9/{echo}"),
        },
        Kind::body(&format!(r#"[{{"{echo}":1}}]"#)),
        Kind::body(&format!(
            r#"{{"data":[{{"id":"{echo}","{echo}":"{echo}"}}],"meta":{{"next":"http://{echo}/"}}}}"#
        )),
        Kind::body(&format!(r#"[{{"{echo}"#)),
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

/// One run of each command that asks Dixa, with everything told that can be.
fn check_runs(kind: &Kind) {
    let simulator = simulator(vec![
        Fault::at("/v1", 0, kind.clone()),
        Fault::at("/v1", 2, kind.clone()),
    ]);
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
    assert!(simulator.log().iter().all(|request| !request.leaked_token));
}

#[test]
fn a_token_that_a_server_sends_back_in_any_form_is_never_written() {
    // A pause of a minute after a 429 is tried elsewhere.
    let kinds = echoes()
        .iter()
        .flat_map(|echo| kinds(echo))
        .collect::<Vec<_>>();
    let quick = kinds
        .iter()
        .filter(|kind| !matches!(kind, Kind::Status { status: 429, .. }));
    for some in quick.collect::<Vec<_>>().chunks(16) {
        std::thread::scope(|scope| {
            for kind in some {
                scope.spawn(|| check_runs(kind));
            }
        });
    }
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
