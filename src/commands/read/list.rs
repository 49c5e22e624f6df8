//! A list: page after page from the first one, read whole every time.

use std::collections::HashSet;

use serde_json::json;

use crate::airbyte::log::Level;
use crate::commands::read::sink::StreamSink;
use crate::commands::read::{Run, Stopped};
use crate::dixa::client::Request;
use crate::dixa::error::Error;
use crate::dixa::page::{Page, Shape};
use crate::streams::{PAGE_LIMIT, Paging};

impl Run<'_> {
    /// Reads the whole list.
    pub(super) async fn read_list(&self, sink: &StreamSink<'_>) -> Result<(), Stopped> {
        let stream = sink.stream;
        let stopped = |error: Error| Stopped::by(error, stream.name);
        let shape = Shape {
            path: stream.frame,
            fields: &sink.fields,
        };
        let (mut request, mut first) = self.first_page(sink).await?;
        let mut read = HashSet::new();
        for number in 0.. {
            if !read.insert(request.page()) {
                return Err(stopped(Error::RepeatedLink { host: stream.host }));
            }
            let page = match first.take() {
                Some(page) => page,
                None => {
                    let mut body = sink.body(number, None);
                    let page = self.reader.read(&request, &shape, &mut body).await;
                    let page = page.map_err(stopped)?;
                    body.finish();
                    page
                }
            };
            sink.seam.borrow_mut().finish_before(number + 1);
            let Some(link) = page.next else { break };
            request = request.follow(&link).map_err(stopped)?;
        }
        sink.checkpoint(json!({ "complete": true }));
        Ok(())
    }

    /// The first page, in the size that we would like, else in Dixa's own.
    async fn first_page(&self, sink: &StreamSink<'_>) -> Result<(Request, Option<Page>), Stopped> {
        let stream = sink.stream;
        let plain: Vec<_> = stream.fixed_query().collect();
        let plain = self.reader.client.request(stream.host, stream.path, &plain);
        if let Paging::Single = stream.paging {
            return Ok((plain, None));
        }
        let sized = [("pageLimit", PAGE_LIMIT.to_string())];
        let sized: Vec<_> = stream.fixed_query().chain(sized).collect();
        let sized = self.reader.client.request(stream.host, stream.path, &sized);
        let shape = Shape {
            path: stream.frame,
            fields: &sink.fields,
        };
        let mut body = sink.body(0, None);
        match self.reader.read(&sized, &shape, &mut body).await {
            Ok(page) => {
                body.finish();
                Ok((sized, Some(page)))
            }
            Err(Error::Status { status: 400, .. }) => {
                let message = format!(
                    "{}: Dixa does not take pages of {PAGE_LIMIT}; its own size is used.",
                    stream.name
                );
                self.output.log(Level::Info, &message);
                Ok((plain, None))
            }
            Err(error) => Err(Stopped::by(error, stream.name)),
        }
    }
}
