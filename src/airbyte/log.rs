//! Log levels, how flags and `LOG_LEVEL` select one, and how untrusted text is escaped for people to read.

use std::borrow::Cow;

use serde::Serialize;

/// The level of a LOG message (docs/airbyte-protocol.md 1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl Level {
    /// The level that `--quiet`, `--debug` or the value of `LOG_LEVEL` selects, in this order; INFO by default.
    pub fn from_flags(debug: bool, quiet: bool, log_level: Option<&str>) -> Self {
        match log_level.map(str::to_lowercase).as_deref() {
            _ if quiet => Self::Warn,
            _ if debug => Self::Debug,
            Some("debug" | "trace") => Self::Debug,
            Some("warn" | "warning") => Self::Warn,
            Some("error" | "fatal") => Self::Error,
            _ => Self::Info,
        }
    }
}

/// Escapes control and bidirectional characters as Rust strings do, so that the text is a single line and cannot control a
/// terminal.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let escape = |character: char| match character {
        '\n' | '\r' | '\t' => character.escape_debug().to_string(),
        _ if is_hidden(character) => character.escape_unicode().to_string(),
        _ => character.to_string(),
    };
    text.chars().map(escape).collect()
}

fn is_hidden(character: char) -> bool {
    let is_bidirectional = matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    is_bidirectional || character.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_bidirectional_characters_are_escaped_and_nothing_else() {
        for (text, expected) in [
            (
                "Dixa’s ÆØÅ 日本 👩‍👩‍👧 עברית \\ \"",
                "Dixa’s ÆØÅ 日本 👩‍👩‍👧 עברית \\ \"",
            ),
            ("\u{1b}[2J", r"\u{1b}[2J"),
            ("a\nerror: b\r\t", r"a\nerror: b\r\t"),
            ("\u{9b}31m\u{7f}\0", r"\u{9b}31m\u{7f}\u{0}"),
            (
                "\u{202e}rtl\u{2066}\u{200f}",
                r"\u{202e}rtl\u{2066}\u{200f}",
            ),
            ("two\u{2028}lines", r"two\u{2028}lines"),
        ] {
            assert_eq!(escaped(text), expected);
        }
    }
}
