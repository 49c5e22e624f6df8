//! What the body of a response that is not a success says in words.

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use crate::dixa::error::Error;
use crate::dixa::gzip::Decoder;
use crate::dixa::response::ResponseHead;
use crate::dixa::retry_budget::RetryBudget;

/// The longest time to wait for such a body.
const LONGEST_WAIT_FOR_TEXT: Duration = Duration::from_secs(5);
/// A longer body, unpacked, explains nothing.
const MAX_BODY_BYTES: usize = 1 << 20;

/// The error of a status, with what the response says about it. A body that cannot be read leaves the error as it is.
pub async fn with_explanation(
    error: Error,
    head: &ResponseHead,
    body: reqwest::Response,
    retry_budget: &RetryBudget,
) -> Error {
    let Error::Status {
        host,
        status,
        retry_after,
        ..
    } = error
    else {
        return error;
    };
    let content_type = body.headers().get(reqwest::header::CONTENT_TYPE).cloned();
    let wait = retry_budget.between_bytes.min(LONGEST_WAIT_FOR_TEXT);
    let bytes = timeout(wait, unpacked(head, body)).await.ok().flatten();
    let bytes = bytes.unwrap_or_default();
    let is_html_type = content_type.is_some_and(|value| is_html(value.as_bytes()));
    Error::Status {
        host,
        status,
        retry_after,
        is_web_page: is_html_type || is_html(&bytes),
        text: text(&bytes),
    }
}

/// The whole body; `None` if it is too long or broken.
async fn unpacked(head: &ResponseHead, mut body: reqwest::Response) -> Option<Vec<u8>> {
    let mut decoder = Decoder::of(head.encoding.as_deref())?;
    let mut bytes = Vec::new();
    while let Some(chunk) = body.chunk().await.ok()? {
        let mut wire = &chunk[..];
        while let Some(piece) = decoder.next(&mut wire).ok()? {
            bytes.extend_from_slice(piece);
            if bytes.len() > MAX_BODY_BYTES {
                return None;
            }
        }
    }
    Some(bytes)
}

/// Whether a body, or a `Content-Type`, is HTML.
fn is_html(text: &[u8]) -> bool {
    let start = text.trim_ascii_start();
    ["<!doctype html", "<html", "text/html", "application/xhtml"]
        .iter()
        .any(|sign| {
            start
                .get(..sign.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(sign.as_bytes()))
        })
}

/// Of JSON the `message` (docs/dixa-api.md 2.5), else the whole body; of HTML the title. On one line, of any length.
fn text(body: &[u8]) -> Option<String> {
    let body = str::from_utf8(body).ok()?.trim_start_matches('\u{feff}');
    let text = match serde_json::from_str::<Value>(body) {
        Ok(json) => ["message", "error", "detail", "title"]
            .iter()
            .find_map(|key| json[key].as_str().map(str::to_owned))
            .unwrap_or_else(|| json.to_string()),
        Err(_) if is_html(body.as_bytes()) => title(body)?.to_owned(),
        Err(_) => body.to_owned(),
    };
    let words: Vec<_> = text.split_whitespace().collect();
    Some(words.join(" ")).filter(|text| !text.is_empty())
}

fn title(page: &str) -> Option<&str> {
    let lower = page.to_ascii_lowercase();
    let begin = lower.find("<title")?;
    let begin = begin + lower[begin..].find('>')? + 1;
    let end = begin + lower[begin..].find("</title")?;
    Some(&page[begin..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dixa::error::BodyFault;
    use crate::dixa::host::Host;
    use crate::dixa::policy::policy;
    use crate::failure::Failure;

    const BODIES: [(&str, &str); 3] = [
        (
            "JSON",
            r#"{"message":"There was an internal server error"}"#,
        ),
        (
            "HTML",
            "<!DOCTYPE html><html><title>Just a moment...</title></html>",
        ),
        ("empty", ""),
    ];

    /// What a user is told of a status with this body.
    async fn told(status: u16, body: &'static str) -> String {
        let response = http::Response::builder().status(status).body(body).unwrap();
        let head = ResponseHead {
            host: Host::Api,
            path: "/v1/tags".to_owned(),
            status,
            date: None,
            retry_after: None,
            encoding: None,
            time_to_first_byte: Duration::ZERO,
        };
        let error = Error::Status {
            host: Host::Api,
            status,
            retry_after: None,
            is_web_page: false,
            text: None,
        };
        let error = with_explanation(error, &head, response.into(), &RetryBudget::READ).await;
        let action = policy(&error).action;
        let failure = Failure::from(error);
        let text = failure
            .text()
            .replace(&format!("answered {status}"), "answered STATUS");
        let cause = failure.cause.unwrap_or_default();
        format!(
            "{action:?}, {:?}: {text}\n    internal_message: {cause}",
            failure.kind
        )
    }

    #[tokio::test]
    async fn what_is_told_of_every_status_matches_its_snapshot() {
        let mut groups: Vec<(u16, u16, &str, String)> = Vec::new();
        for (kind, body) in BODIES {
            for status in (100..=599).filter(|status| ![200, 204, 429].contains(status)) {
                let told = told(status, body).await;
                match groups.last_mut() {
                    Some((_, last, same_kind, same)) if *same_kind == kind && *same == told => {
                        *last = status;
                    }
                    _ => groups.push((status, status, kind, told)),
                }
            }
        }
        let lines = groups
            .iter()
            .map(|(first, last, kind, told)| format!("{first}-{last} {kind}\n    {told}"));
        let lines: Vec<_> = lines.collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn no_row_claims_several_attempts_for_what_is_asked_once() {
        let claims = |error: &Error| policy(error).advice.contains("Several attempts");
        let status = |status, is_web_page| Error::Status {
            host: Host::Exports,
            status,
            retry_after: None,
            is_web_page,
            text: None,
        };
        let statuses = (100..=999).flat_map(|number| [status(number, false), status(number, true)]);
        let fault = BodyFault::NoLink;
        let others = [
            Error::Body {
                host: Host::Api,
                fault,
            },
            Error::RepeatedLink { host: Host::Api },
        ];
        for error in statuses.chain(others) {
            let is_asked_once = policy(&error).action == crate::dixa::policy::RetryAction::Fail;
            assert!(!(is_asked_once && claims(&error)), "{error}");
        }
    }

    #[test]
    fn the_text_of_a_response_is_its_message_or_title_on_one_line() {
        for (body, expected) in [
            (
                r#"{"message":"Decoding\n failure"}"#,
                Some("Decoding failure"),
            ),
            (r#"{"error":{"code":1}}"#, Some(r#"{"error":{"code":1}}"#)),
            ("[1, 2]", Some("[1,2]")),
            ("  plain\ttext ", Some("plain text")),
            ("<!DOCTYPE html><TITLE a=1>No\nway</Title>", Some("No way")),
            ("<html><body>nothing", None),
            ("", None),
            (" ", None),
        ] {
            assert_eq!(text(body.as_bytes()).as_deref(), expected, "{body}");
        }
        assert_eq!(text(b"\xff\xfe"), None);
    }
}
