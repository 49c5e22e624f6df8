//! Exports of any size, rendered while they are written: prepared records in which only id and times are patched.

use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::sync::OnceLock;

use fastrand::Rng;

use super::cast::Cast;
use super::conversation::{self, Oddities};
use super::directory;
use super::hours::DAY;
use super::plot::{self, StoryEnd};

/// Ids have 17 digits: the span's first second, then the record's number.
const RECORDS_PER_SECOND: i64 = 10_000_000;
/// How many records differ in more than id and times: enough that branch prediction cannot learn them.
const TEMPLATE_COUNT: usize = 1024;
/// Times have 13 digits; others are clamped to this range.
const FIRST_MS: i64 = 1_000_000_000_000;
const LAST_MS: i64 = 9_999_999_999_999;

/// An export of many conversations, their cursors spread evenly over a span.
pub struct Bulk {
    records: i64,
    first: i64,
    length: i64,
}

/// A record with a comma before it, and the offsets of its digits.
#[derive(Clone)]
struct Template {
    bytes: Vec<u8>,
    id: usize,
    created: usize,
    updated: usize,
}

impl Bulk {
    pub fn new(records: usize, span: &RangeInclusive<i64>) -> Self {
        let first = (*span.start()).clamp(FIRST_MS, LAST_MS);
        let last = (*span.end()).clamp(FIRST_MS, LAST_MS);
        Self {
            records: i64::try_from(records).unwrap_or(i64::MAX),
            first,
            length: (last - first + 1).max(1),
        }
    }

    pub fn render(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut templates = templates().to_vec();
        out.write_all(b"[")?;
        for (number, index) in (0..self.records).zip((0..templates.len()).cycle()) {
            let template = &mut templates[index];
            let at = self.first + number * self.length / self.records;
            template.patch(
                template.id,
                self.first / 1000 * RECORDS_PER_SECOND + number,
                17,
            );
            template.patch(template.created, at, 13);
            template.patch(template.updated, at, 13);
            out.write_all(&template.bytes[usize::from(number == 0)..])?;
        }
        out.write_all(b"]")
    }
}

impl Template {
    fn new(random: &mut Rng, cast: &Cast) -> Option<Self> {
        let created = 1_767_225_600_000;
        let end = StoryEnd::Before(created + 30 * DAY);
        let mut story = plot::story(random, cast, created, end);
        story.id = 10_000_000_000_000_000;
        let record = conversation::render(&story, cast, Oddities::None);
        let text = format!(",{record}");
        let after = |label: &str| text.find(label).map(|offset| offset + label.len());
        Some(Self {
            id: after(r#""id":"#)?,
            created: after(r#""created_at":"#)?,
            updated: after(r#""updated_at":"#)?,
            bytes: text.into_bytes(),
        })
    }

    fn patch(&mut self, offset: usize, mut value: i64, digits: usize) {
        for digit in self.bytes[offset..offset + digits].iter_mut().rev() {
            *digit = b"0123456789"[usize::try_from(value % 10).unwrap_or(0)];
            value /= 10;
        }
    }
}

fn templates() -> &'static [Template] {
    static TEMPLATES: OnceLock<Vec<Template>> = OnceLock::new();
    TEMPLATES.get_or_init(|| {
        let mut random = Rng::with_seed(64);
        let cast = Cast::new(
            &directory::agents(&mut random, 30),
            &directory::endusers(&mut random, 60),
            &directory::queues(&mut random, 4),
            &directory::tags(&mut random, 8),
        );
        (0..TEMPLATE_COUNT)
            .filter_map(|_| Template::new(&mut random, &cast))
            .collect()
    })
}
