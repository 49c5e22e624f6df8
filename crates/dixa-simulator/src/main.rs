//! The simulator as a program: a local Dixa to try the connector against.
#![expect(
    clippy::print_stdout,
    reason = "it prints its address and an example config"
)]

use std::io;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use dixa_simulator::api::rate::{Limits, RollingWindow, TokenBucket};
use dixa_simulator::api::switches::{Encoding, Layout, Paging, RetryAfter, Switches};
use dixa_simulator::data::account::{Account, Shape};
use dixa_simulator::data::clock;
use dixa_simulator::data::conversation::Oddities;
use dixa_simulator::data::large::LargeLists;
use dixa_simulator::{Scenario, Simulator};
use serde_json::json;

const DAY_MS: i64 = 86_400_000;

const CONTROL: &str = "\
While it runs (no token needed, never rate limited):
  POST /simulator/change?updated=5&added=2   reopen or close conversations and add some, one second ago; rename an agent
  GET  /simulator/counts                     rows and distinct keys of every stream
  GET  /simulator/answers                    what an analyst would ask: response times, ratings, backlog and more
  GET  /simulator/log                        the requests so far, as JSON lines

One port serves both of Dixa's hosts. Stop it with Ctrl-C.";

/// A local Dixa with generated data. It refuses what Dixa refuses.
#[derive(Parser)]
#[command(name = "dixa-simulator", after_help = CONTROL)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a flag of the command line is one"
)]
struct Options {
    /// Port on 127.0.0.1; 0 picks a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The same seed makes the same content
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The only token that is accepted
    #[arg(long, default_value = "simulated-token")]
    token: String,
    /// Conversations in the history
    #[arg(long, default_value_t = 2000)]
    conversations: usize,
    /// Include conversations with undocumented fields, and some without `updated_at`
    #[arg(long)]
    oddities: bool,
    /// Length of the history, up to now
    #[arg(long, default_value_t = 90)]
    days: u16,
    /// Answer every conversation export with this many generated records of about 2 KB
    #[arg(long, value_name = "RECORDS")]
    bulk: Option<usize>,
    /// Serve this many generated end users
    #[arg(long, value_name = "RECORDS", default_value_t = 0)]
    bulk_endusers: usize,
    /// Serve this many generated messages, over the length of the history
    #[arg(long, value_name = "RECORDS", default_value_t = 0)]
    bulk_messages: usize,
    /// Serve this many generated entries of the activity log, over the length of the history
    #[arg(long, value_name = "RECORDS", default_value_t = 0)]
    bulk_activity: usize,
    /// Serve this many generated rows of analytics, over the length of the history
    #[arg(long, value_name = "RECORDS", default_value_t = 0)]
    bulk_analytics: usize,
    /// Maximum rows of a page, whatever the request asks for
    #[arg(long, default_value_t = 100)]
    page_size: usize,
    /// Limit of the exports, in any rolling minute
    #[arg(long, default_value_t = 10)]
    exports_per_minute: usize,
    /// Limit of the main API, with a burst of 4
    #[arg(long, default_value_t = 10.0)]
    api_per_second: f64,
    /// No rate limits
    #[arg(long)]
    no_limits: bool,
    /// Compress for clients that accept gzip
    #[arg(long)]
    gzip: bool,
    /// Line breaks and indentation in every body
    #[arg(long)]
    pretty: bool,
    /// Wait this long before every response
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Form of Retry-After on a 429
    #[arg(long, value_enum, default_value_t = Wait::None)]
    retry_after: Wait,
    /// Exit when stdin is closed
    #[arg(long)]
    until_stdin_closes: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Wait {
    None,
    Seconds,
    HttpDate,
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    // A port that is taken is an error here, not a panic in the simulator.
    drop(TcpListener::bind(("127.0.0.1", options.port))?);
    let first_ms = first_ms(&options);
    let simulator = Simulator::start(scenario(&options, first_ms));
    let config = json!({
        "api_token": options.token,
        "start_date": clock::iso_date(first_ms),
        "exports_base_url": simulator.url(),
        "api_base_url": simulator.url(),
    });
    println!(
        "A local Dixa listens on {} and accepts the token {}. A config for it:\n{config}",
        simulator.url(),
        options.token
    );
    if options.until_stdin_closes {
        io::copy(&mut io::stdin(), &mut io::sink())?;
        return Ok(());
    }
    loop {
        thread::park();
    }
}

fn first_ms(options: &Options) -> i64 {
    let today = clock::now_ms() / DAY_MS * DAY_MS;
    today - i64::from(options.days) * DAY_MS
}

fn scenario(options: &Options, from_ms: i64) -> Scenario {
    let shape = Shape {
        from_ms,
        to_ms: clock::now_ms() - 1000,
        conversations: options.conversations,
        oddities: if options.oddities {
            Oddities::Some
        } else {
            Oddities::None
        },
        ..Shape::default()
    };
    let mut account = match options.bulk {
        Some(records) => Account::bulk(records),
        None => Account::seeded(options.seed, &shape),
    };
    account.large = Some(LargeLists {
        endusers: options.bulk_endusers,
        messages: options.bulk_messages,
        activity: options.bulk_activity,
        analytics: options.bulk_analytics,
        from_ms,
        to_ms: shape.to_ms,
    });
    Scenario {
        account,
        token: options.token.clone(),
        limits: limits(options),
        switches: switches(options),
        port: options.port,
        ..Scenario::default()
    }
}

fn switches(options: &Options) -> Switches {
    let latency = Duration::from_millis(options.latency_ms);
    Switches {
        encoding: if options.gzip {
            Encoding::Gzip
        } else {
            Encoding::Identity
        },
        layout: if options.pretty {
            Layout::Pretty
        } else {
            Layout::Compact
        },
        retry_after: match options.retry_after {
            Wait::None => RetryAfter::None,
            Wait::Seconds => RetryAfter::Seconds,
            Wait::HttpDate => RetryAfter::HttpDate,
        },
        paging: Paging {
            max_size: options.page_size,
            ..Paging::default()
        },
        exports_latency: latency,
        main_latency: latency,
        ..Switches::default()
    }
}

fn limits(options: &Options) -> Limits {
    if options.no_limits {
        return Limits::none();
    }
    Limits {
        exports: RollingWindow {
            count: options.exports_per_minute,
            period: Duration::from_mins(1),
        },
        main: TokenBucket {
            per_second: options.api_per_second,
            ..Limits::default().main
        },
        ..Limits::default()
    }
}
