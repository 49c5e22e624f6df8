//! The lines at the bottom of a terminal that change while a read goes on: their layout for a width, and what draws and removes
//! them.
//!
//! They are written again each time, below everything that stays. A terminal that has become narrower has wrapped the old ones, so
//! they are removed by the rows that they take now.

use std::fmt::Write as _;

use tokio::time::{Duration, Instant};

use crate::output::wrap::width_of;

/// How often the bars are redrawn.
pub const TICK: Duration = Duration::from_millis(200);
/// Each stream brings its own news, and a drawing shows the news of all.
const MIN_BETWEEN: Duration = Duration::from_millis(100);
const SPINNER: [&str; 8] = ["⠋", "⠙", "⠸", "⢰", "⣠", "⣄", "⡆", "⠇"];
const GAUGE_COLUMNS: usize = 10;
/// Narrower terminals have no room for a gauge.
const MIN_FOR_GAUGE: usize = 90;

/// The size of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScreenSize {
    pub columns: usize,
    pub rows: usize,
}

/// What is known about a stream that is being read.
#[derive(Clone, Debug, Default)]
pub struct Bar {
    pub stream: &'static str,
    /// Those that were read, and all.
    pub windows: Option<(u64, u64)>,
    /// In the order in which they are shown.
    pub facts: Vec<Fact>,
}

/// A part of a bar, left out where there is no room for it.
#[derive(Clone, Debug)]
pub struct Fact {
    pub text: String,
    /// What has a higher number is left out first.
    pub rank: u8,
}

/// The bars of all streams, in the order in which they began, and what of them is on the screen.
#[derive(Default)]
pub struct Bars {
    shown: Vec<Bar>,
    /// The columns of each line on the screen.
    drawn: Vec<usize>,
    drawn_at: Option<Instant>,
    frame: usize,
}

impl Bars {
    /// Adds the bar of a stream, or replaces it.
    pub fn set(&mut self, bar: Bar) {
        match self
            .shown
            .iter_mut()
            .find(|known| known.stream == bar.stream)
        {
            Some(known) => *known = bar,
            None => self.shown.push(bar),
        }
    }

    pub fn remove(&mut self, stream: &str) {
        self.shown.retain(|bar| bar.stream != stream);
    }

    pub fn clear(&mut self) {
        self.shown.clear();
    }

    /// Whether it is time to draw.
    pub fn is_due(&self) -> bool {
        self.drawn_at.is_none_or(|at| at.elapsed() >= MIN_BETWEEN)
    }

    /// What removes the bars, writes lines that stay, and draws the bars below them.
    pub fn drawing(&mut self, above: &str, size: ScreenSize, has_colours: bool) -> String {
        let mut drawing = self.removal(size.columns);
        drawing.push_str(above);
        let lines = self.lines(size, has_colours);
        for (line, _) in &lines {
            drawing.push_str(line);
            drawing.push('\n');
        }
        self.drawn = lines.into_iter().map(|(_, columns)| columns).collect();
        self.drawn_at = Some(Instant::now());
        self.frame += 1;
        drawing
    }

    /// What moves the cursor to the first bar and erases from there on.
    fn removal(&mut self, columns: usize) -> String {
        let rows: usize = std::mem::take(&mut self.drawn)
            .into_iter()
            .map(|line| line.div_ceil(columns.max(1)).max(1))
            .sum();
        match rows {
            0 => String::new(),
            rows => format!("\r\u{1b}[{rows}A\u{1b}[J"),
        }
    }

    /// Each line, and the columns that it takes: never all, since some terminals then begin another row.
    fn lines(&self, size: ScreenSize, has_colours: bool) -> Vec<(String, usize)> {
        let (columns, most) = (size.columns.saturating_sub(1), size.rows.saturating_sub(2));
        let count = if self.shown.len() > most {
            most.saturating_sub(1)
        } else {
            self.shown.len()
        };
        let names = self.shown.iter().map(|bar| bar.stream.len());
        let layout = Layout {
            columns,
            name_columns: names.max().unwrap_or_default(),
            spinner: SPINNER[self.frame % SPINNER.len()],
            has_colours,
        };
        let mut lines: Vec<_> = self.shown[..count]
            .iter()
            .map(|bar| layout.line(bar))
            .collect();
        let hidden = self.shown.len() - count;
        if hidden > 0 {
            lines.push(cut(&format!("… and {hidden} more"), columns));
        }
        lines
    }
}

/// How all bars of a drawing are laid out.
struct Layout {
    columns: usize,
    name_columns: usize,
    spinner: &'static str,
    has_colours: bool,
}

impl Layout {
    fn line(&self, bar: &Bar) -> (String, usize) {
        let name = format!("{:<width$}", bar.stream, width = self.name_columns);
        let mut line = format!("{} {name}", self.spinner);
        let mut codes = 0;
        if let Some((done, all)) = bar.windows {
            if self.columns >= MIN_FOR_GAUGE {
                let (gauge, invisible) = self.gauge(done, all);
                let _ = write!(line, "  {gauge}");
                codes += invisible;
            }
            let unit = if all == 1 { "window" } else { "windows" };
            let _ = write!(line, "  {done}/{all} {unit}");
        }
        let columns = columns_of(&line) - codes;
        if columns > self.columns {
            return cut(&format!("{} {}", self.spinner, bar.stream), self.columns);
        }
        let room = self.columns.saturating_sub(columns + 2);
        let facts = fitting(&bar.facts, room);
        if facts.is_empty() {
            return (line, columns);
        }
        let all = columns + 2 + width_of(&facts);
        (format!("{line}  {facts}"), all)
    }

