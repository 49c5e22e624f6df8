//! Under each setting of each switch, and under every pair of them, the report says what is so.

use std::time::Duration;

use dixa_simulator::api::switches::{
    AboveMax, Absent, AfterLast, Bound, DateHeader, Encoding, ErrorBody, FilterRule, Forbidden,
    Framing, LastMeta, Layout, NextLink, NextPage, Order, RetryAfter, Rounding, Switches,
};
use dixa_simulator::data::analytics::{CLOSED, FIRST_RESPONSE, PRESENCE, RATINGS};
use serde_json::Value;

use super::dixa::{World, probe};
use super::truth::truth;

/// A setting, by the switch that it belongs to.
type Setting = (&'static str, fn(&mut World));

macro_rules! settings {
    ($($switch:ident $(. $inner:ident)? = $value:expr;)*) => {
        &[$((
            concat!(stringify!($switch) $(, ".", stringify!($inner))?),
            |world| switches(world).$switch $(.$inner)? = $value,
        )),*]
    };
}

fn switches(world: &mut World) -> &mut Switches {
    &mut world.scenario.switches
}

fn forbidden(status: u16) -> Vec<Forbidden> {
    let path_prefix = "/v1/teams".to_owned();
    vec![Forbidden {
        path_prefix,
        status,
    }]
}

/// Every record id of analytics.
fn all_refused(status: u16) -> Vec<(String, u16)> {
    let ids = [RATINGS, CLOSED, FIRST_RESPONSE, PRESENCE];
    ids.map(|id| (id.to_owned(), status)).into()
}

/// All settings other than the defaults.
const SETTINGS: &[Setting] = settings! {
    bearer_on_main = true;
    strict_queries = false;
    strict_exports = false;
    forbidden = forbidden(401);
    forbidden = forbidden(403);
    after = Bound::Exclusive;
    before = Bound::Exclusive;
    order = Order::Ascending;
    order = Order::Descending;
    order = Order::Shuffled;
    rounding = Rounding::To(1000);
    rounding = Rounding::LowerTo(1000);
    rounding = Rounding::Ignored;
    retry_after = RetryAfter::Seconds;
    retry_after = RetryAfter::HttpDate;
    error_body = ErrorBody::PlainText;
    error_body = ErrorBody::Html;
    layout = Layout::Pretty;
    layout = Layout::PrettyCrLf;
    encoding = Encoding::Gzip;
    framing = Framing::Length;
    date = DateHeader::Absent;
    date = DateHeader::Shifted(7200);
    date = DateHeader::Shifted(-7200);
    exports_latency = Duration::from_secs(7);
    main_latency = Duration::from_secs(2);
    unreachable_for = Duration::from_secs(1);
    write_timeout = Some(Duration::from_secs(1));
    write_bytes = 10;
    absent = Absent::Null;
    paging.default_size = 7;
    paging.max_size = 10;
    paging.above_max = AboveMax::Refused;
    paging.next = NextLink::Absolute;
    paging.next = NextLink::Elsewhere("http://127.0.0.1:9".to_owned());
    paging.next = NextLink::SameKey;
    paging.key_has_filters = false;
    paging.limit_in_link = true;
    paging.last = LastMeta::Null;
    paging.last = LastMeta::EmptyObject;
    paging.last = LastMeta::NullNext;
    paging.empty_page = Some(0);
    paging.empty_page = Some(1);
    paging.empty_page = Some(2);
    paging.after_last = AfterLast::EmptyPages;
    paging.after_last = AfterLast::FirstRow;
    paging.key_padding = 500;
    analytics.filters = FilterRule::Required;
    analytics.max_page = 250;
    analytics.above_max = AboveMax::Capped;
    analytics.takes_page_limit = false;
    analytics.next = NextPage::TopLevelKey;
    analytics.next = NextPage::BareKeyInMeta;
    analytics.start = Bound::Exclusive;
    analytics.end = Bound::Inclusive;
    analytics.unstable_bytes = true;
    analytics.unknown_id = 404;
    analytics.unknown_id = 500;
    analytics.refused = all_refused(400);
    analytics.refused = all_refused(403);
};

/// Settings of the test's own Dixa.
const OTHERS: &[Setting] = &[("limits", |world| world.scenario.limits.exports.count = 5)];

fn settings() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().chain(OTHERS)
}

/// A fact in the report.
fn found(report: &Value, path: &str) -> Value {
    let mut parts = path.split('.');
    let id = parts.next().unwrap();
    if id == "headers" {
        return report["responses"]["headers"].clone();
    }
    let answers = report["answers"].as_array().unwrap();
    let answer = answers.iter().find(|answer| answer["id"] == id).unwrap();
    let rest: Vec<_> = parts.collect();
    let found = rest
        .iter()
        .fold(&answer["found"], |found, part| &found[*part]);
    match (path, found, &answer["verdict"]) {
        ("update_lag.age_of_the_newest_update", Value::Null, verdict) => {
            assert_eq!(*verdict, "not_settled");
            "not settled".into()
        }
        ("bounds.farthest_outside_a_window", found, _) if found == "1 ms" => {
            "less than a second".into()
        }
        // The last request that is sent if any is left.
        ("refused_windows.without_an_end", Value::Null, verdict) => {
            assert_eq!(*verdict, "not_settled");
            400.into()
        }
        ("encodings.indented_bodies", found, _) => amount(found),
        ("encodings.encodings.gzip", found, _) => amount(found),
        ("page_links.empty_pages_with_a_link", found, _) if *found != 0 => amount(found),
        ("retry_after.forms", Value::Object(forms), _) => forms.keys().cloned().collect(),
        (_, found, _) => found.clone(),
    }
}

fn amount(count: &Value) -> Value {
    let is_none = count.is_null() || *count == 0;
    (if is_none { "none" } else { "some" }).into()
}

/// What the report gets wrong under these settings.
fn mistakes(changes: &[&Setting]) -> Vec<String> {
    let mut world = World::default();
    for (_, change) in changes {
        change(&mut world);
    }
    let names: Vec<_> = changes.iter().map(|(name, _)| *name).collect();
    let probed = probe(&world);
    let report = match &probed.report {
        Ok(report) => report.to_json(),
        Err(failure) => return vec![format!("{names:?}: {}", failure.text())],
    };
    probed.texts();
    let mut mistakes = Vec::new();
    for (path, expected) in truth(&world) {
        let found = found(&report, path);
        let holds = match (path, &found) {
            ("headers", Value::Array(names)) => names.contains(&expected),
            _ => found == expected,
        };
        if !holds {
            mistakes.push(format!("{names:?}: {path} is {found}, not {expected}"));
        }
    }
    mistakes
}

#[test]
fn the_report_is_right_under_the_defaults_and_under_each_setting() {
    let mut all = mistakes(&[]);
    all.extend(settings().flat_map(|setting| mistakes(&[setting])));
    assert!(all.is_empty(), "{}", all.join("\n"));
}

/// Checks every pair of a third of the settings with later ones.
fn check_pairs(third: usize) {
    let mut all = Vec::new();
    for (index, one) in settings().enumerate().skip(third).step_by(3) {
        let others = settings().skip(index + 1);
        for other in others.filter(|other| other.0 != one.0) {
            all.extend(mistakes(&[one, other]));
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn the_report_is_right_under_the_first_third_of_all_pairs_of_settings() {
    check_pairs(0);
}

#[test]
fn the_report_is_right_under_the_second_third_of_all_pairs_of_settings() {
    check_pairs(1);
}

#[test]
fn the_report_is_right_under_the_last_third_of_all_pairs_of_settings() {
    check_pairs(2);
}
