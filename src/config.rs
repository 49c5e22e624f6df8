//! What the user set, validated against `spec.json` and converted once into a type that cannot be wrong.

use std::time::Duration;

use jsonschema::error::ValidationErrorKind;
use reqwest::Url;
use serde_json::{Map, Value};

use crate::dixa::client::Settings;
use crate::dixa::token::Token;
use crate::dixa::transport::is_loopback;
use crate::epoch::EpochMs;
use crate::failure::Failure;

/// The connector's specification, as `spec` prints it.
pub const SPEC: &str = include_str!("../spec.json");

/// A valid config.
#[derive(Clone, Debug)]
pub struct Config {
    pub settings: Settings,
    pub start_date: EpochMs,
    /// After `start_date`.
    pub end_date: Option<EpochMs>,
    /// From 1 to 31.
    pub window_days: u32,
    pub lookback: Duration,
    /// Keys of the config file that mean nothing to us.
    pub unknown_keys: Vec<String>,
}

/// The specification as JSON.
pub fn spec() -> Value {
    serde_json::from_str(SPEC).unwrap_or_else(|_| unreachable!("a test parses it"))
}

impl Config {
    /// Reads the text of a config file. Texts are trimmed; a key that is null or blank counts as not
    /// given, but for the token.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let config: Value = serde_json::from_str(text).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            Failure::config(format!(
                "The config is not JSON: it cannot be read at {place}."
            ))
        })?;
        let Value::Object(mut config) = config else {
            return Err(Failure::config(
                "The config must be a JSON object that holds at least `api_token`.",
            ));
        };
        for value in config.values_mut() {
            if let Value::String(text) = value {
                *text = text.trim().to_owned();
            }
        }
        config.retain(|key, value| !value.is_null() && (key == "api_token" || *value != ""));
        let mut spec = spec();
        let schema = spec["connectionSpecification"].take();
        validate(&schema, &config)?;
        let unknown_keys = apply_defaults(&schema, &mut config);
        Self::convert(&config, unknown_keys)
    }

    /// From a config that the specification allows, with every default in place.
    fn convert(config: &Map<String, Value>, unknown_keys: Vec<String>) -> Result<Self, Failure> {
        let start_date = date(config, "start_date")?;
        let end_date = config
            .contains_key("end_date")
            .then(|| date(config, "end_date"))
            .transpose()?;
        if end_date.is_some_and(|end_date| end_date <= start_date) {
            return Err(invalid("`end_date` must be later than `start_date`"));
        }
        let window_days = number(config, "window_days");
        Ok(Self {
            settings: Settings {
                token: token(text(config, "api_token"))?,
                exports_base_url: base_url(config, "exports_base_url")?,
                api_base_url: base_url(config, "api_base_url")?,
                exports_requests_per_minute: number(config, "exports_requests_per_minute"),
                api_requests_per_second: number(config, "api_requests_per_second"),
            },
            start_date,
            end_date,
            window_days: u32::try_from(window_days)
                .unwrap_or_else(|_| unreachable!("the specification has a maximum")),
            lookback: Duration::from_secs(60 * number(config, "lookback_minutes")),
            unknown_keys,
        })
    }
}

fn invalid(what: &str) -> Failure {
    Failure::config(format!("The config is not valid: {what}."))
}

/// Tells every key that breaks its rule, and the rule, in our own words: the validator's text would print the value, and
/// the value may be the token.
fn validate(schema: &Value, config: &Map<String, Value>) -> Result<(), Failure> {
    let validator = jsonschema::validator_for(schema).map_err(|_| {
        Failure::system("The specification of the config is broken; please report it.")
    })?;
    let config = Value::Object(config.clone());
    let mut faults: Vec<String> = Vec::new();
    for error in validator.iter_errors(&config) {
        let key = match error.kind() {
            ValidationErrorKind::Required { property } => {
                property.as_str().unwrap_or_default().to_owned()
            }
            _ => error
                .instance_path()
                .as_str()
                .trim_start_matches('/')
                .to_owned(),
        };
        let fault = match error.kind() {
            ValidationErrorKind::Required { .. } => format!("`{key}` is missing"),
            _ => format!("`{key}` must be {}", allowed(&schema["properties"][&key])),
        };
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(invalid(&faults.join("; ")))
    }
}

/// What a property may be, from its schema.
fn allowed(property: &Value) -> String {
    let number = |keyword: &str| property[keyword].as_i64();
    match (
        property["type"].as_str(),
        number("minimum"),
        number("maximum"),
    ) {
        (Some("integer"), Some(least), Some(most)) => {
            format!("a whole number from {least} to {most}")
        }
        (Some("integer"), Some(least), None) => format!("a whole number of at least {least}"),
        _ if property["pattern_descriptor"].is_string() => {
            format!(
                "a date or a UTC date and time: {}",
                property["pattern_descriptor"].as_str().unwrap_or_default()
            )
        }
        _ if property["minLength"].is_number() => "a text that is not blank".to_owned(),
        _ => "a text".to_owned(),
    }
}

/// Sets what is not given to its default; names the keys that the specification does not know.
fn apply_defaults(schema: &Value, config: &mut Map<String, Value>) -> Vec<String> {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let unknown = config
        .keys()
        .filter(|key| schema["properties"].get(key).is_none())
        .cloned()
        .collect();
    for (key, property) in properties {
        if let Some(default) = property.get("default") {
            config.entry(key.clone()).or_insert_with(|| default.clone());
        }
    }
    unknown
}

fn text<'a>(config: &'a Map<String, Value>, key: &str) -> &'a str {
    config[key]
        .as_str()
        .unwrap_or_else(|| unreachable!("the specification wants a text"))
}