    /// A gauge of windows, and how many characters of it are codes for colours.
    fn gauge(&self, done: u64, all: u64) -> (String, usize) {
        let halves = 2 * GAUGE_COLUMNS as u64 * done / all.max(1);
        let full = usize::try_from(halves / 2).unwrap_or(GAUGE_COLUMNS);
        let half = usize::from(halves % 2 == 1);
        let bar = format!("{}{}", "━".repeat(full), "╸".repeat(half));
        let rest = GAUGE_COLUMNS - full - half;
        if !self.has_colours {
            return (format!("{bar}{}", " ".repeat(rest)), 0);
        }
        let rest = "━".repeat(rest);
        let gauge = format!("\u{1b}[36m{bar}\u{1b}[90m{rest}\u{1b}[0m");
        let codes = columns_of(&gauge) - GAUGE_COLUMNS;
        (gauge, codes)
    }
}

/// One column for each character: bars hold nothing wider.
fn columns_of(text: &str) -> usize {
    text.chars().count()
}

/// The facts that fit into this many columns, the most important ones first taken, in their order.
fn fitting(facts: &[Fact], columns: usize) -> String {
    let mut by_rank: Vec<usize> = (0..facts.len()).collect();
    by_rank.sort_by_key(|index| facts[*index].rank);
    let mut taken = vec![false; facts.len()];
    let text = |taken: &[bool]| {
        let of_taken = facts.iter().zip(taken).filter(|(_, is_taken)| **is_taken);
        let texts: Vec<_> = of_taken.map(|(fact, _)| fact.text.as_str()).collect();
        texts.join(", ")
    };
    for index in by_rank {
        taken[index] = true;
        if width_of(&text(&taken)) > columns {
            taken[index] = false;
            break;
        }
    }
    text(&taken)
}

fn cut(text: &str, columns: usize) -> (String, usize) {
    let cut: String = text.chars().take(columns).collect();
    let taken = columns_of(&cut);
    (cut, taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NARROW: ScreenSize = ScreenSize {
        columns: 60,
        rows: 20,
    };

    fn bar(stream: &'static str) -> Bar {
        let fact = |text: &str, rank| Fact {
            text: text.to_owned(),
            rank,
        };
        Bar {
            stream,
            windows: Some((2, 7)),
            facts: vec![
                fact("waiting for the rate limit", 2),
                fact("about 30 s left", 0),
                fact("5,832 records", 1),
                fact("1.3 MB/s", 3),
            ],
        }
    }

    fn lines(columns: usize, rows: usize) -> Vec<String> {
        let mut bars = Bars::default();
        for stream in ["conversations", "messages", "tags"] {
            bars.set(bar(stream));
        }
        let drawing = bars.drawing("", ScreenSize { columns, rows }, false);
        drawing.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_bar_leaves_out_whole_facts_where_there_is_no_room() {
        for (columns, expected) in [
            (
                130,
                "⠋ conversations  ━━╸         2/7 windows  waiting for the rate limit, about 30 s left, 5,832 records, 1.3 MB/s",
            ),
            (
                110,
                "⠋ conversations  ━━╸         2/7 windows  waiting for the rate limit, about 30 s left, 5,832 records",
            ),
            (
                80,
                "⠋ conversations  2/7 windows  about 30 s left, 5,832 records",
            ),
            (60, "⠋ conversations  2/7 windows  about 30 s left"),
            (40, "⠋ conversations  2/7 windows"),
            (20, "⠋ conversations"),
            (10, "⠋ convers"),
        ] {
            assert_eq!(lines(columns, 20)[0], expected, "{columns}");
        }
        for columns in 0..140 {
            for line in lines(columns, 20) {
                assert!(columns_of(&line) < columns.max(1), "{columns}: {line}");
            }
        }
    }

    #[test]
    fn colours_take_no_columns() {
        let mut bars = Bars::default();
        bars.set(bar("conversations"));
        let plain = bars.lines(NARROW, false);
        assert_eq!(bars.lines(NARROW, true), plain);
        let wide = ScreenSize {
            columns: 110,
            rows: 20,
        };
        let (plain, coloured) = (bars.lines(wide, false), bars.lines(wide, true));
        assert_eq!(plain[0].1, coloured[0].1);
        assert!(
            coloured[0]
                .0
                .contains("\u{1b}[36m━━╸\u{1b}[90m━━━━━━━\u{1b}[0m")
        );
    }

    #[test]
    fn more_bars_than_rows_are_counted() {
        assert_eq!(
            lines(60, 4),
            [
                "⠋ conversations  2/7 windows  about 30 s left",
                "… and 2 more"
            ]
        );
        assert_eq!(lines(60, 5).len(), 3);
    }

    /// The second line of 46 columns takes two rows of 30 columns, after it was drawn on a wider screen.
    #[test]
    fn bars_that_a_narrower_terminal_has_wrapped_are_removed_with_all_their_rows() {
        let mut bars = Bars::default();
        bars.set(bar("conversations"));
        bars.set(bar("tags"));
        assert!(!bars.drawing("", NARROW, false).contains('\u{1b}'));
        let again = bars.drawing("a line\n", NARROW, false);
        assert!(
            again.starts_with("\r\u{1b}[2A\u{1b}[Ja line\n"),
            "{again:?}"
        );
        let size = ScreenSize {
            columns: 30,
            rows: 20,
        };
        let narrower = bars.drawing("", size, false);
        assert!(narrower.starts_with("\r\u{1b}[4A\u{1b}[J"), "{narrower:?}");
        bars.remove("conversations");
        bars.remove("tags");
        assert_eq!(bars.drawing("", size, false), "\r\u{1b}[2A\u{1b}[J");
        assert_eq!(bars.drawing("", size, false), "");
    }
}
