//! Pages: the sizes that each list takes, the links between pages, and whether they carry filters.

use serde_json::{Value, json};

use crate::commands::probe::ask::Ask;
use crate::commands::probe::asks::{self, SECOND};
use crate::commands::probe::lists::{ListReplies, Lists};
use crate::commands::probe::records::{Records, Reply};
use crate::commands::probe::report::Answer;
use crate::commands::probe::sender::Sender;
use crate::commands::probe::subjects;
use crate::dixa::next_page::NextPage;
use crate::epoch::EpochMs;
use crate::failure::Failure;

/// The page size of a chain of small pages.
const SMALL: u32 = 2;
/// So many pages of it are read.
const CHAIN: usize = 3;

/// The list that is read in small pages.
pub fn small_pages() -> Ask {
    Ask::stream(subjects::agents()).with("pageLimit", SMALL)
}

/// The page sizes that each list takes.
pub fn page_sizes(lists: &Lists) -> Answer {
    let mut answer = Answer::new(
        "page_sizes",
        "Which page sizes does each list take, and which is its default?",
        "doubt 12",
    );
    let (mut accepted, mut refused) = (0, 0);
    for list in &lists.0 {
        let Some(requested) = list.stream.page_limit() else {
            continue;
        };
        let mut found = json!({"requested": requested, "status": list.first.status()});
        if let Some(records) = list.first.records() {
            accepted += 1;
            found["returned"] = records.seen.len().into();
            found["more"] = records.next.is_some().into();
        }
        refused += usize::from(list.first.status() == Some(400));
        if let Some(default) = list.default.as_ref().and_then(Reply::records) {
            found["without_size"] = default.seen.len().into();
            found["more_without_size"] = default.next.is_some().into();
        }
        answer = answer
            .requested([list.first.shown.clone()])
            .found(list.stream.name, found);
    }
    match (accepted, refused) {
        (0, 0) => answer.not_settled("no paged list could be read"),
        (_, 0) => answer.holds("the requested size is accepted; where a page is smaller, the connector follows its link"),
        _ => answer.differs(
            "some lists refuse the page size that the connector prefers",
            "It requests them in a smaller or the default size for the rest of the read.",
        ),
    }
}

/// What pages and the links between them were like.
#[derive(Default)]
struct Links {
    forms: Vec<&'static str>,
    ends: Vec<&'static str>,
    size_in_link: Option<bool>,
    size_kept: Option<bool>,
    empty_with_link: usize,
    repeated_link: bool,
    repeated_records: bool,
    filters_in_key: Option<bool>,
}

/// Reads a list in small pages, and a part of the activity log by its links alone.
pub async fn links(sender: &mut Sender<'_>, lists: &Lists) -> Result<Answer, Failure> {
    let mut links = Links::default();
    for list in &lists.0 {
        links.add(sender, &list.ask, list.first.records());
        let default = list.default.as_ref().and_then(Reply::records);
        links.add(sender, &list.ask, default);
        if let Some(next) = list.next.as_ref().and_then(Reply::records) {
            links.add(sender, &list.ask, Some(next));
            links.compare(list.first_page(), next);
        }
    }
    let mut answer = Answer::new(
        "page_links",
        "What do links to the next page look like, and what do they carry?",
        "doubt 12",
    );
    let mut ask = small_pages();
    let mut last: Option<Reply> = None;
    for _ in 0..CHAIN {
        let reply = sender.send(&ask).await?;
        answer = answer.requested([reply.shown.clone()]);
        links.add(sender, &ask, reply.records());
        let Some(records) = reply.records() else {
            break;
        };
        if let Some(before) = last.as_ref().and_then(Reply::records) {
            links.compare(Some(before), records);
            let is_whole = records.next.is_some() && !records.seen.is_empty();
            links.size_kept = is_whole
                .then_some(records.seen.len() == before.seen.len())
                .or(links.size_kept);
        }
        let Some(next) = sender.next_page(&ask, records, &[]) else {
            break;
        };
        ask = next;
        last = Some(reply);
    }
    if let Some((span, size)) = lists.find(subjects::activity().name).and_then(middle) {
        let (requested, carried) = filters_in_key(sender, span, size).await?;
        answer = answer.requested(requested);
        links.filters_in_key = carried;
    }
    Ok(links.answer(answer))
}

impl Links {
    /// Takes note of a page.
    fn add(&mut self, sender: &Sender<'_>, ask: &Ask, page: Option<&Records>) {
        let Some(page) = page else {
            return;
        };
        if ask
            .stream
            .is_none_or(|stream| stream.page_limit().is_none())
        {
            return;
        }
        let Some(next) = &page.next else {
            insert(&mut self.ends, end(&page.envelope));
            return;
        };
        self.empty_with_link += usize::from(page.seen.is_empty());
        insert(&mut self.forms, form(sender, ask, next));
        if let NextPage::Link(link) = next {
            self.size_in_link = Some(link.contains("pageLimit="));
        }
    }

