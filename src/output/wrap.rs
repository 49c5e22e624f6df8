//! Wraps text at words, for a terminal that would break it within them.

use unicode_width::UnicodeWidthStr;

/// The columns that a text takes. It must not hold control characters.
pub fn width_of(text: &str) -> usize {
    text.width()
}

/// The text with a line break in place of the blank before each word that does not fit. A word longer than a line stays whole,
/// so that it can be copied.
pub fn wrapped(text: &str, columns: usize) -> String {
    let lines = text.split('\n').map(|line| wrapped_line(line, columns));
    lines.collect::<Vec<_>>().join("\n")
}

fn wrapped_line(line: &str, columns: usize) -> String {
    if width_of(line) <= columns {
        return line.to_owned();
    }
    let mut wrapped = String::new();
    let mut column = 0;
    for (number, word) in line.split(' ').enumerate() {
        let width = width_of(word);
        if number > 0 && column + 1 + width <= columns {
            wrapped.push(' ');
            column += 1;
        } else if number > 0 {
            wrapped.push('\n');
            column = 0;
        }
        wrapped.push_str(word);
        column += width;
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_never_within_one() {
        for (text, columns, expected) in [
            ("one two three", 80, "one two three"),
            ("one two three", 13, "one two three"),
            ("one two three", 12, "one two\nthree"),
            ("one two three", 7, "one two\nthree"),
            (
                "a https://example.com/long b",
                10,
                "a\nhttps://example.com/long\nb",
            ),
            ("one two\nthree four", 8, "one two\nthree\nfour"),
            ("日本 日本", 5, "日本\n日本"),
            ("", 5, ""),
        ] {
            assert_eq!(wrapped(text, columns), expected, "{columns}");
        }
    }
}
