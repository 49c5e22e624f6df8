//! Pages of analytics data: the sizes that are accepted, and how each names the next page.

use serde_json::json;

use crate::commands::probe::ask::Ask;
use crate::commands::probe::asks::AnalyticsQuery;
use crate::commands::probe::pages::{FOREIGN, form};
use crate::commands::probe::records::Reply;
use crate::commands::probe::report::Answer;
use crate::commands::probe::sender::Sender;
use crate::commands::probe::subjects;
use crate::failure::Failure;

/// The page size of a read.
pub fn page_limit() -> u32 {
    subjects::analytics_rows().page_limit().unwrap_or_default()
}

/// Rows that Dixa returned: how they were requested, and the page of them in the default size.
pub struct Accepted {
    pub query: AnalyticsQuery,
    pub reply: Reply,
}

/// Pages of the same rows in different sizes.
pub struct Sizes<'a> {
    default: &'a Reply,
    /// In the page size of a read.
    whole: &'a Reply,
    /// In the next larger size.
    above: Reply,
    /// In the smallest size.
    one: Reply,
}

impl<'a> Sizes<'a> {
    /// Sends the requests that are left, for one row and for too many.
    pub async fn ask(
        sender: &mut Sender<'_>,
        accepted: &'a Accepted,
        whole: &'a Reply,
    ) -> Result<Self, Failure> {
        let sized = |size: u32| accepted.query.ask().with("pageLimit", size);
        Ok(Self {
            default: &accepted.reply,
            whole,
            above: sender.send(&sized(page_limit() + 1)).await?,
            one: sender.send(&sized(1)).await?,
        })
    }

    fn all(&self) -> [(&'static str, &Reply); 4] {
        [
            ("without_size", self.default),
            ("maximum", self.whole),
            ("above_maximum", &self.above),
            ("one", &self.one),
        ]
    }

    /// Which sizes are accepted.
    pub fn pages(&self, mut answer: Answer) -> Answer {
        for (name, reply) in self.all() {
            let mut found = json!({"status": reply.status()});
            if let Some(records) = reply.records() {
                found["returned"] = records.seen.len().into();
                found["more"] = records.next.is_some().into();
            }
            answer = answer.requested([reply.shown.clone()]).found(name, found);
        }
        match self.whole.status() {
            Some(200) => answer.holds("the requested size is accepted; where a page is smaller, the next one is requested"),
            Some(400) => answer.differs(
                "the page size that the connector prefers is refused",
                "It requests them in the default size for the rest of the read.",
            ),
            _ => answer.not_settled(self.whole.words()),
        }
    }

    /// How the next page was named in any of them.
    pub fn links(&self, sender: &Sender<'_>, answer: Answer, ask: &Ask) -> Answer {
        let nexts = self
            .all()
            .map(|(_, reply)| reply.records().and_then(|records| records.next.as_ref()));
        let mut forms: Vec<_> = nexts
            .into_iter()
            .flatten()
            .map(|next| form(sender, ask, next))
            .collect();
        forms.dedup();
        let answer = answer.found("next_page", forms.clone());
        if forms.is_empty() {
            return answer.not_settled("no response named a next page");
        }
        if forms.contains(&FOREIGN) {
            return answer.differs(
                "a link leads to another host",
                "The stream fails: the token is not sent to another host.",
            );
        }
        answer.holds("the next page is requested with its key, whether a link or the key is given")
    }
}