    /// Takes note of what a page repeats from the one before.
    fn compare(&mut self, before: Option<&Records>, page: &Records) {
        let Some(before) = before else {
            return;
        };
        self.repeated_link |= page.next.is_some() && page.next == before.next;
        self.repeated_records |= page.seen.iter().any(|record| before.has(*record));
    }

    fn answer(self, answer: Answer) -> Answer {
        let answer = answer
            .found("links", self.forms.clone())
            .found("meta_of_the_last_page", self.ends.clone())
            .found("page_size_in_link", self.size_in_link)
            .found("page_size_kept", self.size_kept)
            .found("empty_pages_with_a_link", self.empty_with_link)
            .found("same_link_again", self.repeated_link)
            .found("records_repeated_on_the_next_page", self.repeated_records)
            .found("filters_in_the_link", self.filters_in_key);
        if self.forms.contains(&FOREIGN) {
            return answer.differs(
                "a link leads to another host",
                "The stream fails: the token is not sent to another host.",
            );
        }
        if self.repeated_link || self.repeated_records {
            return answer.differs(
                "a page leads to one that was read already",
                "Repeated records are written once, and the stream fails if no new page or record comes.",
            );
        }
        if self.forms.is_empty() && self.ends.is_empty() {
            return answer.not_settled("no paged list could be read");
        }
        answer.holds(
            "links are followed in each of these forms, with the filters added where the link lacks them, and an empty page is not the end if it has one",
        )
    }
}

pub const FOREIGN: &str = "to another host";

/// How a response names the next page.
pub fn form(sender: &Sender<'_>, ask: &Ask, next: &NextPage) -> &'static str {
    match next {
        NextPage::Key(_) => "page key outside of `meta`",
        NextPage::Link(link) if sender.is_foreign(ask, link) => FOREIGN,
        NextPage::Link(link) if link.contains("://") => "absolute",
        NextPage::Link(link) if link.contains('?') || link.starts_with('/') => "relative",
        NextPage::Link(_) => "page key alone",
    }
}

/// What the last page has for `meta`.
fn end(envelope: &Value) -> &'static str {
    match envelope.get("meta") {
        None => "absent",
        Some(Value::Null) => "null",
        Some(Value::Object(meta)) if meta.is_empty() => "empty",
        Some(Value::Object(meta)) if meta.get("next").is_some_and(Value::is_null) => {
            "`next` is null"
        }
        Some(Value::Object(_)) => "without `next`",
        Some(_) => "other",
    }
}

fn insert(all: &mut Vec<&'static str>, one: &'static str) {
    if !all.contains(&one) {
        all.push(one);
    }
}

/// The middle third of the seconds in which something happened, and a page size of half of what happened in it, so that a
/// second page without filters shows.
fn middle(activity: &ListReplies) -> Option<((EpochMs, EpochMs), u32)> {
    let mut times = activity.records()?.times();
    times.sort();
    let third = times.len() / 3;
    let (from, to) = (*times.get(third)?, *times.get(2 * third)?);
    let (from, to) = (from.floor_to_second(), to.ceil_to_second());
    let is_far = times
        .first()
        .zip(times.last())
        .is_some_and(|(first, last)| first.plus(2 * SECOND) < from && to.plus(2 * SECOND) < *last);
    let size = u32::try_from(third / 2).unwrap_or(u32::MAX).clamp(1, 50);
    (third >= 2 && is_far).then_some(((from, to), size))
}

/// Whether the second page, by its link alone, keeps to the filters of the first.
async fn filters_in_key(
    sender: &mut Sender<'_>,
    span: (EpochMs, EpochMs),
    size: u32,
) -> Result<(Vec<String>, Option<bool>), Failure> {
    let keeps = |records: &Records| {
        let (from, to) = (span.0.minus(SECOND), span.1.plus(SECOND));
        records
            .times()
            .iter()
            .all(|time| (from..=to).contains(time))
    };
    let ask = asks::activity(span, size);
    let page = sender.send(&ask).await?;
    let mut requested = vec![page.shown.clone()];
    let Some(records) = page.records().filter(|records| keeps(records)) else {
        return Ok((requested, None));
    };
    let Some(next) = sender.next_page(&ask, records, &[]) else {
        return Ok((requested, None));
    };
    let page = sender.send(&next).await?;
    requested.push(page.shown.clone());
    let records = page.records().filter(|records| !records.seen.is_empty());
    Ok((requested, records.map(keeps)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_list_is_told_by_its_form() {
        for (envelope, expected) in [
            (r#"{"data":[]}"#, "absent"),
            (r#"{"data":[],"meta":null}"#, "null"),
            (r#"{"data":[],"meta":{}}"#, "empty"),
            (r#"{"data":[],"meta":{"next":null}}"#, "`next` is null"),
            (r#"{"data":[],"meta":{"previous":"/"}}"#, "without `next`"),
            (r#"{"data":[],"meta":[]}"#, "other"),
        ] {
            assert_eq!(end(&serde_json::from_str(envelope).unwrap()), expected);
        }
    }
}
