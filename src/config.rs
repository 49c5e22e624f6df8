//! The config: validated against `spec.json` and converted once into a type whose values are always valid.

pub mod description;
pub mod tap;

use std::time::Duration;

use jsonschema::error::ValidationErrorKind;
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::dixa::client::Settings;
use crate::dixa::token::Token;
use crate::dixa::transport::is_loopback;
use crate::epoch::EpochMs;
use crate::failure::Failure;
use crate::nearest::nearest;
use crate::window::windows;

/// A `start_date` may be this far ahead: a date may have been typed east of UTC.
const MAX_AHEAD: Duration = Duration::from_secs(24 * 60 * 60);

/// The environment variable for the API token, if the config has none.
pub const TOKEN_VARIABLE: &str = "DIXA_API_TOKEN";

/// What other connectors for Dixa, and users, call our keys (docs/dixa-migrations.md).
const KNOWN_AS: [(&str, &str); 14] = [
    ("batch_size", "window_days"),
    ("interval", "window_days"),
    ("access_token", "api_token"),
    ("api_key", "api_token"),
    ("apikey", "api_token"),
    ("bearer_token", "api_token"),
    ("key", "api_token"),
    ("secret", "api_token"),
    ("token", "api_token"),
    ("lookback_window", "lookback_minutes"),
    ("lookback_days", "lookback_minutes"),
    ("since", "start_date"),
    ("until", "end_date"),
    ("base_url", "api_base_url"),
];

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
    /// Whether milliseconds become date-times, and one text becomes a list where others have one.
    pub typed_values: bool,
    /// As a Singer tap: full tables carry a version, and a target then removes rows that are gone.
    pub activates_versions: bool,
    /// Keys of the config file that the specification does not know.
    pub unknown_keys: Vec<String>,
}

/// The specification as JSON.
pub fn spec() -> Value {
    serde_json::from_str(SPEC).unwrap_or_else(|_| unreachable!("a test parses it"))
}

impl Config {
    /// Parses a config file. Strings are trimmed; a key other than the token that is null or empty counts as missing.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let config: Value =
            serde_json::from_str(text).map_err(|error| Failure::not_json("config", &error))?;
        let Value::Object(mut config) = config else {
            return Err(Failure::config(
                "The config must be a JSON object with at least the key `api_token`.",
            ));
        };
        config.values_mut().for_each(normalize);
        config.retain(|key, value| !value.is_null() && (key == "api_token" || *value != ""));
        let mut spec = spec();
        let schema = spec["connectionSpecification"].take();
        validate(&schema, &config)?;
        let unknown_keys = apply_defaults(&schema, &mut config);
        let given = serde_json::from_value(Value::Object(config)).map_err(|_| {
            Failure::system(
                "The specification allows a config that cannot be read; please report it.",
            )
        })?;
        Self::convert(given, unknown_keys)
    }

    /// Refuses a `start_date` more than a day in the future: a date may have been typed east of UTC.
    pub fn refuse_future(&self, now: EpochMs) -> Result<(), Failure> {
        if self.start_date <= now.plus(MAX_AHEAD) {
            return Ok(());
        }
        Err(invalid(&format!(
            "`start_date`, {}, is in the future, so nothing would be read (this machine's clock says {now})",
            self.start_date
        )))
    }

    /// The warning if `start_date` is in the future.
    pub fn start_date_warning(&self, now: EpochMs) -> Option<String> {
        let start_date = self.start_date;
        (start_date >= now).then(|| {
            format!(
                "`start_date`, {start_date}, is in the future (it is {now}): incremental streams read nothing, and save no new position."
            )
        })
    }

    /// The cost of a first read of an export stream: requests, and minutes at the rate limit.
    pub fn first_read_cost(&self, now: EpochMs) -> (u64, u64) {
        let horizon = self.end_date.map_or(now, |end_date| end_date.min(now));
        let windows = windows(self.start_date.max(EpochMs(0)), horizon, self.window_days);
        let requests = windows.count() as u64;
        let minutes = requests.div_ceil(self.settings.exports_requests_per_minute);
        (requests, minutes)
    }

    /// From a config that the specification allows, with every default in place.
    fn convert(given: GivenConfig, unknown_keys: Vec<String>) -> Result<Self, Failure> {
        let start_date = date("start_date", &given.start_date)?;
        let end_date = given.end_date.map(|text| date("end_date", &text));
        let end_date = end_date.transpose()?;
        if end_date.is_some_and(|end_date| end_date <= start_date) {
            return Err(invalid("`end_date` must be later than `start_date`"));
        }
        Ok(Self {
            settings: Settings {
                token: token(&given.api_token)?,
                exports_base_url: base_url("exports_base_url", &given.exports_base_url)?,
                api_base_url: base_url("api_base_url", &given.api_base_url)?,
                exports_requests_per_minute: given.exports_requests_per_minute,
                api_requests_per_second: given.api_requests_per_second,
            },
            start_date,
            end_date,
            window_days: given.window_days,
            lookback: Duration::from_secs(60 * given.lookback_minutes),
            typed_values: given.typed_values,
            activates_versions: false,
            unknown_keys,
        })
    }
}

