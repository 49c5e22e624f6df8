//! One request and its answer: log, rules, latency, fault, delivery.

use std::io;
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::answer::Answer;
use super::faults::{Kind, disturbed};
use super::request::Request;
use super::rules::{Host, authorization, judge};
use super::wire::{Delivery, Ending, send};
use super::{World, control};

/// Answers a request and says how the connection goes on.
pub fn exchange(socket: &mut TcpStream, request: &Request, world: &World) -> io::Result<Ending> {
    if Host::of(&request.path) == Host::Control {
        return deliver(
            socket,
            request,
            world,
            &control::answer(world, request),
            None,
        )
        .map(|(_, ending)| ending);
    }
    world.in_flight.fetch_add(1, Ordering::SeqCst);
    let (place, now) = world
        .log
        .enter(request, authorization(request, &world.token), &world.token);
    let outcome = judged(socket, request, world, (place, now));
    world.log.update(place, |logged| {
        logged.finished = Some(Instant::now());
        logged.body_bytes = outcome.as_ref().map_or(0, |(bytes, _)| *bytes);
    });
    world.in_flight.fetch_sub(1, Ordering::SeqCst);
    outcome.map(|(_, ending)| ending)
}

fn judged(
    socket: &mut TcpStream,
    request: &Request,
    world: &World,
    (place, now): (usize, Instant),
) -> io::Result<(usize, Ending)> {
    let verdict = judge(world, request, now);
    let fault = if verdict.refused.is_none() {
        world.script.strike(request)
    } else {
        None
    };
    let answer = match fault {
        Some(kind) => disturbed(verdict.answer, kind, &world.token),
        None => verdict.answer,
    };
    world.log.update(place, |logged| {
        logged.refused = verdict.refused;
        logged.faulted = fault.is_some();
    });
    world.stop.wait(match Host::of(&request.path) {
        Host::Exports => world.switches.exports_latency,
        Host::Main | Host::Control => world.switches.main_latency,
    });
    match fault {
        Some(Kind::NoAnswer(pause)) => {
            world.stop.wait(*pause);
            Ok((0, Ending::Close))
        }
        Some(Kind::CloseBeforeHeaders) => Ok((0, Ending::Close)),
        Some(Kind::ResetBeforeHeaders) => Ok((0, Ending::Reset)),
        _ => {
            world
                .log
                .update(place, |logged| logged.status = Some(answer.status));
            deliver(socket, request, world, &answer, fault)
        }
    }
}

fn deliver(
    socket: &mut TcpStream,
    request: &Request,
    world: &World,
    answer: &Answer,
    fault: Option<&Kind>,
) -> io::Result<(usize, Ending)> {
    let accepts_gzip = request.accepts_gzip();
    send(
        socket,
        answer,
        &Delivery {
            switches: &world.switches,
            stop: &world.stop,
            fault,
            accepts_gzip,
        },
    )
}
