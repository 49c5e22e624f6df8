//! The environment variables, for `--help`.

pub const ENVIRONMENT: &str = "\
Environment:
  DIXA_API_TOKEN               the API token, if the config has none
  HTTPS_PROXY, ALL_PROXY       a proxy: http://USER:PASSWORD@HOST:PORT, or socks5h://…
  NO_PROXY                     hosts to connect to directly
  SSL_CERT_FILE, SSL_CERT_DIR  CA certificates (PEM) instead of the system's; also
                               REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE
  LOG_LEVEL                    debug, info, warn or error
  NO_COLOR                     no colours at a terminal";
