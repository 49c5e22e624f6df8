//! The command: what `--dry-run` prints and what is sent, formats, exit codes, and how it fails.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::process::Output;
use std::rc::Rc;
use std::time::Duration;

use dixa_simulator::api::in_process::Reply;
use dixa_simulator::api::switches::{Bound, FilterRule, Forbidden};
use dixa_simulator::data::account::Account;
use serde_json::{Value, json};
use source_dixa::dixa::host::Host;
use source_dixa::failure::FailureKind;

use super::dixa::{Probed, World, probe};
use crate::support::binary::binary;
use crate::support::config::config;
use crate::support::sim::Sim;
use crate::support::test_dir::TestDir;

/// The method-less path of a request, `{id}` for ids, and the names of its parameters.
type Shape = (Vec<String>, BTreeSet<String>);

fn shape(target: &str) -> Shape {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let names = query.split('&').filter_map(|pair| pair.split_once('='));
    let names = names.map(|(name, _)| name.to_owned()).collect();
    (path.split('/').map(str::to_owned).collect(), names)
}

fn dry_run() -> String {
    let output = binary().args(["probe", "--dry-run"]).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn everything_that_is_sent_was_announced() {
    let printed = dry_run();
    let announced: Vec<_> = printed
        .lines()
        .filter_map(|line| {
            let (_, rest) = line.split_once("  ")?;
            let target = rest.split("  #").next()?.split_once(' ')?.1;
            let target = target.split(" {\"").next()?.split(" (token").next()?;
            Some(shape(target))
        })
        .collect();
    assert!(announced.len() > 40, "{printed}");
    let matches = |sent: &Shape, announced: &Shape| {
        let same = |(sent, announced): (&String, &String)| sent == announced || announced == "{id}";
        let is_next = sent.1.contains("pageKey");
        sent.0.len() == announced.0.len()
            && sent.0.iter().zip(&announced.0).all(same)
            && (is_next || sent.1 == announced.1)
    };
    let mut world = World::default();
    world.scenario.switches.after = Bound::Exclusive;
    world.scenario.switches.analytics.filters = FilterRule::Required;
    let mut empty = World::default();
    empty.scenario.account = Account::empty();
    for world in [world, empty] {
        for (_, target) in probe(&world).sent {
            let sent = shape(&target);
            let is_announced = announced.iter().any(|announced| matches(&sent, announced));
            assert!(is_announced, "{target}\n{printed}");
        }
    }
}

#[test]
fn a_probe_takes_about_a_minute() {
    let probed = probe(&World::default());
    assert!(probed.took < Duration::from_secs(90), "{:?}", probed.took);
}

#[test]
fn the_other_forms_of_the_token_come_last() {
    let report = probe(&World::default()).report.ok().unwrap();
    let last = report.answers.last().unwrap();
    assert_eq!(last.id, "token_forms");
    let printed = dry_run();
    let lines: Vec<_> = printed.lines().rev().take(2).collect();
    assert!(
        lines.iter().all(|line| line.contains("(token ")),
        "{printed}"
    );
}

#[test]
fn an_empty_account_settles_little_and_fails_nothing() {
    let mut world = World::default();
    world.scenario.account = Account::empty();
    let probed = probe(&world);
    let report = probed.report.as_ref().ok().unwrap().to_json();
    assert_eq!(report["assumptions_hold"], true);
    let answers = report["answers"].as_array().unwrap();
    for id in [
        "bounds",
        "order",
        "date_parameters",
        "update_lag",
        "field_types",
    ] {
        let answer = answers.iter().find(|answer| answer["id"] == id).unwrap();
        assert_eq!(answer["verdict"], "not_settled", "{id}");
    }
}

#[test]
fn a_wrong_token_is_the_usual_error_after_two_requests() {
    let world = World {
        token: "wrong-token-0123456789",
        ..World::default()
    };
    let probed = probe(&world);
    let failure = probed.report.err().unwrap();
    assert_eq!(failure.kind, FailureKind::Config);
    assert!(failure.text().contains("401"), "{}", failure.text());
    assert_eq!(probed.sent.len(), 2);
}

#[test]
fn no_connection_is_the_usual_error() {
    let mut world = World::default();
    world.scenario.switches.unreachable_for = Duration::MAX;
    let failure = probe(&world).report.err().unwrap();
    assert_eq!(failure.kind, FailureKind::Transient);
}

/// Probes a Dixa whose responses are all changed.
fn probe_changed(change: impl Fn(&mut Reply) + 'static) -> Probed {
    probe(&World {
        rewrite: Some(Rc::new(move |_, reply| change(reply))),
        ..World::default()
    })
}

#[test]
fn there_is_no_report_if_neither_host_can_be_read() {
    for status in [302, 404, 429, 503] {
        let probed = probe_changed(move |reply| reply.status = status);
        let text = probed.report.err().unwrap().text();
        assert!(text.contains(&status.to_string()), "{text}");
        assert!(probed.sent.len() <= 9, "{status}");
    }
    let probed = probe_changed(|reply| reply.body = b"<html></html>".to_vec());
    let text = probed.report.err().unwrap().text();
    assert_eq!(
        text,
        "There is nothing to report, since neither of Dixa's APIs can be read: the response is not the expected JSON. \
         Check that no proxy or firewall changes the responses."
    );
}

#[test]
fn a_wait_that_is_too_long_for_a_person_ends_the_probe() {
    let probed = probe_changed(|reply| {
        reply.status = 429;
        reply
            .headers
            .push(("Retry-After".to_owned(), "3600".to_owned()));
    });
    let failure = probed.report.err().unwrap();
    assert_eq!(failure.kind, FailureKind::Transient);
    assert!(failure.text().contains("429"), "{}", failure.text());
    assert_eq!(probed.sent.len(), 1);
    assert!(probed.took < Duration::from_secs(5), "{:?}", probed.took);
}

#[test]
fn exports_that_refuse_the_token_are_asked_once_and_the_lists_are_probed() {
    for status in [401, 403] {
        let mut world = World::default();
        world.scenario.switches.forbidden = vec![Forbidden {
            path_prefix: "/v1/conversation_export".to_owned(),
            status,
        }];
        let probed = probe(&world);
        let exports = probed
            .sent
            .iter()
            .filter(|(host, _)| *host == Host::Exports);
        assert_eq!(exports.count(), 1);
        let report = probed.report.ok().unwrap().to_json();
        let not_readable = &report["answers"][22]["found"]["not_readable"];
        assert_eq!(*not_readable, json!({"conversations": status.to_string()}));
        assert_eq!(report["answers"][0]["why"], status.to_string());
        assert_eq!(report["answers"][4]["verdict"], "as_assumed");
    }
}

#[test]
fn a_passing_fault_is_repeated() {
    let faults = Rc::new(Cell::new(0));
    let counted = Rc::clone(&faults);
    let world = World {
        rewrite: Some(Rc::new(move |target, reply| {
            let is_first =
                target.starts_with("/v1/tags") && counted.replace(counted.get() + 1) == 0;
            if is_first {
                reply.status = 503;
            }
        })),
        ..World::default()
    };
    let probed = probe(&world);
    let report = probed.report.ok().unwrap().to_json();
    assert_eq!(report["responses"]["statuses"]["main_api 503"], 1);
    assert_eq!(report["answers"][22]["found"]["not_readable"], json!({}));
}

/// Runs the binary on a simulator.
fn run(arguments: &[&str], config: &Value) -> Output {
    let dir = TestDir::new();
    let path = dir.file("config.json", &config.to_string());
    let mut command = binary();
    command.arg("probe").args(arguments);
    command.arg("--config").arg(path).output().unwrap()
}

#[test]
fn the_report_is_all_of_stdout_in_either_format() {
    let simulator = Sim::new().start();
    let config = config(&simulator, json!({}));
    let markdown = run(&[], &config);
    assert_eq!(markdown.status.code(), Some(0));
    let text = String::from_utf8(markdown.stdout).unwrap();
    assert!(
        text.starts_with("# How this Dixa account behaves\n\n**Our assumptions hold "),
        "{text}"
    );
    let printed = run(&["--format", "json"], &config);
    let report: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(report["assumptions_hold"], true);
    assert!(printed.stderr.is_empty() && markdown.stderr.is_empty());
}

#[test]
fn a_dry_run_sends_nothing() {
    let simulator = Sim::new().start();
    let output = run(&["--dry-run"], &config(&simulator, json!({})));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("127.0.0.1  GET /v1/agents?pageLimit=1000"),
        "{text}"
    );
    assert!(simulator.log().is_empty());
}

#[test]
fn a_failure_prints_no_report() {
    let simulator = Sim::new().start();
    let wrong = config(&simulator, json!({"api_token": "wrong-token-0123456789"}));
    let down = config(
        &simulator,
        json!({"exports_base_url": "http://127.0.0.1:9"}),
    );
    for (config, message) in [(wrong, "401"), (down, "could not be reached")] {
        let output = run(&[], &config);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(output.stdout.is_empty());
        assert!(
            stderr.starts_with("error: ") && stderr.contains(message),
            "{stderr}"
        );
    }
    let output = binary().arg("probe").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
