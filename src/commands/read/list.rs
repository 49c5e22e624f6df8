//! A list: page after page from the first one, read whole every time.

use std::cell::RefCell;
use std::collections::HashSet;

use serde_json::json;

use crate::airbyte::log::Level;
use crate::commands::read::sink::StreamSink;
use crate::commands::read::{Run, Stopped};
use crate::dixa::error::Error;
use crate::dixa::page::{Page, Shape};
use crate::streams::{PAGE_LIMIT, Paging, Stream};

impl Run<'_> {
    /// Reads the whole list.
    pub(super) async fn read_list(
        &self,
        stream: &'static Stream,
        sink: &mut StreamSink<'_>,
    ) -> Result<(), Stopped> {
        let stopped = |error: Error| Stopped::by(error, stream.name);
        let fields = RefCell::new(stream.fields());
        let shape = Shape {
            path: stream.frame,
            fields: &fields,
        };
        let fixed: Vec<_> = stream.fixed_query().collect();
        let client = self.reader.client;
        let mut request = client.request(stream.host, stream.path, &fixed);
        let mut read = HashSet::from([request.page().to_owned()]);
        let mut answer = if let Paging::Pages = stream.paging {
            let sized: Vec<_> = fixed
                .iter()
                .cloned()
                .chain([("pageLimit", PAGE_LIMIT.to_string())])
                .collect();
            self.reader
                .read(
                    &client.request(stream.host, stream.path, &sized),
                    &shape,
                    sink,
                )
                .await
        } else {
            self.reader.read(&request, &shape, sink).await
        };
        if let (Err(Error::Status { status: 400, .. }), Paging::Pages) = (&answer, &stream.paging) {
            let message = format!(
                "{}: Dixa does not take pages of {PAGE_LIMIT}; its own size is used.",
                stream.name
            );
            self.output.log(Level::Info, &message);
            answer = self.reader.read(&request, &shape, sink).await;
        }
        loop {
            let Page { next, .. } = answer.map_err(stopped)?;
            sink.end_body(&fields.borrow_mut().take_undeclared());
            let Some(link) = next else { break };
            request = request.follow(&link).map_err(stopped)?;
            if !read.insert(request.page().to_owned()) {
                return Err(stopped(Error::RepeatedLink { host: stream.host }));
            }
            answer = self.reader.read(&request, &shape, sink).await;
        }
        sink.checkpoint(json!({ "complete": true }));
        Ok(())
    }
}
