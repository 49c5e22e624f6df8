//! One request and its response: log, rules, latency, fault, delivery.

use std::io;
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::context::Context;
use super::control;
use super::delivery::{Ending, SendOptions};
use super::send::send;
use crate::api::authorization::Authorization;
use crate::api::faults::{self, Kind};
use crate::api::host::Host;
use crate::api::request::Request;
use crate::api::response::Response;
use crate::api::rules::judge;

/// Answers a request and says how the connection goes on.
pub fn exchange(
    socket: &mut TcpStream,
    request: &Request,
    context: &Context,
) -> io::Result<Ending> {
    if Host::of(&request.path) == Host::Control {
        return deliver(
            socket,
            request,
            context,
            &control::respond(context, request),
            None,
        )
        .map(|(_, ending)| ending);
    }
    context.in_flight.fetch_add(1, Ordering::SeqCst);
    let (index, now) = context.log.add(
        request,
        Authorization::of(request, &context.dixa.token),
        &context.dixa.token,
    );
    let outcome = respond(socket, request, context, (index, now));
    context.log.update(index, |logged| {
        logged.finished = Some(Instant::now());
        logged.body_bytes = outcome.as_ref().map_or(0, |(bytes, _)| *bytes);
    });
    context.in_flight.fetch_sub(1, Ordering::SeqCst);
    outcome.map(|(_, ending)| ending)
}

fn respond(
    socket: &mut TcpStream,
    request: &Request,
    context: &Context,
    (index, now): (usize, Instant),
) -> io::Result<(usize, Ending)> {
    let verdict = judge(&context.dixa, request, now);
    let fault = if verdict.refused.is_none() {
        context.faults.next(request)
    } else {
        None
    };
    let response = match fault {
        Some(kind) => faults::apply(verdict.response, kind, &context.dixa.token),
        None => verdict.response,
    };
    context.log.update(index, |logged| {
        logged.refused = verdict.refused;
        logged.faulted = fault.is_some();
    });
    context.stop.wait(match Host::of(&request.path) {
        Host::Exports => context.dixa.switches.exports_latency,
        Host::Main | Host::Control => context.dixa.switches.main_latency,
    });
    match fault {
        Some(Kind::NoAnswer(pause)) => {
            context.stop.wait(*pause);
            Ok((0, Ending::Close))
        }
        Some(Kind::CloseBeforeHeaders) => Ok((0, Ending::Close)),
        Some(Kind::ResetBeforeHeaders) => Ok((0, Ending::Reset)),
        _ => {
            context
                .log
                .update(index, |logged| logged.status = Some(response.status));
            deliver(socket, request, context, &response, fault)
        }
    }
}

fn deliver(
    socket: &mut TcpStream,
    request: &Request,
    context: &Context,
    response: &Response,
    fault: Option<&Kind>,
) -> io::Result<(usize, Ending)> {
    let accepts_gzip = request.accepts_gzip();
    send(
        socket,
        response,
        &SendOptions {
            switches: &context.dixa.switches,
            stop: &context.stop,
            fault,
            accepts_gzip,
        },
    )
}
