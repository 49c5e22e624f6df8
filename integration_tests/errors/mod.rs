//! Every error that bad input leads to, as the table in `docs/errors.md`: what the user did or met, what the program says, what
//! to do, and the exit code. Each row is a run.

mod command_line;
mod files;
mod network;
mod responses;
mod tap;

use std::collections::BTreeSet;
use std::fs;
use std::thread;

use crate::support::bench::Bench;
use crate::support::ran::Ran;

const FILE: &str = "docs/errors.md";
/// This many rows of a section are run at once.
const AT_A_TIME: usize = 20;
const HEADER: &str = "\
# Errors

What each kind of bad input leads to. Exit code 0 means that the run went on, or that `check` printed FAILED; 1 that a stream or the
command failed; 2 that the command line is invalid. Messages are printed to stderr at the end of a failed run and are part of its output,
as the `message` of a TRACE of type ERROR, with the technical cause in `internal_message`. Warnings are LOG messages.

`INSTA_UPDATE=always cargo test errors::` writes this file from the runs in `integration_tests/errors/`, each of which is one row.
";

/// One row.
pub struct Case {
    situation: &'static str,
    /// What to do, where the message does not say it after its first sentence.
    remedy: &'static str,
    bench: Bench,
}

pub fn case(situation: &'static str, remedy: &'static str, bench: Bench) -> Case {
    Case {
        situation,
        remedy,
        bench,
    }
}

/// What the program says first: an error, the reason of a failed check, or a warning.
fn said(ran: &Ran) -> String {
    if let Some(error) = ran.errors().first() {
        return error["message"].as_str().unwrap().to_owned();
    }
    let mut lines = ran.stderr.lines().rev();
    if let Some(error) = lines.find_map(|line| line.strip_prefix("error: ")) {
        return error.trim_end().to_owned();
    }
    let failed = ran.of_type("CONNECTION_STATUS").first().map(|message| {
        message["connectionStatus"]["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    });
    failed
        .filter(|message| !message.is_empty())
        .unwrap_or_else(|| format!("warning: {}", ran.logs("WARN").first().unwrap_or(&"")))
}

/// Without what differs from run to run: folders, ports, times.
fn stable(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let word = match word.find("/tmp/") {
            Some(begin) => {
                let rest = word[begin + 5..]
                    .split_once('/')
                    .map_or("", |(_, rest)| rest);
                let rest = if rest.is_empty() { "FOLDER" } else { rest };
                format!("{}{rest}", &word[..begin])
            }
            None => word.to_owned(),
        };
        match word.find("127.0.0.1:") {
            Some(begin) => {
                let rest =
                    word[begin + 10..].trim_start_matches(|digit: char| digit.is_ascii_digit());
                format!("{}127.0.0.1:PORT{rest}", &word[..begin])
            }
            None => word,
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters
        .next()
        .map(|first| first.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), characters.as_str())
}

fn row(case: &Case, ran: &Ran) -> String {
    let said = stable(&said(ran));
    let (message, advice) = said
        .split_once(". ")
        .or_else(|| said.rsplit_once("; ").filter(|_| case.remedy.is_empty()))
        .unwrap_or((&said, ""));
    let advice = if case.remedy.is_empty() {
        &capitalized(advice)
    } else {
        case.remedy
    };
    assert!(message.len() > 12, "{}: {message}", case.situation);
    assert!(
        !advice.is_empty(),
        "{}: no remedy in: {message}",
        case.situation
    );
    let cells = [
        case.situation,
        &format!("`{}`", message.trim_end_matches('.').replace('`', "'")),
        advice,
    ];
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} | {} |", cells.join(" | "), ran.code)
}

/// The rows of a section, some run at a time: many of them wait for the next attempt of a request.
fn section((title, cases): (&'static str, Vec<Case>)) -> (usize, String) {
    let run = |chunk: &[Case]| -> Vec<String> {
        thread::scope(|scope| {
            let rows = chunk
                .iter()
                .map(|case| scope.spawn(|| row(case, &case.bench.run())));
            let rows: Vec<_> = rows.collect();
            rows.into_iter()
                .map(|row| row.join().expect("see above"))
                .collect()
        })
    };
    let rows: Vec<_> = cases.chunks(AT_A_TIME).flat_map(run).collect();
    let situations: BTreeSet<_> = cases.iter().map(|case| case.situation).collect();
    assert_eq!(
        situations.len(),
        cases.len(),
        "{title}: a row is there twice"
    );
    let table = format!(
        "\n## {title}\n\n| You did or met | The message | What to do | Exit code |\n| :--- | :--- | :--- | :--- |\n{}\n",
        rows.join("\n")
    );
    (rows.len(), table)
}

#[test]
fn the_table_of_errors_is_what_the_program_says() {
    let sections = [
        ("Command line", command_line::cases as fn() -> Vec<Case>),
        ("Environment", network::environment),
        ("Config", files::config),
        ("Catalog", files::catalog),
        ("State", files::state),
        ("State file to write", files::state_out),
        ("DNS, connection, TLS and proxy", network::connection),
        ("Status of a response", responses::statuses),
        ("Head and body of a response", responses::bodies),
        ("Links to next pages", responses::links),
        ("As the Singer tap `tap-dixa`", tap::cases),
    ];
    let threads = sections.map(|(title, cases)| thread::spawn(move || section((title, cases()))));
    let done = threads.map(|thread| thread.join().expect("a section failed: see above"));
    let rows: usize = done.iter().map(|(rows, _)| rows).sum();
    assert!(rows >= 80, "{rows} rows");
    let tables: String = done.into_iter().map(|(_, table)| table).collect();
    let expected = format!("{HEADER}{tables}");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(FILE, &expected).unwrap();
    }
    let written = fs::read_to_string(FILE).unwrap_or_default();
    for (written, expected) in written.lines().zip(expected.lines()) {
        assert_eq!(
            written, expected,
            "run INSTA_UPDATE=always cargo test errors::"
        );
    }
    assert_eq!(written, expected);
}
