//! Clocks: no position passes the time of Dixa's `Date` header, and a local clock that differs from it is a warning.

use dixa_simulator::api::switches::{DateHeader, Switches};
use dixa_simulator::data::clock::now_ms;
use dixa_simulator::http::log::LoggedRequest;
use serde_json::json;

use crate::support::ran::Ran;
use crate::support::recent::{conversations, recent_account};

#[test]
fn the_position_never_passes_dixas_clock() {
    let (_simulator, config) = recent_account(Switches {
        date: DateHeader::Shifted(-7200),
        ..Switches::default()
    });
    let ran = conversations(&config).run().succeeded();
    let last = *ran.positions("conversations").last().unwrap();
    assert!(
        (now_ms() - 7_210_000..now_ms() - 7_199_000).contains(&last),
        "{last}"
    );
    check_clock_warning(
        &ran,
        "1 h 59 min ahead of Dixa's",
        "2 h 0 min ahead of Dixa's",
    );
}

/// One warning names the difference; it may be a second off, since the header has whole seconds.
fn check_clock_warning(ran: &Ran, difference: &str, or: &str) {
    let warnings = ran.logs("WARN");
    let of_clock = |warning: &&&str| warning.starts_with("This machine's clock is");
    let of_clock: Vec<_> = warnings.iter().filter(of_clock).collect();
    assert_eq!(of_clock.len(), 1, "{warnings:?}");
    assert!(
        of_clock[0].contains(difference) || of_clock[0].contains(or),
        "{warnings:?}"
    );
}

#[test]
fn a_clock_behind_dixas_is_logged_and_a_correct_one_is_not() {
    let behind = |seconds| {
        let date = DateHeader::Shifted(seconds);
        let (simulator, config) = recent_account(Switches {
            date,
            ..Switches::default()
        });
        let ran = conversations(&config).run().succeeded();
        assert!(simulator.log().len() > 1);
        ran
    };
    let difference = "12 h 0 min behind Dixa's";
    check_clock_warning(&behind(12 * 3600 + 20), difference, difference);
    let ran = behind(30);
    let warnings = ran.logs("WARN");
    assert!(
        warnings.iter().all(|warning| !warning.contains("clock")),
        "{warnings:?}"
    );
}

#[test]
fn without_a_date_header_the_local_clock_is_used() {
    let before = now_ms();
    let (_simulator, config) = recent_account(Switches {
        date: DateHeader::Absent,
        ..Switches::default()
    });
    let last = *conversations(&config)
        .run()
        .succeeded()
        .positions("conversations")
        .last()
        .unwrap();
    assert!((before - 2000..=now_ms()).contains(&last));
}

#[test]
fn no_later_window_moves_the_position_past_dixas_clock() {
    let behind = 3 * 24 * 3600;
    let (simulator, mut config) = recent_account(Switches {
        date: DateHeader::Shifted(-behind),
        ..Switches::default()
    });
    config["window_days"] = json!(1);
    config["exports_requests_per_minute"] = json!(600);
    let ran = conversations(&config).run().succeeded();
    let latest = ran.positions("conversations").into_iter().max().unwrap();
    // Dixa's time when it received the request for the window that the position is in.
    let bound = |request: &LoggedRequest, name: &str| -> i64 {
        request.parameter(name).unwrap().parse().unwrap()
    };
    let when_asked = simulator
        .log()
        .iter()
        .filter(|request| {
            bound(request, "updated_after") < latest && latest <= bound(request, "updated_before")
        })
        .map(|request| {
            now_ms() - i64::try_from(request.at.elapsed().as_millis()).unwrap() - behind * 1000
        })
        .max()
        .unwrap();
    assert!(latest <= when_asked + 50, "{latest} is past {when_asked}");
    let counted: f64 = ran
        .of_type("STATE")
        .iter()
        .map(|state| {
            state["state"]["sourceStats"]["recordCount"]
                .as_f64()
                .unwrap()
        })
        .sum();
    #[expect(clippy::cast_precision_loss, reason = "there are 200")]
    let records = ran.records("conversations").len() as f64;
    assert!(
        (counted - records).abs() < 0.5,
        "the states count every record"
    );
}