/// The keys of a config file, as the specification allows them.
#[derive(Deserialize)]
struct GivenConfig {
    api_token: String,
    start_date: String,
    end_date: Option<String>,
    window_days: u32,
    lookback_minutes: u64,
    typed_values: bool,
    exports_requests_per_minute: u64,
    api_requests_per_second: u64,
    exports_base_url: String,
    api_base_url: String,
}

/// Trims texts, and turns `30.0` into a whole number.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the cast is compared with the number"
)]
fn normalize(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.trim().to_owned(),
        Value::Number(number) if !number.is_i64() => {
            let whole = number.as_f64().map(|number| (number, number as i64));
            #[expect(clippy::cast_precision_loss, reason = "the same")]
            if let Some((float, whole)) = whole
                && (whole as f64 - float).abs() < f64::EPSILON
            {
                *value = whole.into();
            }
        }
        _ => {}
    }
}

fn invalid(what: &str) -> Failure {
    Failure::config(format!("The config is not valid: {what}."))
}

/// Names every invalid key and its rule, in our own words: the validator's message would print the value, which may be the token.
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
            ValidationErrorKind::Required { .. } => missing(&key, schema, &config),
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

/// What to say of a missing key: whether another one was meant by it, and where else the token may be.
fn missing(key: &str, schema: &Value, config: &Value) -> String {
    let given = config.as_object().into_iter().flatten();
    let mut unknown = given.filter(|(key, _)| schema["properties"].get(key.as_str()).is_none());
    let nested = |value: &Value| value.get(key).is_some();
    let meant = unknown.find_map(|(other, value)| {
        if key_meant_by(other).as_deref() == Some(key) {
            Some(format!("rename `{other}` to `{key}`"))
        } else {
            nested(value).then(|| format!("it is inside `{other}`, and must be at the top level"))
        }
    });
    match meant {
        Some(hint) => format!("`{key}` is missing; {hint}"),
        None => format!(
            "`{key}` is missing, and the environment variable {TOKEN_VARIABLE} is not set either"
        ),
    }
}

/// An unknown key for a message, with the known one that may be meant.
pub fn known_instead(key: &str) -> String {
    match key_meant_by(key) {
        Some(known) => format!("`{key}` (did you mean `{known}`?)"),
        None => format!("`{key}`"),
    }
}

/// The key of the specification that an unknown one means.
fn key_meant_by(key: &str) -> Option<String> {
    let named = key.to_ascii_lowercase().replace(['-', ' '], "_");
    if let Some((_, known)) = KNOWN_AS.iter().find(|(other, _)| *other == named) {
        return Some((*known).to_owned());
    }
    let spec = spec();
    let known = spec["connectionSpecification"]["properties"].as_object()?;
    nearest(key, known.keys().map(String::as_str)).map(str::to_owned)
}

/// What a property must be, from its schema.
fn allowed(property: &Value) -> String {
    let number = |keyword: &str| property[keyword].as_i64();
    match (
        property["type"].as_str(),
        number("minimum"),
        number("maximum"),
    ) {
        (Some("integer"), Some(least), Some(most)) => {
            format!("an integer from {least} to {most}")
        }
        (Some("integer"), Some(least), None) => format!("an integer of at least {least}"),
        _ if property["pattern_descriptor"].is_string() => {
            format!(
                "a date or a UTC date and time: {}",
                property["pattern_descriptor"].as_str().unwrap_or_default()
            )
        }
        (Some("boolean"), ..) => "true or false".to_owned(),
        _ if property["minLength"].is_number() => "text in double quotes, and not empty".to_owned(),
        _ => "text in double quotes".to_owned(),
    }
}

