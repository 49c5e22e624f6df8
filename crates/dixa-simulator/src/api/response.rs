//! A response before it is sent: status, headers, and a body that is rendered while it is written.

use std::io::{self, Write};
use std::sync::Arc;

use http::StatusCode;

use super::switches::Layout;
use crate::data::bulk::Bulk;
use crate::data::large::GeneratedRows;
use crate::data::pretty::PrettyWriter;

/// The response to one request.
pub struct Response {
    pub status: u16,
    /// The reason phrase, where it is not the standard one.
    pub reason: Option<String>,
    pub headers: Vec<(String, String)>,
    pub content_type: &'static str,
    pub body: Body,
    /// Bytes sent after the body.
    pub tail: Vec<u8>,
}

/// The content of a response.
pub enum Body {
    Bytes(Vec<u8>),
    /// Rows as stored, between an opening and a closing.
    Rows {
        opening: &'static str,
        rows: Vec<Arc<str>>,
        closing: String,
    },
    /// Conversations, generated while they are written.
    Bulk(Bulk),
    /// Rows of a list, generated while they are written.
    Generated {
        opening: &'static str,
        rows: GeneratedRows,
        closing: String,
    },
}

impl Response {
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

    /// The main API's only form of an error (docs/dixa-api.md 2.2: A, SPEC, W6W).
    pub fn message(status: u16, message: &str) -> Self {
        Self::json(status, &serde_json::json!({ "message": message }))
    }

    pub fn reason(&self) -> &str {
        let standard = || StatusCode::from_u16(self.status).ok()?.canonical_reason();
        let reason = self.reason.as_deref().or_else(standard);
        reason.unwrap_or("Unknown Status")
    }

    /// Writes the whole body; the layout applies to rows only.
    pub fn render(&self, layout: Layout, out: &mut dyn Write) -> io::Result<()> {
        match layout {
            _ if matches!(self.body, Body::Bytes(_)) => self.body.render(out)?,
            Layout::Compact => self.body.render(out)?,
            Layout::Pretty => self.body.render(&mut PrettyWriter::new(out, "\n"))?,
            Layout::PrettyCrLf => self.body.render(&mut PrettyWriter::new(out, "\r\n"))?,
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
            Self::Generated {
                opening,
                rows,
                closing,
            } => enclosed(out, opening, rows.iter(), closing),
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
    for (index, row) in rows.enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        out.write_all(row.as_ref())?;
    }
    out.write_all(closing.as_bytes())
}
