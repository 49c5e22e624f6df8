# The connector's image: one layer (the binary and its user) over Debian's slim image, whose sh, sleep and mv
# Airbyte's start script needs. Neither stage uses BuildKit's extensions: the classic builder does.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build

# The dependencies first, under an empty crate: they are compiled again only when Cargo.toml or Cargo.lock changes.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src \
    && echo 'fn main() {}' >src/main.rs \
    && touch src/lib.rs \
    && cargo build --release --locked --bin source-dixa

# COPY keeps the files' times, which may be older than the empty crate's: cargo would take that for the real one.
COPY build.rs spec.json ./
COPY schemas schemas
COPY src src
# For --version: `docker build --build-arg SOURCE_COMMIT=$(git rev-parse --short=9 HEAD) …`
ARG SOURCE_COMMIT=
RUN touch src/main.rs src/lib.rs \
    && cargo build --release --locked --bin source-dixa

# The files of the one layer. Both images are the same Debian, so its list of users is extended here; no shell
# and no password: the user only has to exist.
RUN install -d -o 1000 -g 1000 /layer/airbyte \
    && install -m 755 target/release/source-dixa /layer/airbyte/ \
    && install -d /layer/etc \
    && sed '$a airbyte:x:1000:1000::/airbyte:/usr/sbin/nologin' /etc/passwd >/layer/etc/passwd \
    && sed '$a airbyte:x:1000:' /etc/group >/layer/etc/group

# No certificates are installed: the binary brings Mozilla's roots for when the system has none. To trust another
# authority, mount its certificate and name it in SSL_CERT_FILE.
FROM debian:bookworm-slim
COPY --from=build /layer/ /
WORKDIR /airbyte
# By number, since Kubernetes cannot tell whether a name is root.
USER 1000:1000

# Airbyte evals the variable, docker run uses the entry point: they must be the same.
ENV AIRBYTE_ENTRYPOINT="/airbyte/source-dixa"
ENTRYPOINT ["/airbyte/source-dixa"]

LABEL io.airbyte.name="airbyte/source-dixa" \
      io.airbyte.version="0.1.0"
