//! A list: whole every time, once for each value of a parameter, or once for each id that another list gives.

use std::cell::RefCell;
use std::collections::HashSet;

use futures_util::{StreamExt, stream};

use crate::airbyte::log::Level;
use crate::commands::read::Run;
use crate::commands::read::body::BodySink;
use crate::commands::read::pages::Part;
use crate::commands::read::sink::StreamSink;
use crate::commands::read::stopped::Stopped;
use crate::dixa::error::Error;
use crate::seam::Seam;
use crate::streams::{Each, Ids, Parent};

/// So many lists of a stream are read at once.
const AT_ONCE: usize = 10;

impl Run<'_> {
    /// Reads all there is of a stream.
    pub(super) async fn read_list(&self, sink: &StreamSink<'_>) -> Result<(), Stopped> {
        let seam = RefCell::<Seam>::default();
        let mut body = BodySink::list(sink, &seam);
        match &sink.stream.each {
            Each::Once => {
                let part = Part::default();
                let pages = self.read_pages(&self.reader, &part, &mut body);
                pages
                    .await
                    .map_err(|error| Stopped::by(error, sink.stream, None))?;
            }
            Each::Value { parameter, values } => {
                self.read_values(parameter, values, &mut body).await?;
            }
            Each::Parent(parent) => self.read_children(parent, sink).await?,
        }
        Ok(())
    }

    /// Reads the list of each value. One that Dixa does not know is left out, as long as it knows any.
    async fn read_values(
        &self,
        parameter: &'static str,
        values: &[&str],
        body: &mut BodySink<'_, '_>,
    ) -> Result<(), Stopped> {
        let stream = body.sink.stream;
        let mut unknown = Vec::new();
        for value in values {
            let part = Part {
                query: vec![(parameter, (*value).to_owned())],
                ..Part::default()
            };
            match self.read_pages(&self.reader, &part, body).await {
                Err(Error::Status { status: 400, .. }) if unknown.len() + 1 < values.len() => {
                    unknown.push(*value);
                }
                read => {
                    let part = format!("{parameter} {value}");
                    read.map_err(|error| Stopped::by(error, stream, Some(&part)))?;
                }
            }
        }
        if !unknown.is_empty() {
            let warning = format!(
                "{}: Dixa does not take {parameter} {} (400), which is left out.",
                stream.name,
                unknown.join(", ")
            );
            self.output.log(Level::Warn, &warning);
        }
        Ok(())
    }

    /// Reads the list of each parent; one that is gone by now is left out and counted.
    async fn read_children(&self, parent: &Parent, sink: &StreamSink<'_>) -> Result<(), Stopped> {
        let name = sink.stream.name;
        let found = self
            .givers
            .wait(parent.list)
            .await
            .map_err(|stopped| stopped.about(&format!("{name}: its ids could not be had")))?;
        let ids = match parent.ids {
            Ids::Record => found.own(),
            Ids::Within(array) => found.within(array),
        };
        let mut known = HashSet::new();
        // A path with one of these in it would lead elsewhere.
        let is_id = |id: &&String| !["", ".", ".."].contains(&id.as_str());
        let ids = ids.iter().filter(is_id).filter(|id| known.insert(*id));
        let ids: Vec<_> = ids.collect();
        let mut lists = stream::iter(&ids)
            .map(|id| self.read_child(parent.field, id, sink))
            .buffer_unordered(AT_ONCE);
        let mut gone = 0;
        while let Some(is_there) = lists.next().await {
            gone += usize::from(!is_there?);
        }
        if gone > 0 {
            let message = format!(
                "{name}: {gone} of {} are gone from {} by now (404) and are left out.",
                ids.len(),
                parent.list
            );
            let level = if gone < ids.len() {
                Level::Info
            } else {
                Level::Warn
            };
            self.output.log(level, &message);
        }
        sink.run();
        Ok(())
    }

    /// Reads the list of one parent; `false` if it is gone.
    async fn read_child(
        &self,
        field: Option<&str>,
        id: &str,
        sink: &StreamSink<'_>,
    ) -> Result<bool, Stopped> {
        let seam = RefCell::<Seam>::default();
        let mut body = match field {
            Some(field) => BodySink::list_of(sink, &seam, field, id),
            None => BodySink::list(sink, &seam),
        };
        let part = Part {
            id: Some(id),
            ..Part::default()
        };
        match self.read_pages(&self.reader, &part, &mut body).await {
            Ok(_) => Ok(true),
            Err(Error::Status { status: 404, .. }) if body.is_at_first_page() => Ok(false),
            Err(error) => Err(Stopped::by(error, sink.stream, Some(&format!("id {id}")))),
        }
    }
}