/// Adds the defaults of missing keys; returns the keys that the specification does not know.
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

fn date(key: &str, text: &str) -> Result<EpochMs, Failure> {
    EpochMs::parse(text).ok_or_else(|| invalid(&format!("`{key}` is not a valid date")))
}

fn token(text: &str) -> Result<Token, Failure> {
    if text.split_whitespace().count() > 1 {
        return Err(invalid(
            "`api_token` must be the token alone, without spaces or `Bearer`",
        ));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid(
            "`api_token` contains characters that never occur in a token; copy it from Dixa again",
        ));
    }
    Ok(Token::new(text))
}

fn base_url(key: &str, text: &str) -> Result<Url, Failure> {
    let example = spec()["connectionSpecification"]["properties"][key]["default"].take();
    let example = example.as_str().unwrap_or_default().to_owned();
    let allowed = || {
        invalid(&format!(
            "`{key}` must be a URL like {example}, without /v1, a user or a query"
        ))
    };
    let url = Url::parse(text).map_err(|_| allowed())?;
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
            "`{key}` must begin with https://. Plain http would expose the token, and is allowed only for this machine"
        )));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(config: &str) -> String {
        Config::parse(config).unwrap_err().text()
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
    fn an_invalid_config_names_each_key_and_its_rule() {
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
        let messages: Vec<_> = cases
            .iter()
            .map(|config| format!("{config}\n    {}", message(config)))
            .collect();
        insta::assert_snapshot!(messages.join("\n"));
    }

    #[test]
    fn a_start_date_more_than_a_day_in_the_future_is_refused() {
        let now = EpochMs::parse("2025-06-01T12:00:00Z").unwrap();
        let parse = |date: &str| {
            Config::parse(&format!(r#"{{"api_token":"s","start_date":"{date}"}}"#)).unwrap()
        };
        for (date, is_unusual, is_ahead) in [
            ("2025-06-01", false, false),
            ("2025-06-01T11:59:59Z", false, false),
            ("2025-06-02", false, true),
            ("2025-06-02T12:00:00Z", false, true),
            ("2025-06-02T12:00:01Z", true, true),
            ("2062-01-01", true, true),
        ] {
            let config = parse(date);
            let refused = config.refuse_future(now);
            assert_eq!(refused.is_err(), is_unusual, "{date}");
            assert!(
                refused
                    .err()
                    .is_none_or(|failure| failure.text().contains("`start_date`"))
            );
            assert_eq!(config.start_date_warning(now).is_some(), is_ahead, "{date}");
        }
    }

    #[test]
    fn a_first_read_costs_one_request_per_window() {
        let now = EpochMs::parse("2026-11-25").unwrap();
        let cost = |config: &str| Config::parse(config).unwrap().first_read_cost(now);
        assert_eq!(cost(r#"{"api_token":"s"}"#), (145, 15));
        assert_eq!(
            cost(r#"{"api_token":"s","start_date":"2026-11-24"}"#),
            (1, 1)
        );
        assert_eq!(
            cost(r#"{"api_token":"s","start_date":"2026-11-26"}"#),
            (0, 0)
        );
        let year = r#"{"api_token":"s","start_date":"1900-01-01","end_date":"1971-01-01","window_days":1}"#;
        assert_eq!(cost(year), (365, 37), "nothing is older than 1970");
    }

    #[test]
    fn plain_http_goes_to_this_machine_only() {
        let parse = |host: &str| {
            Config::parse(&format!(
                r#"{{"api_token":"t","api_base_url":"http://{host}:1"}}"#
            ))
        };
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "[::1]"] {
            assert!(parse(host).is_ok(), "{host}");
        }
        for host in [
            "1.localhost",
            "localhost.example",
            "dev.dixa.io",
            "10.0.0.1",
            "[::2]",
        ] {
            assert!(parse(host).is_err(), "{host}");
        }
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
