//! The laws that hold for any bytes. The fuzz targets check them, and so does `integration_tests/fuzz_corpus.rs`.

use std::cell::RefCell;
use std::net::IpAddr;
use std::str;

use record_splitter::{Fields, Record, RecordPath};
use serde_json::{Value, json};
use source_dixa::airbyte::catalog;
use source_dixa::airbyte::state::{self, States};
use source_dixa::checkpoint::SavedPosition;
use source_dixa::config::Config;
use source_dixa::dixa::client::{Client, Settings};
use source_dixa::dixa::error::{BodyFault, Error};
use source_dixa::dixa::event::{Event, Observer};
use source_dixa::dixa::fetch::{BodySpec, BodySummary, Fetcher};
use source_dixa::dixa::gzip::Decoder;
use source_dixa::dixa::host::Host;
use source_dixa::dixa::next_page::NextPage;
use source_dixa::dixa::retry_budget::RetryBudget;
use source_dixa::dixa::sink::Sink;
use source_dixa::dixa::timestamp::TimeFormat;
use source_dixa::dixa::token::Token;
use source_dixa::epoch::EpochMs;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use url::Url;

/// A link to a next page never leads to another origin.
pub fn link(data: &[u8]) {
    if let Ok(text) = str::from_utf8(data) {
        follow(&NextPage::Link(text.to_owned()));
        follow(&NextPage::Key(text.to_owned()));
    }
}

fn follow(page: &NextPage) {
    let settings = settings("https://dev.dixa.io");
    let request = Client::new(settings).request(Host::Api, "/v1/agents", None, &[]);
    for request in [request.clone(), request.post("{}".to_owned())] {
        if let Ok(next) = request.next(page, &[]) {
            assert_eq!(next.origin(), "https://dev.dixa.io", "{page:?}");
        }
    }
}

/// Any bytes in place of an HTTP response are read or refused: nothing panics, the request with the token goes to one host only,
/// and records come only from a body that is one list.
pub fn response(data: &[u8]) {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    }
    let (records, ended) = RUNTIME.with(|runtime| runtime.block_on(answered_with(data)));
    let values = records
        .iter()
        .map(|record| serde_json::from_slice::<Value>(record));
    let values: Vec<_> = values
        .map(|value| value.expect("a record is JSON"))
        .collect();
    assert!(values.iter().all(Value::is_object));
    let Ok(summary) = ended else { return };
    if let Some(page) = summary.next {
        follow(&page);
    }
    let Some(body) = plain_body(data) else { return };
    let mut parsed = serde_json::Deserializer::from_slice(body).into_iter::<Value>();
    let list = parsed
        .next()
        .expect("a body that is accepted is not empty")
        .expect("it is JSON");
    assert_eq!(list["data"].as_array().map(Vec::len), Some(values.len()));
}

/// The body of a response with an ordinary head, neither compressed nor in chunks; if `data` is in it twice, it says nothing.
fn plain_body(data: &[u8]) -> Option<&[u8]> {
    let text = data.to_ascii_lowercase();
    let has = |part: &[u8]| text.windows(part.len()).any(|window| window == part);
    let end = text.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = &data[..end];
    let mut lines = head.split(|byte| *byte == b'\n');
    let last = lines.next_back();
    let is_ordinary = data.starts_with(b"HTTP/1.1 200 ")
        && lines.all(|line| line.ends_with(b"\r"))
        && last.is_some_and(|last| !last.ends_with(b"\r"));
    let times = text
        .windows(6)
        .filter(|window| window == b"\"data\"")
        .count();
    let is_plain = !has(b"encoding") && !has(b"length") && !has(b"\\u");
    let body = &data[end + 4..];
    (is_ordinary && is_plain && times == 1)
        .then(|| body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body))
}

/// Keeps the records of a body that was read to its end.
#[derive(Default)]
struct Kept(Vec<Vec<u8>>);

impl Sink for Kept {
    fn begin(&mut self) {
        self.0.clear();
    }

    fn record(&mut self, record: Record<'_>) {
        self.0.push(record.bytes.to_vec());
    }

