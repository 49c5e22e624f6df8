//! JSON as text: objects written token by token, and one token replaced without touching the others.

use fastrand::Rng;
use serde_json::value::RawValue;

/// An object under construction. Values are raw tokens, so that every digit and escape can be chosen.
pub struct Object(String);

impl Object {
    pub fn new() -> Self {
        Self("{".to_owned())
    }

    pub fn raw(&mut self, name: &str, token: &str) -> &mut Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
        self.0.push_str(token);
        self
    }

    pub fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.raw(name, &quoted(value))
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

    pub fn finish(&self) -> String {
        format!("{}}}", self.0)
    }
}

/// A string token.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// An array token made of complete tokens.
pub fn array(tokens: &[String]) -> String {
    format!("[{}]", tokens.join(","))
}

/// A string token with a random UUID.
pub fn uuid(random: &mut Rng) -> String {
    let (high, low) = (random.u64(..), random.u64(..));
    format!(
        "\"{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}\"",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    )
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
