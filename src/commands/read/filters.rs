//! The filter that Dixa may want for a query: every value of one attribute.

use std::cell::RefCell;

use record_splitter::Record;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::airbyte::log::Level;
use crate::commands::read::context::ReadContext;
use crate::commands::read::pagination_guard::PaginationGuard;
use crate::dixa::error::Error;
use crate::dixa::fetch::BodySpec;
use crate::dixa::sink::Sink;
use crate::streams::stream::{Filter, RecordsQuery, Stream};

impl ReadContext<'_> {
    /// The filter for ids that need one: the first attribute that has values, and all of them. Requested once in a read.
    pub(super) async fn filter<'f>(
        &self,
        known: &'f OnceCell<Option<Filter>>,
        query: &RecordsQuery,
    ) -> Result<Option<&'f Filter>, Error> {
        let filter = known.get_or_try_init(async || {
            for attribute in query.filter_attributes {
                let values = self.values_of(query.filter_values, attribute).await?;
                if !values.is_empty() {
                    return Ok(Some(Filter { attribute, values }));
                }
            }
            Ok(None)
        });
        Ok(filter.await?.as_ref())
    }

    /// The values of an attribute; none if Dixa refuses to list them.
    async fn values_of(
        &self,
        list: &'static Stream,
        attribute: &str,
    ) -> Result<Vec<String>, Error> {
        let fields = RefCell::new(list.fields());
        let spec = BodySpec {
            frame: list.frame,
            fields: &fields,
        };
        let client = self.fetcher.client;
        let mut request = client.request(list.host, list.path, Some(attribute), &[]);
        let (mut guard, mut values) = (PaginationGuard::default(), FilterValues::default());
        loop {
            guard.begin(&request)?;
            match self.fetcher.read(&request, &spec, &mut values).await {
                Ok(page) => match page.next {
                    Some(next) => request = request.next(&next, &[])?,
                    None => return Ok(values.0),
                },
                Err(error)
                    if error
                        .status()
                        .is_some_and(|status| (400..500).contains(&status)) =>
                {
                    return Ok(Vec::new());
                }
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn warn_of_filter(&self, stream: &Stream, Filter { attribute, values }: &Filter) {
        let warning = format!(
            "Dixa refuses to return records without a filter. They are read with every value of `{attribute}` ({}), \
             so records that have none may be missing.",
            values.len()
        );
        self.log_of(stream, Level::Warn, &warning);
    }
}

/// Collects the values of an attribute.
#[derive(Default)]
struct FilterValues(Vec<String>);

impl Sink for FilterValues {
    fn record(&mut self, record: Record<'_>) {
        let record: Value = serde_json::from_slice(record.bytes).unwrap_or_default();
        let value = record["value"].as_str().filter(|value| !value.is_empty());
        let new = value.filter(|value| self.0.iter().all(|known| known != value));
        self.0.extend(new.map(str::to_owned));
    }

    async fn ready(&mut self) -> Result<(), Error> {
        Ok(())
    }
}
