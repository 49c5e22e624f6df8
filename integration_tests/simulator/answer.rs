//! An answer before it is sent: status, headers, and a body that is rendered only while it is written.

use std::io::{self, Write};
use std::sync::Arc;

use super::bulk::Bulk;
use super::large::Made;
use super::layout::Pretty;
use super::switches::Layout;

/// What goes back for one request.
pub struct Answer {
    pub status: u16,
    /// The reason phrase, where it is not the status's usual one.
    pub reason: Option<String>,
    pub headers: Vec<(String, String)>,
    pub content_type: &'static str,
    pub body: Body,
    /// Bytes sent after the right body.
    pub tail: Vec<u8>,
}

/// The content of an answer.
pub enum Body {
    Bytes(Vec<u8>),
    /// Rows as stored, between an opening and a closing.
    Rows {
        opening: &'static str,
        rows: Vec<Arc<str>>,
        closing: String,
    },
    /// Made up row by row while writing.
    Bulk(Bulk),
    Made {
        opening: &'static str,
        made: Made,
        closing: String,
    },
}

impl Answer {
    pub fn new(status: u16, content_type: &'static str, body: Body) -> Self {
        Self {
            status,
            reason: None,
            headers: Vec::new(),
            content_type,
            body,
            tail: Vec::new(),
        }
    }

    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::new(
            status,
            "application/json",
            Body::Bytes(value.to_string().into_bytes()),
        )
    }

    /// The main API's only form of an error (dixa-api.md 2.2: A, SPEC, W6W).
    pub fn message(status: u16, message: &str) -> Self {
        Self::json(status, &serde_json::json!({ "message": message }))
    }

    pub fn reason(&self) -> &str {
        self.reason.as_deref().unwrap_or(match self.status {
            200 => "OK",
            204 => "No Content",
            301 => "Moved Permanently",
            302 => "Found",
            307 => "Temporary Redirect",
            308 => "Permanent Redirect",
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            408 => "Request Timeout",
            429 => "Too Many Requests",
            500 => "Internal Server Error",
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            504 => "Gateway Timeout",
            _ => "Unnamed",
        })
    }

    /// Writes the whole body; only rows are laid out.
    pub fn render(&self, layout: Layout, out: &mut dyn Write) -> io::Result<()> {
        match layout {
            _ if matches!(self.body, Body::Bytes(_)) => self.body.render(out)?,
            Layout::Compact => self.body.render(out)?,
            Layout::Pretty => self.body.render(&mut Pretty::new(out, "\n"))?,
            Layout::PrettyCrLf => self.body.render(&mut Pretty::new(out, "\r\n"))?,
        }
        out.write_all(&self.tail)
    }
}

impl Body {
    fn render(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Bytes(bytes) => out.write_all(bytes),
            Self::Rows {
                opening,
                rows,
                closing,
            } => {
                let rows = rows.iter().map(|row| row.as_bytes());
                enclosed(out, opening, rows, closing)
            }
            Self::Bulk(bulk) => bulk.render(out),
            Self::Made {
                opening,
                made,
                closing,
            } => enclosed(out, opening, made.rows(), closing),
        }
    }
}

fn enclosed(
    out: &mut dyn Write,
    opening: &str,
    rows: impl Iterator<Item = impl AsRef<[u8]>>,
    closing: &str,
) -> io::Result<()> {
    out.write_all(opening.as_bytes())?;
    for (place, row) in rows.enumerate() {
        if place > 0 {
            out.write_all(b",")?;
        }
        out.write_all(row.as_ref())?;
    }
    out.write_all(closing.as_bytes())
}
