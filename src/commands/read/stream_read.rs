//! One stream of a read, from its first status to its last.

use std::cell::RefCell;

use serde_json::json;

use crate::airbyte::catalog::{ConfiguredStream, FieldSelection, SyncMode};
use crate::airbyte::log::Level;
use crate::airbyte::message::Status;
use crate::commands::read::context::ReadContext;
use crate::commands::read::error::ReadError;
use crate::commands::read::parents::FoundIds;
use crate::commands::read::selection::resolve;
use crate::commands::read::stream_writer::StreamWriter;
use crate::failure::Failure;
use crate::streams::stream::{Span, Stream};

impl ReadContext<'_> {
    /// Reads one stream and reports how it ended; `false` if it failed.
    pub(super) async fn read(&self, configured: &ConfiguredStream) -> bool {
        let name = configured.name.as_str();
        let ended = match resolve(configured) {
            Ok((stream, mode)) => {
                self.output.status(name, Status::Started);
                self.events.begin(stream);
                let ended = self.read_stream(stream, mode, configured).await;
                self.events.end(stream);
                ended
            }
            Err(failure) => Err(ReadError::Failed(failure)),
        };
        match &ended {
            Ok(()) => self.output.status(name, Status::Complete),
            Err(ReadError::OutputClosed) => {}
            Err(ReadError::Failed(failure)) => {
                self.output.status(name, Status::Incomplete);
                self.output.error(failure, Some(name));
            }
        }
        ended.is_ok()
    }

    async fn read_stream(
        &self,
        stream: &'static Stream,
        mode: SyncMode,
        configured: &ConfiguredStream,
    ) -> Result<(), ReadError> {
        let config = &self.job.config;
        let fields = &configured.fields;
        let mut writer = StreamWriter::new(stream, self.output, config, fields, self.stats);
        if let Some((field, nearest)) = writer.form.unknown_field(stream) {
            let hint = nearest.map(|nearest| format!("; did you mean `{nearest}`?"));
            return Err(ReadError::Failed(Failure::config(format!(
                "In the catalog: `{}` has no field `{field}`{}",
                stream.name,
                hint.unwrap_or_else(|| ".".to_owned())
            ))));
        }
        writer.ids = self.parents.are_needed_of(stream).then(RefCell::default);
        if config.activates_versions && (mode == SyncMode::FullRefresh || !stream.is_incremental())
        {
            writer.set_version(self.job.now.0);
        }
        self.output.schema(|| writer.form.discovered(stream));
        let work = self.read_span(stream, mode, &writer);
        let ended = self.progress.show_during(stream, &writer.stats, work).await;
        writer.warnings.warn(stream, &self.job.config, self.output);
        let end = if ended.is_ok() {
            "done"
        } else {
            "not finished"
        };
        let message = format!("{}: {end}, {}.", stream.name, writer.stats.summary());
        self.output.log(Level::Info, &message);
        // What it waited for is for those who investigate: `--debug` shows it here, too.
        let moved = writer.stats.transfer_summary();
        // The error at the end of the run names those that read nothing.
        if ended.is_ok() || writer.stats.records() > 0 {
            self.progress
                .line(&format!("{}: {end}, {moved}.", stream.name));
        }
        self.publish_ids(writer, ended.clone());
        ended
    }

    async fn read_span(
        &self,
        stream: &'static Stream,
        mode: SyncMode,
        writer: &StreamWriter<'_>,
    ) -> Result<(), ReadError> {
        match &stream.span {
            Span::Windows(params) => return self.read_windows(params, mode, writer).await,
            Span::Days { .. } => return self.read_days(mode, writer).await,
            Span::Everything => {}
        }
        if mode == SyncMode::Incremental {
            let message = format!(
                "{}: Dixa does not report changes to it, so it is read completely.",
                stream.name
            );
            self.output.log(Level::Info, &message);
        }
        self.read_list(writer).await?;
        writer.activate_version();
        writer.emit_state(&json!({ "complete": true }));
        Ok(())
    }

    /// Reads a list that is not selected, for the ids that child streams need.
    pub(super) async fn read_ids(&self, stream: &'static Stream) {
        let (config, all) = (&self.job.config, FieldSelection::new());
        let mut writer = StreamWriter::new(stream, self.output, config, &all, self.stats);
        writer.ids_only = true;
        writer.ids = Some(RefCell::default());
        let ended = self.read_list(&writer).await;
        self.publish_ids(writer, ended);
    }

    fn publish_ids(&self, writer: StreamWriter<'_>, ended: Result<(), ReadError>) {
        let lacks_part = writer.has_skipped_part();
        if let Some(ids) = writer.ids {
            let ids = ended.map(|()| FoundIds {
                ids: ids.into_inner(),
                lacks_part,
            });
            self.parents.publish(writer.stream, ids);
        }
    }
}