/// A whole number that may be written as `30.0`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the specification wants it whole and positive"
)]
fn number(config: &Map<String, Value>, key: &str) -> u64 {
    let number = &config[key];
    number
        .as_u64()
        .or_else(|| number.as_f64().map(|number| number as u64))
        .unwrap_or_else(|| unreachable!("it is a number"))
}

fn date(config: &Map<String, Value>, key: &str) -> Result<EpochMs, Failure> {
    EpochMs::parse(text(config, key))
        .ok_or_else(|| invalid(&format!("`{key}` is no day of the calendar")))
}

fn token(text: &str) -> Result<Token, Failure> {
    if text.split_whitespace().count() > 1 {
        return Err(invalid(
            "`api_token` must be the token alone, one word without `Bearer` or anything else before it",
        ));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid(
            "`api_token` holds characters that no token has; copy it once more from Dixa",
        ));
    }
    Ok(Token::new(text))
}

fn base_url(config: &Map<String, Value>, key: &str) -> Result<Url, Failure> {
    let allowed = || {
        invalid(&format!(
            "`{key}` must be a URL like https://exports.dixa.io, without /v1, without a user or a query"
        ))
    };
    let url = Url::parse(text(config, key)).map_err(|_| allowed())?;
    let is_bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !matches!(url.scheme(), "https" | "http")
        || !is_bare
        || url.path().split('/').any(|part| part == "v1")
    {
        return Err(allowed());
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(invalid(&format!(
            "`{key}` must begin with https://: plain http, which shows the token, is allowed to this machine only"
        )));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(config: &str) -> String {
        Config::parse(config).unwrap_err().message
    }

    #[test]
    fn a_token_is_enough() {
        let config = Config::parse(r#"{"api_token": " secret-token\n"}"#).unwrap();
        assert_eq!(config.start_date.to_string(), "2015-01-01T00:00:00Z");
        assert_eq!(config.end_date, None);
        assert_eq!(config.window_days, 30);
        assert_eq!(config.lookback, Duration::from_secs(3600));
        assert_eq!(config.settings.exports_requests_per_minute, 10);
        assert_eq!(config.settings.api_requests_per_second, 10);
        assert_eq!(
            config.settings.exports_base_url.as_str(),
            "https://exports.dixa.io/"
        );
        assert_eq!(
            config.settings.api_base_url.as_str(),
            "https://dev.dixa.io/"
        );
    }

    #[test]
    fn every_key_can_be_set() {
        let config = Config::parse(
            r#"{"api_token":"t","start_date":"2024-01-02T03:04:05Z","end_date":"2025-01-01","window_days":31.0,"lookback_minutes":0,
                "exports_requests_per_minute":20,"api_requests_per_second":1,"exports_base_url":"http://127.0.0.1:8080/",
                "api_base_url":"http://localhost:8080","batch_size":3,"unset":null}"#,
        )
        .unwrap();
        assert_eq!(config.start_date.to_string(), "2024-01-02T03:04:05Z");
        assert_eq!(config.end_date.unwrap().to_string(), "2025-01-01T00:00:00Z");
        assert_eq!((config.window_days, config.lookback), (31, Duration::ZERO));
        assert_eq!(config.unknown_keys, ["batch_size"]);
    }

    #[test]
    fn what_breaks_a_rule_is_told_by_key_and_rule() {
        let cases = [
            "[]",
            "{",
            "{}",
            r#"{"api_token":null}"#,
            r#"{"api_token":"  "}"#,
            r#"{"api_token":["secret"]}"#,
            r#"{"api_token":"Bearer secret"}"#,
            r#"{"api_token":"s","start_date":"01/02/2024"}"#,
            r#"{"api_token":"s","start_date":"2023-02-30"}"#,
            r#"{"api_token":"s","start_date":"2024-01-01T00:00:00+02:00"}"#,
            r#"{"api_token":"s","end_date":20240101}"#,
            r#"{"api_token":"s","start_date":"2024-01-01","end_date":"2024-01-01"}"#,
            r#"{"api_token":"s","window_days":32}"#,
            r#"{"api_token":"s","window_days":"30"}"#,
            r#"{"api_token":"s","window_days":1.5}"#,
            r#"{"api_token":"s","lookback_minutes":-1,"window_days":0}"#,
            r#"{"api_token":"s","exports_requests_per_minute":0}"#,
            r#"{"api_token":"s","api_requests_per_second":0}"#,
            r#"{"api_token":"s","exports_base_url":"ftp://exports.dixa.io"}"#,
            r#"{"api_token":"s","exports_base_url":"exports.dixa.io"}"#,
            r#"{"api_token":"s","api_base_url":"https://dev.dixa.io/v1/"}"#,
            r#"{"api_token":"s","api_base_url":"http://dev.dixa.io"}"#,
        ];
        let told: Vec<_> = cases
            .iter()
            .map(|config| format!("{config}\n    {}", message(config)))
            .collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn no_message_holds_the_token() {
        for config in [
            r#"{"api_token":["hush-hush-1"]}"#,
            r#"{"api_token":{"hush-hush-1":1}}"#,
            r#"{"api_token":"hush-hush-1 x"}"#,
            r#"{"api_token":"hush-hush-1é"}"#,
            r#"{"api_token":"hush-hush-1","window_days":"hush-hush-1"}"#,
            r#"{"api_token":"hush-hush-1","exports_base_url":"https://hush-hush-1@exports.dixa.io"}"#,
            r#"{"api_token":"hush-hush-1""#,
            r#""hush-hush-1""#,
        ] {
            let failure = Config::parse(config).unwrap_err();
            assert!(!format!("{failure:?}").contains("hush-hush-1"), "{config}");
        }
        let config = Config::parse(r#"{"api_token":"hush-hush-1"}"#).unwrap();
        assert!(!format!("{config:?}").contains("hush-hush-1"));
    }
}
