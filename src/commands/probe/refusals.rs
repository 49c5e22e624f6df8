//! What is refused, and how: unknown parameters, invalid windows, and the forms of the token.

use crate::commands::probe::asks;
use crate::commands::probe::records::{Outcome, Reply};
use crate::commands::probe::report::Answer;
use crate::commands::probe::sender::Sender;
use crate::epoch::EpochMs;
use crate::failure::Failure;

/// Requests with a parameter that no documentation knows.
pub struct Undocumented {
    export: Reply,
    list: Reply,
}

impl Undocumented {
    pub async fn ask(sender: &mut Sender<'_>, day: EpochMs) -> Result<Self, Failure> {
        Ok(Self {
            export: sender.send(&asks::undocumented_export(day)).await?,
            list: sender.send(&asks::undocumented_list()).await?,
        })
    }

    pub fn answer(&self) -> Answer {
        let answer = Answer::new(
            "unknown_parameters",
            "Are parameters refused that are not documented?",
            "1.4, 2.6",
        );
        let replies = [("exports", &self.export), ("main_api", &self.list)];
        let mut answer = answer.requested(replies.map(|(_, reply)| reply.shown.clone()));
        let mut is_settled = true;
        for (host, reply) in replies {
            let found = match reply.status() {
                Some(200) => "ignored",
                Some(400) => "refused",
                _ => {
                    is_settled = false;
                    "unknown"
                }
            };
            answer = answer.found(host, found);
        }
        if is_settled {
            answer.holds("the connector sends documented parameters only")
        } else {
            let words = replies.map(|(_, reply)| reply.words());
            answer.not_settled(words.join("; "))
        }
    }
}

/// What an invalid window gets, and the form of an error of the exports.
pub async fn refused_windows(
    sender: &mut Sender<'_>,
    day: EpochMs,
    undocumented: &Undocumented,
) -> Result<Answer, Failure> {
    let mut answer = Answer::new(
        "refused_windows",
        "Which windows are refused, and what does an error look like?",
        "doubts 2, 5",
    );
    let now = sender.now();
    let mut error = None;
    let mut statuses = Vec::new();
    for (name, ask) in [
        ("after_later_than_before", asks::reversed(day)),
        ("longer_than_31_days", asks::too_long(now)),
        ("without_an_end", asks::one_sided(now)),
    ] {
        let reply = sender.send(&ask).await?;
        answer = answer
            .requested([reply.shown.clone()])
            .found(name, reply.status());
        statuses.push(reply.status());
        error = error.or(form(&reply));
    }
    let error = error.or_else(|| form(&undocumented.export));
    answer = answer.found("body_of_an_error", error);
    Ok(match statuses[..] {
        [Some(200 | 400), Some(200 | 400), Some(200 | 400)] => answer
            .holds("the connector sends none of these windows, and reads an error in any form"),
        _ => answer.not_settled("some of these requests were not sent, or got neither 200 nor 400"),
    })
}

fn form(reply: &Reply) -> Option<&'static str> {
    match &reply.outcome {
        Outcome::Status(refused) => Some(refused.form),
        _ => None,
    }
}

/// The other forms of the token, sent last, so that a lock-out would spoil nothing.
pub async fn token_forms(sender: &mut Sender<'_>, day: EpochMs) -> Result<Answer, Failure> {
    let mut answer = Answer::new(
        "token_forms",
        "Do the hosts take the token in each other's form?",
        "doubt 13",
    );
    let mut is_settled = true;
    for (name, ask) in [
        ("bearer_on_main_api", asks::bearer_list()),
        ("no_scheme_on_exports", asks::bare_token_export(day)),
    ] {
        let reply = sender.send_last(&ask).await?;
        let found = match reply.status() {
            Some(200) => "accepted",
            Some(401 | 403) => "refused",
            _ => {
                is_settled = false;
                "unknown"
            }
        };
        answer = answer.requested([reply.shown.clone()]).found(name, found);
    }
    Ok(if is_settled {
        answer.holds("the connector uses the form that each host is known to take")
    } else {
        answer.not_settled("a response was neither a list nor a refusal of the token")
    })
}
