//! The verdicts on analytics, and what is asked if yesterday has no rows.

use dixa_simulator::api::switches::{Analytics, FilterRule};
use dixa_simulator::data::account::{Account, Shape};

use super::dixa::{NOW, World, probe};
use crate::support::time::DAY;

type Change = fn(&mut Analytics);

/// The answers on analytics whose verdict this is.
fn answers_with(verdict: &str, world: &World) -> Vec<String> {
    let report = probe(world).report.ok().unwrap().to_json();
    let answers = report["answers"].as_array().unwrap().iter();
    let answers = answers.filter(|answer| answer["verdict"] == verdict);
    let ids = answers.map(|answer| answer["id"].as_str().unwrap().to_owned());
    ids.filter(|id| id.starts_with("analytics")).collect()
}

#[test]
fn analytics_that_are_not_as_assumed_are_named() {
    let cases: [(&[&str], Change); 5] = [
        (&[], |_| ()),
        (&["analytics_filters"], |analytics| {
            analytics.filters = FilterRule::Required;
        }),
        (&["analytics_pages"], |analytics| analytics.max_page = 250),
        (&["analytics_rows"], |analytics| {
            analytics.unstable_bytes = true;
        }),
        (&["analytics_ids"], |analytics| analytics.unknown_id = 500),
    ];
    for (expected, change) in cases {
        let mut world = World::default();
        change(&mut world.scenario.switches.analytics);
        assert_eq!(answers_with("differs", &world), expected);
    }
}

#[test]
fn analytics_of_a_month_are_asked_if_yesterday_has_none() {
    let mut world = World::default();
    world.scenario.account = Account::seeded(
        1,
        &Shape {
            from_ms: NOW - 20 * DAY,
            to_ms: NOW - 10 * DAY,
            ..Shape::default()
        },
    );
    assert!(answers_with("not_settled", &world).is_empty());
}
