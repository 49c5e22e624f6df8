//! A token that a server sends back, or that is in the wrong place of a file, is never written.

use std::fs;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use dixa_simulator::api::faults::{Fault, Kind};
use serde_json::{Value, json};

use crate::support::binary::binary;
use crate::support::config::{TOKEN, config};
use crate::support::ran::run;
use crate::support::read::{Read, run_with_config};
use crate::support::secrets::escaped_forms;
use crate::support::sim::Sim;
use crate::support::test_dir::TestDir;

/// The forms in which a server may send the token back.
fn echoes() -> Vec<String> {
    let mut echoes = escaped_forms().to_vec();
    for text in [
        TOKEN,
        &format!("bearer:{TOKEN}"),
        &format!("Bearer {TOKEN}"),
        &format!("x{TOKEN}y"),
    ] {
        let code = BASE64_STANDARD.encode(text);
        echoes.push(code.replace('+', "-").replace('/', "_"));
        echoes.push(code);
    }
    echoes.push(format!("Bearer {TOKEN}"));
    echoes
}

/// A response with the token in a header and in the body.
fn echoed_in(header: &str, status: u16, echo: &str) -> Kind {
    Kind::Status {
        status,
        headers: vec![(header.to_owned(), echo.to_owned())],
        body: format!(r#"{{"message":"{echo}"}}"#),
    }
}

/// The places where a server may put the token.
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

/// Runs `read` and `check` with debug output while this many requests have the fault.
fn check_runs(kind: &Kind, count: usize) {
    let faults = (0..count).map(|index| Fault::at("/v1", 2 * index, kind.clone()));
    let simulator = Sim::new().faults(faults).start();
    let config = config(&simulator, json!({"end_date": "2026-01-20"}));
    Read::with_config(&config)
        .streams(["conversations", "agents"])
        .args(["--debug"])
        .run();
    let dir = TestDir::new();
    let file = dir.file("config.json", &config.to_string());
    run(binary()
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
fn a_token_in_retry_after_is_never_written() {
    check_runs(&echoed_in("Retry-After", 429, TOKEN), 1);
}

#[test]
fn a_token_in_the_wrong_place_is_never_written() {
    for config in [
        json!({"api_token": [TOKEN]}),
        json!({"api_token": {"token": TOKEN}}),
        json!({"api_token": "x", "start_date": TOKEN, "end_date": TOKEN}),
        json!({"api_token": TOKEN, "window_days": TOKEN}),
        json!({"api_token": TOKEN, "exports_base_url": format!("https://{TOKEN}@example.invalid")}),
        json!({"api_token": TOKEN, "api_base_url": format!("ftp://{TOKEN}")}),
        json!(TOKEN),
    ] {
        run_with_config("check", &config);
        let ran = Read::with_config(&config)
            .streams(["tags"])
            .mode("full_refresh")
            .run();
        assert_ne!(ran.code, 0);
    }
    let simulator = Sim::new().start();
    let config = config(&simulator, Value::Object(serde_json::Map::new()));
    let state = json!({"conversations": TOKEN, TOKEN: {"x": TOKEN}});
    Read::with_config(&config)
        .streams(["tags"])
        .mode("full_refresh")
        .state(&state.to_string())
        .run();
}

/// Whatever runs with a known token and has it in a name prints it nowhere: `run` searches stdout and stderr for it.
#[test]
fn a_token_in_a_name_is_never_written() {
    let dir = TestDir::new();
    // The token has a slash, so that this is a folder and a file in it.
    let named = format!("{TOKEN}.json");
    fs::create_dir_all(dir.path(&named).parent().unwrap()).unwrap();
    let valid = dir.file("config.json", &json!({"api_token": TOKEN}).to_string());
    let invalid = json!({"api_token": TOKEN, "start_date": "soon", TOKEN: 1}).to_string();
    let invalid = dir.file(&named, &invalid);
    let unknown_stream = json!({"streams": [{"stream": {"name": TOKEN}, "sync_mode": "full_refresh", "destination_sync_mode": "append"}]});
    let catalog = dir.file(&format!("{TOKEN}.catalog"), &unknown_stream.to_string());
    let valid = valid.to_str().unwrap();
    let (invalid, catalog) = (invalid.to_str().unwrap(), catalog.to_str().unwrap());
    let inline = format!("--config={valid}");
    for (arguments, code) in [
        (vec!["read", "--config", valid, "--streams", TOKEN], 2),
        (vec!["read", &inline, TOKEN], 2),
        (vec!["read", "--config", valid, "--format", TOKEN], 2),
        (vec!["read", "--config", valid, "--catalog", catalog], 1),
        (vec!["read", "--config", valid, "--catalog", TOKEN], 1),
        (vec!["read", "--config", valid, "--state", TOKEN], 1),
        (vec!["read", "--config", invalid], 1),
        (vec!["check", "--config", invalid], 0),
        (vec![TOKEN], 2),
    ] {
        let ran = run(binary().args(&arguments).env("DIXA_API_TOKEN", TOKEN));
        assert_eq!(ran.code, code, "{arguments:?}");
        if arguments.contains(&"--config") || arguments.contains(&inline.as_str()) {
            let ran = run(binary().args(&arguments).env_remove("DIXA_API_TOKEN"));
            assert_eq!(ran.code, code, "{arguments:?}");
            let other = run(binary()
                .args(&arguments)
                .env("DIXA_API_TOKEN", "another-token"));
            assert_eq!(other.code, code, "{arguments:?}");
        }
    }
}
