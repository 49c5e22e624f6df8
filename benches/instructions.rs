//! One part of the hot path, once, for a tool that counts its instructions: see `benches/instructions`.
#![expect(clippy::expect_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::print_stdout, reason = "it lists its parts")]

mod parts;

/// Each part can be run by its name and a number of records.
const PARTS: [&str; 8] = [
    "split",
    "split-spaced",
    "split-pretty",
    "unpack",
    "remember",
    "write",
    "read",
    "read-typed",
];

fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench");
    let (Some(part), Some(records)) = (arguments.next(), arguments.next()) else {
        println!("{}", PARTS.join("\n"));
        return;
    };
    let records = records.parse().expect("a number of records");
    let body = parts::compact(records);
    match part.as_str() {
        "split" => counted(|| parts::split(&body)),
        "split-spaced" => {
            let body = parts::spaced(&body);
            counted(|| parts::split(&body));
        }
        "split-pretty" => {
            let body = parts::pretty(&body);
            counted(|| parts::split(&body));
        }
        "unpack" => {
            let body = parts::gzipped(&body);
            counted(|| parts::unpack(&body));
        }
        "remember" => {
            let written = parts::written(records);
            counted(|| parts::remember(&written));
        }
        "write" => {
            let record = parts::record();
            counted(|| parts::write(&record, records));
        }
        "read" => counted(|| parts::read(&body)),
        "read-typed" => counted(|| parts::read_typed(&body)),
        _ => unreachable!("no such part"),
    }
}

/// Only what happens in here is counted.
#[inline(never)]
fn counted<T>(part: impl FnOnce() -> T) {
    std::hint::black_box(part());
}
