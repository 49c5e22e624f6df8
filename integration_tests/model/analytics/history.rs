//! Random histories of rows of analytics: reads that are killed or fail, rows that appear meanwhile, a catalogue that changes.

use std::collections::HashMap;
use std::time::Duration;

use dixa_simulator::api::switches::{Analytics, Bound, FilterRule, NextPage};
use dixa_simulator::data::metric_record::MetricRecord;
use fastrand::Rng;
use serde_json::Value;
use source_dixa::airbyte::catalog::SyncMode;
use source_dixa::config::Config;
use source_dixa::epoch::EpochMs;
use tokio::time::sleep;

use super::table::{Table, at_dixa, check_same};
use super::{KINDS, STREAM, account, dixa, last_state, thirteen_days};
use crate::model::dixa::{Dixa, Fault};
use crate::model::read::{paused, read};
use crate::model::rows::metric;
use crate::support::time::DAY;

/// A history: reads that are killed or fail, rows that appear meanwhile, and a catalogue that changes.
async fn history(seed: u64) {
    let mut random = Rng::with_seed(seed);
    let analytics = Analytics {
        filters: random
            .choice([FilterRule::Optional, FilterRule::Required])
            .unwrap(),
        max_page: random.choice([3, 20, 300]).unwrap(),
        next: random
            .choice([
                NextPage::MetaLink,
                NextPage::TopLevelKey,
                NextPage::BareKeyInMeta,
            ])
            .unwrap(),
        start: random.choice([Bound::Inclusive, Bound::Exclusive]).unwrap(),
        end: random.choice([Bound::Inclusive, Bound::Exclusive]).unwrap(),
        ..Analytics::default()
    };
    let dixa = dixa(account(), analytics);
    let mode = random
        .choice([SyncMode::Incremental, SyncMode::FullRefresh])
        .unwrap();
    let config = Config {
        window_days: random.choice([1, 3, 30]).unwrap(),
        ..thirteen_days()
    };
    let (mut table, mut states) = (Table::default(), HashMap::<String, Value>::new());
    let mut removed = Vec::new();
    let reads = random.usize(1..5);
    for number in 0..=reads {
        let is_last = number == reads;
        let fault_rate = random.choice([0.0, 0.1]).unwrap();
        let mut faults = Rng::with_seed(random.u64(..));
        *dixa.script.borrow_mut() = Box::new(move |_| {
            let fault = [
                Fault::Reset(faults.usize(..100)),
                Fault::EndEarly(faults.usize(..100)),
                Fault::Status(503, None),
                Fault::Replace(b"<html>busy</html>"),
            ][faults.usize(..4)];
            (!is_last && faults.f64() < fault_rate).then_some(fault)
        });
        change(&dixa, &mut random, number, &mut removed);
        let limit = if is_last {
            usize::MAX
        } else {
            random.usize(..60_000)
        };
        if mode == SyncMode::FullRefresh
            && states
                .get(STREAM)
                .is_none_or(|state| state["unfinished"] != true)
        {
            table = Table::default();
        }
        let streams = [(STREAM, mode)];
        let ran = read(&dixa, &config, &streams, (&states, dixa.now_ms()), limit).await;
        if is_last {
            assert_eq!(ran.done, Some(true), "{:?}", ran.errors());
        }
        for message in &ran.messages {
            let state = &message["state"]["stream"]["stream_state"];
            let positions = state["positions"].as_object().into_iter().flatten();
            for (kind, position) in positions {
                let position = EpochMs::parse(position["position"].as_str().unwrap()).unwrap();
                assert!(
                    position.0 <= dixa.now_ms(),
                    "{kind} is ahead of Dixa's clock"
                );
            }
        }
        table.merge(&ran);
        if let Some(state) = last_state(&ran) {
            states.insert(STREAM.to_owned(), state);
        }
        sleep(Duration::from_secs(random.u64(..3) * 20_000)).await;
    }
    let mut rows = table.rows();
    let expected = at_dixa(&dixa, 0);
    rows.retain(|kind, _| expected.contains_key(kind));
    check_same(&rows, &expected, "");
}

/// Adds rows of today, some of them twins, and adds, removes or returns a kind.
fn change(dixa: &Dixa, random: &mut Rng, number: usize, removed: &mut Vec<MetricRecord>) {
    let now = dixa.now_ms();
    dixa.account(|account| {
        for _ in 0..random.usize(..20) {
            let kind = KINDS[random.usize(..KINDS.len() - usize::from(!removed.is_empty()))];
            let at = now - random.i64(0..2) * 1000;
            for _ in 0..random.choice([1, 1, 2]).unwrap() {
                account.add_metric(kind, metric(random.i64(2000..2003), at));
            }
        }
        let added = format!("kind_{number}");
        match random.u8(..4) {
            0 => {
                account.add_record_id(&added, &added);
                for day in 0..12 {
                    account.add_metric(&added, metric(day, now - day * DAY));
                }
            }
            1 if removed.is_empty() => {
                *removed = account.metrics(KINDS[2]).to_vec();
                account.remove_record_id(KINDS[2]);
            }
            2 if !removed.is_empty() => {
                account.add_record_id(KINDS[2], "");
                for row in removed.drain(..) {
                    account.add_metric(KINDS[2], row);
                }
            }
            _ => {}
        }
    });
}

#[test]
fn histories_end_with_exactly_dixas_rows() {
    for seed in 0..300 {
        let result = std::panic::catch_unwind(|| {
            fastrand::seed(seed);
            paused().block_on(history(seed));
        });
        assert!(result.is_ok(), "history {seed}");
    }
}
