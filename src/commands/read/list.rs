//! A list: page after page from the first one, read whole every time.

use std::collections::HashSet;

use serde_json::json;

use crate::airbyte::log::Level;
use crate::commands::read::sink::StreamSink;
use crate::commands::read::{Run, Stopped};
use crate::dixa::error::Error;
use crate::streams::{PAGE_LIMIT, Paging};

impl Run<'_> {
    /// Reads the whole list: in pages of the size that we would like, else of Dixa's own.
    pub(super) async fn read_list(&self, sink: &StreamSink<'_>) -> Result<(), Stopped> {
        let stream = sink.stream;
        let stopped = |error: Error| Stopped::by(error, stream.name);
        let ask = |size: Option<(&'static str, String)>| {
            let query: Vec<_> = stream.fixed_query().chain(size).collect();
            self.reader.client.request(stream.host, stream.path, &query)
        };
        let mut is_sized = matches!(stream.paging, Paging::Pages);
        let mut request = ask(is_sized.then(|| ("pageLimit", PAGE_LIMIT.to_string())));
        let mut read = HashSet::new();
        let mut number = 0;
        loop {
            if !read.insert(request.page()) {
                return Err(stopped(Error::RepeatedLink { host: stream.host }));
            }
            let mut body = sink.body(number, None);
            let page = match self.reader.read(&request, &sink.shape(), &mut body).await {
                Err(Error::Status { status: 400, .. }) if is_sized => {
                    let message = format!(
                        "{}: Dixa does not take pages of {PAGE_LIMIT}; its own size is used.",
                        stream.name
                    );
                    self.output.log(Level::Info, &message);
                    is_sized = false;
                    request = ask(None);
                    continue;
                }
                page => page.map_err(stopped)?,
            };
            body.finish();
            is_sized = false;
            number += 1;
            sink.seam.borrow_mut().finish_before(number);
            let Some(link) = page.next else { break };
            request = request.follow(&link).map_err(stopped)?;
        }
        sink.checkpoint(json!({ "complete": true }));
        Ok(())
    }
}
