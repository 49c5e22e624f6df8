//! The pages of a list, one after another: everything in a window or a list.

use crate::airbyte::log::Level;
use crate::commands::read::context::ReadContext;
use crate::commands::read::pagination_guard::{GuardedSink, PaginationGuard};
use crate::commands::read::record_writer::RecordWriter;
use crate::dixa::error::Error;
use crate::dixa::fetch::{BodySummary, Fetcher};
use crate::dixa::host::Host;
use crate::dixa::request::Request;
use crate::epoch::EpochMs;
use crate::streams::stream::{PAGE_LIMIT, Stream};

/// What distinguishes one list or window of a stream from the others.
#[derive(Default)]
pub struct ListSelector<'a> {
    /// For the `{id}` of the path.
    pub id: Option<&'a str>,
    pub query: Vec<(&'static str, String)>,
    /// The JSON body of a POST.
    pub body: Option<String>,
}

/// The earlier of two times, either of which may be unknown.
pub fn min_known(one: Option<EpochMs>, other: Option<EpochMs>) -> Option<EpochMs> {
    one.into_iter().chain(other).min()
}

/// The request for the first page, of at most this many records.
fn first_request(
    fetcher: &Fetcher<'_>,
    stream: &Stream,
    part: &ListSelector<'_>,
    size: Option<u32>,
) -> Request {
    let size = size.map(|size| ("pageLimit", size.to_string()));
    let query: Vec<_> = stream
        .fixed_query()
        .chain(part.query.iter().cloned())
        .chain(size)
        .collect();
    let request = fetcher
        .client
        .request(stream.host, stream.path, part.id, &query);
    match &part.body {
        Some(body) => request.post(body.clone()),
        None => request,
    }
}

impl ReadContext<'_> {
    /// Reads every page, in the size that we prefer, else in Dixa's default; Dixa's time when the first request was sent.
    pub(super) async fn read_pages(
        &self,
        fetcher: &Fetcher<'_>,
        part: &ListSelector<'_>,
        records: &mut RecordWriter<'_, '_>,
    ) -> Result<Option<EpochMs>, Error> {
        let stream = records.stream.stream;
        let page_limit = &records.stream.requests.page_limit;
        let wanted = page_limit.get();
        let mut size = wanted;
        let mut request = first_request(fetcher, stream, part, size);
        let mut guard = PaginationGuard::default();
        let mut server_time: Option<EpochMs> = None;
        let mut is_first = true;
        loop {
            guard.begin(&request)?;
            let page = match read_page(fetcher, &request, &mut guard, records).await {
                Err(error) if error.is_rejection() && size.is_some() && is_first => {
                    size = size.filter(|size| *size > PAGE_LIMIT).map(|_| PAGE_LIMIT);
                    request = first_request(fetcher, stream, part, size);
                    continue;
                }
                page => page?,
            };
            if is_first && size != page_limit.replace(size) {
                self.log_rejected_size(stream, wanted, size);
            }
            is_first = false;
            server_time = min_known(server_time, page.server_time_when_sent);
            let Some(next) = page.next else {
                return Ok(server_time);
            };
            guard.check_progress(&request)?;
            request = request.next(&next, &part.query)?;
        }
    }

    fn log_rejected_size(&self, stream: &Stream, wanted: Option<u32>, size: Option<u32>) {
        let used = size.map_or("its default".to_owned(), |size| size.to_string());
        let message = format!(
            "{}: Dixa rejected a page size of {}; using {used}.",
            stream.name,
            wanted.unwrap_or_default()
        );
        self.output.log(Level::Info, &message);
    }
}

/// Reads one page. An export has no next one, so its records need not be compared with those of earlier pages.
async fn read_page(
    fetcher: &Fetcher<'_>,
    request: &Request,
    guard: &mut PaginationGuard,
    records: &mut RecordWriter<'_, '_>,
) -> Result<BodySummary, Error> {
    let writer = records.stream;
    let spec = writer.requests.body_spec(writer.stream);
    match request.host {
        Host::Exports => fetcher.read(request, &spec, records).await,
        Host::Api => {
            let mut sink = GuardedSink { guard, records };
            fetcher.read(request, &spec, &mut sink).await
        }
    }
}
