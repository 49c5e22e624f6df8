//! What the probe found: for each doubt a question, what was seen, and a verdict. Holds counts, types, sizes, names of headers,
//! statuses and durations, and never a value of the account.

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::cli::VERSION;

/// How an answer compares with what the connector assumes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    AsAssumed,
    /// What the connector does about it.
    Differs(String),
    /// Why not.
    NotSettled(String),
}

/// The answer to one question.
#[derive(Debug)]
pub struct Answer {
    /// For machines.
    pub id: &'static str,
    pub question: &'static str,
    /// The numbers of the doubts in docs/dixa-api.md section 4, or the section with the fact.
    pub doubt: &'static str,
    pub requested: Vec<String>,
    pub found: Map<String, Value>,
    /// What it means for a read.
    pub means: String,
    pub verdict: Verdict,
}

impl Answer {
    /// Without any result yet.
    pub fn new(id: &'static str, question: &'static str, doubt: &'static str) -> Self {
        Self {
            id,
            question,
            doubt,
            requested: Vec::new(),
            found: Map::new(),
            means: String::new(),
            verdict: Verdict::AsAssumed,
        }
    }

    #[must_use]
    pub fn requested(mut self, requests: impl IntoIterator<Item = String>) -> Self {
        self.requested.extend(requests);
        self
    }

    #[must_use]
    pub fn found(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.found.insert(name.into(), value.into());
        self
    }

    #[must_use]
    pub fn holds(self, means: impl Into<String>) -> Self {
        Self {
            means: means.into(),
            verdict: Verdict::AsAssumed,
            ..self
        }
    }

    #[must_use]
    pub fn differs(self, means: impl Into<String>, connector: impl Into<String>) -> Self {
        Self {
            means: means.into(),
            verdict: Verdict::Differs(connector.into()),
            ..self
        }
    }

    #[must_use]
    pub fn not_settled(self, why: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::NotSettled(why.into()),
            ..self
        }
    }

    fn to_json(&self) -> Value {
        let mut json = json!({
            "id": self.id,
            "question": self.question,
            "doubt": self.doubt,
            "requested": self.requested,
            "found": self.found,
        });
        if !self.means.is_empty() {
            json["means"] = self.means.as_str().into();
        }
        let (verdict, text) = match &self.verdict {
            Verdict::AsAssumed => ("as_assumed", None),
            Verdict::Differs(text) => ("differs", Some(("connector", text))),
            Verdict::NotSettled(text) => ("not_settled", Some(("why", text))),
        };
        json["verdict"] = verdict.into();
        if let Some((name, text)) = text {
            json[name] = text.as_str().into();
        }
        json
    }
}

/// How many requests were sent to each host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SentRequests {
    pub exports: u32,
    pub main_api: u32,
}

/// Everything that a probe found.
#[derive(Debug)]
pub struct Report {
    pub sent: SentRequests,
    pub answers: Vec<Answer>,
    /// What all responses had in common, by name.
    pub responses: Map<String, Value>,
}

impl Report {
    /// The verdict in a sentence.
    pub fn verdict(&self) -> String {
        let of = |is: fn(&Verdict) -> bool| {
            let answers = self.answers.iter().filter(|answer| is(&answer.verdict));
            answers.map(|answer| answer.id).collect::<Vec<_>>()
        };
        let differs = of(|verdict| matches!(verdict, Verdict::Differs(_)));
        let not_settled = of(|verdict| matches!(verdict, Verdict::NotSettled(_)));
        let questions = self.answers.len();
        let mut text = if !differs.is_empty() {
            format!("Not as assumed: {}", differs.join(", "))
        } else if not_settled.is_empty() {
            "Our assumptions hold".to_owned()
        } else {
            let settled = questions - not_settled.len();
            format!(
                "Our assumptions hold in the {settled} of {questions} questions that are settled"
            )
        };
        if !not_settled.is_empty() {
            let _ = write!(text, ". Not settled: {}", not_settled.join(", "));
        }
        text + "."
    }

    pub fn to_json(&self) -> Value {
        let answers = self.answers.iter().map(Answer::to_json);
        let holds = !self
            .answers
            .iter()
            .any(|answer| matches!(answer.verdict, Verdict::Differs(_)));
        json!({
            "source_dixa": VERSION,
            "verdict": self.verdict(),
            "assumptions_hold": holds,
            "requests": self.sent,
            "responses": self.responses,
            "answers": answers.collect::<Vec<_>>(),
        })
    }

