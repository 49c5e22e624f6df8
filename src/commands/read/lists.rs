//! A list: read completely every time, once for each value of a parameter, or once for each id of its parent.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;

use futures_util::{StreamExt, stream};
use record_splitter::IdCollector;

use crate::airbyte::log::Level;
use crate::commands::read::context::ReadContext;
use crate::commands::read::error::ReadError;
use crate::commands::read::pages::ListSelector;
use crate::commands::read::parents::FoundIds;
use crate::commands::read::record_writer::RecordWriter;
use crate::commands::read::stream_writer::StreamWriter;
use crate::dedup::SeenRecords;
use crate::dixa::concurrency::MAX_IN_FLIGHT;
use crate::dixa::error::Error;
use crate::streams::stream::{IdSource, Parent, Partitions, Stream};

/// Longer ids are shortened in messages, to this many characters.
const LONGEST_SHOWN: usize = 100;

impl ReadContext<'_> {
    /// Reads everything in a list.
    pub(super) async fn read_list(&self, writer: &StreamWriter<'_>) -> Result<(), ReadError> {
        let seen = RefCell::<SeenRecords>::default();
        let mut records = RecordWriter::list(writer, &seen);
        match &writer.stream.partitions {
            Partitions::One => {
                let part = ListSelector::default();
                let pages = self.read_pages(&self.fetcher, &part, &mut records);
                pages
                    .await
                    .map_err(|error| ReadError::new(error, writer.stream, None))?;
            }
            Partitions::Values { parameter, values } => {
                self.read_values(parameter, values, &mut records).await?;
            }
            Partitions::Parent(parent) => self.read_children(parent, writer).await?,
        }
        Ok(())
    }

    /// Reads the list of each value. One that Dixa rejects is skipped, unless it rejects all.
    async fn read_values(
        &self,
        parameter: &'static str,
        values: &[&str],
        records: &mut RecordWriter<'_, '_>,
    ) -> Result<(), ReadError> {
        let stream = records.stream.stream;
        let mut rejected = Vec::new();
        for value in values {
            let part = ListSelector {
                query: vec![(parameter, (*value).to_owned())],
                ..ListSelector::default()
            };
            match self.read_pages(&self.fetcher, &part, records).await {
                Err(error) if error.is_rejection() && rejected.len() + 1 < values.len() => {
                    rejected.push(*value);
                }
                read => {
                    let part = format!("{parameter} {value}");
                    read.map_err(|error| ReadError::new(error, stream, Some(&part)))?;
                }
            }
        }
        if !rejected.is_empty() {
            records.stream.mark_part_skipped();
            let warning = format!(
                "{}: skipped {parameter} {}, which Dixa rejects.",
                stream.name,
                rejected.join(", ")
            );
            self.output.log(Level::Warn, &warning);
        }
        Ok(())
    }

    /// Reads the list of each id of the parent. Those for which Dixa says that there is none are skipped and counted; if it says so
    /// of all, with another status than 404, the request itself may be at fault.
    async fn read_children(
        &self,
        parent: &Parent,
        writer: &StreamWriter<'_>,
    ) -> Result<(), ReadError> {
        let (name, list) = (writer.stream.name, parent.list.name);
        let found = self.found_ids(parent, writer.stream).await?;
        let ids = usable_ids(&found.ids, &parent.ids);
        let mut lists = stream::iter(&ids)
            .map(|id| self.read_child(parent, id, writer))
            .buffer_unordered(MAX_IN_FLIGHT);
        let mut refusals = Vec::new();
        while let Some(refusal) = lists.next().await {
            refusals.extend(refusal?);
        }
        let statuses: BTreeSet<_> = refusals.iter().filter_map(Error::status).collect();
        let are_all = !ids.is_empty() && refusals.len() == ids.len();
        if are_all || found.lacks_part {
            writer.mark_part_skipped();
        }
        if are_all && ids.len() > 1 && !statuses.contains(&404) {
            let first = refusals.swap_remove(0);
            return Err(ReadError::new(first, writer.stream, Some(&"of every id")));
        }
        if !refusals.is_empty() {
            let statuses: Vec<_> = statuses.iter().map(u16::to_string).collect();
            let message = format!(
                "{name}: skipped {} of {} {list} that no longer exist ({}).",
                refusals.len(),
                ids.len(),
                statuses.join(", ")
            );
            let level = if are_all { Level::Warn } else { Level::Info };
            self.output.log(level, &message);
        }
        writer.mark_running();
        Ok(())
    }

    /// The ids of a parent, once it was read.
    pub(super) async fn found_ids(
        &self,
        parent: &Parent,
        stream: &Stream,
    ) -> Result<Rc<FoundIds>, ReadError> {
        let (name, list) = (stream.name, parent.list.name);
        let found = self.parents.ids_of(parent.list).await.map_err(|error| {
            error.context(&format!(
                "{name}: not read because its parent `{list}` failed"
            ))
        })?;
        if found.ids.has_too_long {
            let host = stream.host;
            return Err(ReadError::new(Error::TooLong { host }, stream, None));
        }
        Ok(found)
    }

    /// Reads the list of one id of the parent; the error that says that there is none, if Dixa sends it instead of the first page.
    async fn read_child(
        &self,
        parent: &Parent,
        id: &str,
        writer: &StreamWriter<'_>,
    ) -> Result<Option<Error>, ReadError> {
        let seen = RefCell::<SeenRecords>::default();
        let mut records = match parent.field {
            Some(field) => RecordWriter::child_list(writer, &seen, field, id),
            None => RecordWriter::list(writer, &seen),
        };
        let part = ListSelector {
            id: Some(id),
            ..ListSelector::default()
        };
        match self.read_pages(&self.fetcher, &part, &mut records).await {
            Ok(_) => Ok(None),
            Err(error) if is_none_here(parent, &error) && records.is_at_first_page() => {
                Ok(Some(error))
            }
            Err(error) => Err(ReadError::new(error, writer.stream, Some(&shortened(id)))),
        }
    }
}

/// Whether an error says that this id of the parent has nothing to read.
pub fn is_none_here(parent: &Parent, error: &Error) -> bool {
    let status = error.status();
    status.is_some_and(|status| parent.none_here.contains(&status))
}

/// Each id once, without those that would lead a path elsewhere.
pub fn usable_ids<'a>(found: &'a IdCollector, source: &IdSource) -> Vec<&'a String> {
    let ids = match source {
        IdSource::Record => found.record_ids(),
        IdSource::Within(array) => found.nested_ids(array),
    };
    let mut known = HashSet::new();
    let is_id = |id: &&String| !["", ".", ".."].contains(&id.as_str());
    ids.iter()
        .filter(is_id)
        .filter(|id| known.insert(*id))
        .collect()
}

/// An id as shown to people; the end of a very long one is cut off.
pub fn shortened(id: &str) -> String {
    let end = id.char_indices().nth(LONGEST_SHOWN).map(|(end, _)| end);
    end.map_or_else(|| format!("id {id}"), |end| format!("id {}…", &id[..end]))
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_id_is_cut_between_characters() {
        assert_eq!(shortened("a1"), "id a1");
        let long = "ü".repeat(LONGEST_SHOWN + 1);
        assert_eq!(
            shortened(&long).chars().count(),
            "id …".chars().count() + LONGEST_SHOWN
        );
    }
}