    async fn ready(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

struct Deaf;

impl Observer for Deaf {
    fn on_event(&self, _: &Event<'_>) {}
}

/// One request, answered with these bytes.
async fn answered_with(data: &[u8]) -> (Vec<Vec<u8>>, Result<BodySummary, Error>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let base_url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let client = Client::new(settings(&base_url));
    let budget = RetryBudget {
        max_attempts: 1,
        max_attempts_for_size: 1,
        max_pauses: 0,
        ..RetryBudget::CHECK
    };
    let fetcher = Fetcher {
        client: &client,
        retry_budget: &budget,
        observer: &Deaf,
    };
    let fields = RefCell::new(Fields::new(["id"].into_iter(), Some("id"), None));
    let spec = BodySpec {
        frame: RecordPath::Array(&["data"]),
        fields: &fields,
    };
    let request = client.request(Host::Api, "/v1/agents", None, &[]);
    let mut kept = Kept::default();
    let serve = async {
        loop {
            let (mut connection, _) = listener.accept().await.expect("a connection");
            let mut request = [0; 4096];
            let _ = connection.read(&mut request).await;
            let _ = connection.write_all(data).await;
            let _ = connection.shutdown().await;
        }
    };
    let ended = tokio::select! {
        ended = fetcher.read(&request, &spec, &mut kept) => ended,
        () = serve => unreachable!("it serves for ever"),
    };
    (kept.0, ended)
}

fn settings(base_url: &str) -> Settings {
    let base_url = Url::parse(base_url).expect("it is a URL");
    Settings {
        token: Token::new("no token"),
        exports_base_url: base_url.clone(),
        api_base_url: base_url,
        exports_requests_per_minute: 10,
        api_requests_per_second: 1_000_000,
    }
}

/// Any bytes are decoded to the same result in pieces of any length. The output is bounded, and decoding always ends.
pub fn gzip(data: &[u8]) {
    let decode = |length: usize| -> Result<Vec<u8>, BodyFault> {
        let mut decoder = Decoder::of(Some("gzip")).expect("gzip is known");
        let mut output = Vec::new();
        for mut chunk in data.chunks(length) {
            while let Some(piece) = decoder.next(&mut chunk)? {
                assert!((1..=64 * 1024).contains(&piece.len()));
                output.extend_from_slice(piece);
            }
            assert!(chunk.is_empty(), "the whole chunk was consumed");
        }
        decoder.finish().map(|()| output)
    };
    let whole = decode(usize::MAX);
    for length in [1, 100] {
        assert_eq!(decode(length).ok(), whole.as_ref().ok().cloned());
    }
}

/// Any bytes are either accepted as a state or refused, alone and between the messages of reads. A parsed position can be written
/// and parsed again, and covers no time after itself.
pub fn state(data: &[u8]) {
    let knows = |name: &str| name == "conversations";
    let message = |at: i64| {
        let stream =
            json!({"stream_descriptor": {"name": "x"}, "stream_state": {"updated_at": at}});
        json!({"type": "STATE", "state": {"type": "STREAM", "stream": stream}}).to_string()
    };
    let between = [
        message(1).as_bytes(),
        b"\n",
        data,
        b"\n",
        message(2).as_bytes(),
    ]
    .concat();
    let loaded = state::read(&between[..], &knows);
    match &loaded {
        Ok(loaded) => assert_eq!(loaded.states["x"], json!({"updated_at": 2})),
        Err(failure) => assert!(data.len() > 1 << 20, "{failure:?}"),
    }
    let alone = state::read(data, &knows).map_or_else(|_| States::new(), |loaded| loaded.states);
    for blob in alone.into_values() {
        for times in [TimeFormat::Milliseconds, TimeFormat::Text] {
            let Ok(saved) = SavedPosition::parse(&blob, "updated_at", times) else {
                continue;
            };
            assert!(saved.covered_from.is_none_or(|from| from <= saved.position));
            let calendar = -62_135_596_800_000..253_402_300_800_000;
            if times == TimeFormat::Text && !calendar.contains(&saved.position.0) {
                continue;
            }
            let written = saved.to_blob("updated_at", times);
            let again = SavedPosition::parse(&written, "updated_at", times);
            if times == TimeFormat::Milliseconds {
                assert_eq!(again, Ok(saved));
            } else {
                assert_eq!(again.map(|again| again.position), Ok(saved.position));
            }
            let entry =
                json!([{"stream": {"stream_descriptor": {"name": "x"}, "stream_state": written}}]);
            let loaded = state::read(entry.to_string().as_bytes(), &knows);
            assert_eq!(loaded.expect("it is a state").states["x"], written);
        }
    }
}

/// Any text is either accepted as a catalog or refused. No more streams are selected than the catalog lists.
pub fn catalog(data: &[u8]) {
    if let Ok(text) = str::from_utf8(data)
        && let Ok(streams) = catalog::parse(text)
    {
        let listed: Value = serde_json::from_str(text).unwrap_or_else(|_| {
            let mut messages = text.lines().rev().flat_map(serde_json::from_str);
            messages
                .find(|message: &Value| message["type"] == "CATALOG")
                .expect("an accepted catalog is JSON")
        });
        let paths = ["/streams", "/catalog/streams", "/syncCatalog/streams"];
        let mut listed = paths
            .iter()
            .filter_map(|path| listed.pointer(path)?.as_array());
        let listed = listed.next().expect("it has streams");
        assert!(streams.len() <= listed.len());
        let is_deselected = |entry: &&Value| {
            let is_api = entry["stream"].is_object() && entry["name"].is_null();
            is_api && entry["config"]["selected"] == false
        };
        assert!(streams.len() + listed.iter().filter(is_deselected).count() <= listed.len());
    }
}

/// Any text is either accepted as a config or refused with a message that does not contain the token. An accepted config is within
/// its limits.
pub fn config(data: &[u8]) {
    const TOKEN: &str = "hush-hush-1-a-token";
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let text = text.replace("TOKEN", TOKEN);
    match Config::parse(&text) {
        Ok(config) => {
            assert!((1..=31).contains(&config.window_days));
            assert!(
                config
                    .end_date
                    .is_none_or(|end_date| end_date > config.start_date)
            );
            assert!(config.lookback.as_secs() <= 44_640 * 60);
            assert!(config.settings.exports_requests_per_minute > 0);
            assert!(config.settings.api_requests_per_second > 0);
            for url in [
                &config.settings.exports_base_url,
                &config.settings.api_base_url,
            ] {
                assert!(
                    url.scheme() == "https" || url.host_str().is_some_and(is_loopback),
                    "{url}"
                );
            }
            let now = EpochMs(1_795_600_000_000);
            let is_unusual = config.refuse_future(now).is_err();
            assert!(!is_unusual || config.start_date_warning(now).is_some());
            assert!(config.first_read_cost(now).0 < 25_000);
            let shown = format!("{:?}", config.settings.token);
            assert!(!shown.contains(TOKEN), "{shown}");
        }
        Err(failure) => assert!(!format!("{failure:?}").contains(TOKEN), "{failure:?}"),
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_matches(['[', ']']);
    host == "localhost"
        || bare
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}