    /// For people.
    pub fn to_markdown(&self) -> String {
        let SentRequests { exports, main_api } = self.sent;
        let mut text = format!(
            "# How this Dixa account behaves\n\n**{}**\n\nsource-dixa {VERSION} sent {exports} requests to the Exports API and \
             {main_api} to the main API. This report holds no data of the account.\n",
            self.verdict()
        );
        for answer in &self.answers {
            if let Verdict::Differs(connector) = &answer.verdict {
                let _ = writeln!(
                    text,
                    "\n- `{}`: {} {connector}",
                    answer.id,
                    sentence(&answer.means)
                );
            }
        }
        for answer in &self.answers {
            text += &markdown(answer);
        }
        text += "\n## All responses\n\n";
        text + &found(&self.responses)
    }
}

fn markdown(answer: &Answer) -> String {
    let mut text = format!(
        "\n## {}\n\n`{}`, docs/dixa-api.md {}\n\n",
        answer.question, answer.id, answer.doubt
    );
    let verdict = match &answer.verdict {
        Verdict::AsAssumed => "as assumed.".to_owned(),
        Verdict::Differs(connector) => format!("differs. {connector}"),
        Verdict::NotSettled(why) => format!("not settled: {}", sentence(why)),
    };
    let _ = writeln!(text, "- Verdict: {verdict}");
    if !answer.means.is_empty() {
        let _ = writeln!(text, "- Meaning: {}", sentence(&answer.means));
    }
    for request in &answer.requested {
        let _ = writeln!(text, "- Requested: `{request}`");
    }
    text + &found(&answer.found)
}

fn sentence(text: &str) -> String {
    format!("{}.", text.trim_end_matches('.'))
}

/// One line for each thing found.
fn found(found: &Map<String, Value>) -> String {
    let lines = found
        .iter()
        .map(|(name, value)| format!("- `{name}`: {}\n", plain(value)));
    lines.collect()
}

/// A value without the punctuation of JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(plain).collect();
            items.join(", ")
        }
        Value::Object(members) if members.is_empty() => "none".to_owned(),
        Value::Object(members) => {
            let members = members.iter();
            let members: Vec<_> = members
                .map(|(name, value)| match value {
                    Value::Object(_) => format!("{name} ({})", plain(value)),
                    _ => format!("{name} {}", plain(value)),
                })
                .collect();
            members.join(", ")
        }
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Null => "unknown".to_owned(),
        Value::Number(number) => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(answers: Vec<Answer>) -> Report {
        Report {
            sent: SentRequests {
                exports: 9,
                main_api: 41,
            },
            answers,
            responses: Map::new(),
        }
    }

    fn answer(id: &'static str) -> Answer {
        Answer::new(id, "What is it?", "doubt 1").found("page_size", 25)
    }

    #[test]
    fn the_verdict_names_what_differs_and_what_is_not_settled() {
        let holds = || answer("order").holds("any order is fine");
        let differs = || answer("bounds").differs("They are rounded", "Repeats are recognized.");
        let not_settled = || answer("lag").not_settled("403");
        for (answers, verdict) in [
            (vec![holds()], "Our assumptions hold."),
            (
                vec![holds(), not_settled()],
                "Our assumptions hold in the 1 of 2 questions that are settled. Not settled: lag.",
            ),
            (
                vec![holds(), differs(), not_settled()],
                "Not as assumed: bounds. Not settled: lag.",
            ),
        ] {
            let report = report(answers);
            assert_eq!(report.verdict(), verdict);
            let holds = report.to_json()["assumptions_hold"].clone();
            assert_eq!(holds, !verdict.starts_with("Not"));
        }
    }

    #[test]
    fn both_formats_say_the_same() {
        let report = report(vec![
            answer("bounds")
                .requested(["GET /v1/agents".to_owned()])
                .found("exact", json!({"from": false, "sizes": [1, 2], "to": null}))
                .differs("They are rounded", "Repeats are recognized."),
        ]);
        assert_eq!(
            report.to_json()["answers"][0],
            json!({
                "id": "bounds", "question": "What is it?", "doubt": "doubt 1", "requested": ["GET /v1/agents"],
                "found": {"page_size": 25, "exact": {"from": false, "sizes": [1, 2], "to": null}},
                "means": "They are rounded", "verdict": "differs", "connector": "Repeats are recognized.",
            })
        );
        let markdown = report.to_markdown();
        for line in [
            "**Not as assumed: bounds.**",
            "- `bounds`: They are rounded. Repeats are recognized.",
            "- Requested: `GET /v1/agents`",
            "- `page_size`: 25",
            "- `exact`: from no, sizes 1, 2, to unknown",
            "- Verdict: differs. Repeats are recognized.",
        ] {
            assert!(markdown.lines().any(|shown| shown == line), "{markdown}");
        }
    }
}
