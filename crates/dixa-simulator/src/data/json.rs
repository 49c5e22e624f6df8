//! JSON as text: objects written token by token, and one token replaced without touching the others.

use fastrand::Rng;
use serde_json::value::RawValue;

/// An object under construction. Values are raw tokens, so that every digit and escape can be chosen.
pub struct Object(String);

impl Object {
    pub fn new() -> Self {
        Self::with_capacity(512)
    }

    /// For an object of about this many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        let mut text = String::with_capacity(bytes);
        text.push('{');
        Self(text)
    }

    pub fn raw(&mut self, name: &str, token: &str) -> &mut Self {
        self.name(name);
        self.0.push_str(token);
        self
    }

    pub fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.name(name);
        push_quoted(&mut self.0, value);
        self
    }

    pub fn number(&mut self, name: &str, value: i64) -> &mut Self {
        self.raw(name, &value.to_string())
    }

    pub fn nulls(&mut self, names: &[&str]) -> &mut Self {
        for name in names {
            self.raw(name, "null");
        }
        self
    }

    /// Leaves nothing behind.
    pub fn finish(&mut self) -> String {
        self.0.push('}');
        std::mem::take(&mut self.0)
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }
}

/// A string token.
pub fn quoted(text: &str) -> String {
    let mut token = String::with_capacity(text.len() + 2);
    push_quoted(&mut token, text);
    token
}

fn push_quoted(token: &mut String, text: &str) {
    if text
        .bytes()
        .any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\'))
    {
        token.push_str(&serde_json::Value::from(text).to_string());
    } else {
        token.push('"');
        token.push_str(text);
        token.push('"');
    }
}

/// A number, or null.
pub fn or_null(number: Option<i64>) -> String {
    number.map_or_else(|| "null".to_owned(), |number| number.to_string())
}

/// An array token made of complete tokens.
pub fn array(tokens: &[String]) -> String {
    format!("[{}]", tokens.join(","))
}

/// A string token with a random UUID.
pub fn uuid(random: &mut Rng) -> String {
    let (high, low) = (random.u64(..), random.u64(..));
    let groups = [
        (high >> 32, 8),
        (high >> 16 & 0xffff, 4),
        (high & 0xfff | 0x4000, 4),
        (low >> 48 & 0x3fff | 0x8000, 4),
        (low & 0xffff_ffff_ffff, 12),
    ];
    let mut token = String::with_capacity(38);
    for (number, digits) in groups {
        token.push(if token.is_empty() { '"' } else { '-' });
        for digit in (0..digits).rev() {
            let digit = number >> (4 * digit) & 0xf;
            token.push(char::from(
                b"0123456789abcdef"[usize::try_from(digit).unwrap_or(0)],
            ));
        }
    }
    token.push('"');
    token
}

/// One of these, all equally likely.
pub fn one_of<'a>(random: &mut Rng, choices: &[&'a str]) -> &'a str {
    choices[random.usize(..choices.len())]
}

/// The object with another value for its first member of this name; unchanged if there is none.
pub fn replace_member(json: &str, name: &str, token: &str) -> String {
    let label = format!("\"{name}\":");
    let Some(start) = json.find(&label).map(|offset| offset + label.len()) else {
        return json.to_owned();
    };
    let mut tokens = serde_json::Deserializer::from_str(&json[start..]).into_iter::<&RawValue>();
    let old = tokens
        .next()
        .and_then(Result::ok)
        .map_or(0, |old| old.get().len());
    format!("{}{token}{}", &json[..start], &json[start + old..])
}
