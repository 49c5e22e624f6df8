//! Whether the data of analytics can be requested without filters.

use serde_json::Value;

use crate::commands::probe::asks::{self, WHOLE_DAY};
use crate::commands::probe::exports::start_of_day;
use crate::commands::probe::lists::Lists;
use crate::commands::probe::report::Answer;
use crate::commands::probe::sender::Sender;
use crate::commands::probe::subjects;
use crate::failure::Failure;

/// Asks for the first record of the catalogue.
pub async fn filters(sender: &mut Sender<'_>, lists: &Lists) -> Result<Answer, Failure> {
    let mut answer = Answer::new(
        "analytics_filters",
        "Can analytics data be requested without a filter?",
        "2.8",
    );
    let Some(id) = lists.first_id(subjects::analytics_catalogue().name) else {
        return Ok(
            answer.not_settled("the catalogue of analytics records is empty or not readable")
        );
    };
    let day = start_of_day(sender.now()).minus(WHOLE_DAY);
    let reply = sender.send(&asks::analytics(&id, day, None)).await?;
    answer = answer
        .requested([reply.shown.clone()])
        .found("without_filter", reply.status());
    match reply.status() {
        Some(200) => return Ok(answer.holds("no filter is needed")),
        Some(400) => {}
        _ => return Ok(answer.not_settled(reply.words())),
    }
    let values = sender.send(&asks::filter_values()).await?;
    answer = answer.requested([values.shown.clone()]);
    let first = values.records().and_then(|records| records.first.as_ref());
    let Some(Value::String(value)) = first.map(|first| &first["value"]) else {
        return Ok(answer.not_settled(
            "the request without a filter got 400, and the values of a filter could not be read",
        ));
    };
    let filtered = asks::analytics(&id, day, Some(std::slice::from_ref(value)));
    let reply = sender.send(&filtered).await?;
    answer = answer
        .requested([reply.shown.clone()])
        .found("with_a_filter", reply.status());
    Ok(match reply.status() {
        Some(200) => answer.differs(
            "a filter is needed, although the documentation says that it is optional",
            "It is requested again with every value of one attribute.",
        ),
        _ => answer.not_settled("refused with and without a filter"),
    })
}
