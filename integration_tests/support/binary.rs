//! The program under test, with an environment of its own.

use std::process::Command;

/// Environment variables that change what the connector does.
const VARIABLES: [&str; 14] = [
    "LOG_LEVEL",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "DIXA_API_TOKEN",
];

/// The binary, without the variables that the environment of the tests may set.
pub fn binary() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("source-dixa"));
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    command
}
