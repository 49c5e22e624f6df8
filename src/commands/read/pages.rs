//! A list's pages, one after another: all that a window holds, or a list.

use std::collections::HashSet;

use crate::airbyte::log::Level;
use crate::commands::read::Run;
use crate::commands::read::body::BodySink;
use crate::dixa::error::Error;
use crate::dixa::page::Reader;
use crate::epoch::EpochMs;
use crate::streams::PAGE_LIMIT;

/// What tells one list or window of a stream from the others.
#[derive(Default)]
pub struct Part<'a> {
    /// For the `{id}` of the path.
    pub id: Option<&'a str>,
    pub query: Vec<(&'static str, String)>,
}

/// Of two times, each of which may be unknown.
pub fn earlier(one: Option<EpochMs>, other: Option<EpochMs>) -> Option<EpochMs> {
    one.into_iter().chain(other).min()
}

impl Run<'_> {
    /// Reads every page, in the size that we would like, else in Dixa's own; Dixa's time when the first was asked for.
    pub(super) async fn read_pages(
        &self,
        reader: &Reader<'_>,
        part: &Part<'_>,
        body: &mut BodySink<'_, '_>,
    ) -> Result<Option<EpochMs>, Error> {
        let sink = body.sink;
        let stream = sink.stream;
        let ask = |size: Option<u32>| {
            let size = size.map(|size| ("pageLimit", size.to_string()));
            let query: Vec<_> = stream
                .fixed_query()
                .chain(part.query.iter().cloned())
                .chain(size)
                .collect();
            reader
                .client
                .request(stream.host, stream.path, part.id, &query)
        };
        let wanted = sink.page_limit.get();
        let mut size = wanted;
        let mut request = ask(size);
        let mut read = HashSet::new();
        let mut asked_at: Option<EpochMs> = None;
        let mut is_first = true;
        loop {
            if !read.insert(request.page()) {
                return Err(Error::RepeatedLink { host: stream.host });
            }
            let page = match reader.read(&request, &sink.shape(), body).await {
                Err(Error::Status { status: 400, .. }) if size.is_some() && is_first => {
                    size = size.filter(|size| *size > PAGE_LIMIT).map(|_| PAGE_LIMIT);
                    request = ask(size);
                    continue;
                }
                page => page?,
            };
            if is_first && size != sink.page_limit.replace(size) {
                let message = format!(
                    "{}: Dixa does not take pages of {}; {} used.",
                    stream.name,
                    wanted.unwrap_or_default(),
                    size.map_or("its own size is".to_owned(), |size| format!(
                        "those of {size} are"
                    )),
                );
                self.output.log(Level::Info, &message);
            }
            is_first = false;
            asked_at = earlier(asked_at, page.asked_at);
            let Some(link) = page.next else {
                return Ok(asked_at);
            };
            request = request.follow(&link, &part.query)?;
        }
    }
}
