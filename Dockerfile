# The connector's image: one layer (the binary and its user) over Debian's slim image, whose sh, sleep and mv
# Airbyte's start script needs. Neither stage uses BuildKit's extensions: the classic builder does.

# The base images. Name a mirror's with --build-arg; both must be the same Debian.
ARG BUILD_IMAGE=rust:1.95-slim-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM ${BUILD_IMAGE} AS build
WORKDIR /build

# The dependencies first, under empty crates: they are compiled again only when a manifest or Cargo.lock changes.
COPY Cargo.toml Cargo.lock ./
COPY crates/record-splitter/Cargo.toml crates/record-splitter/
COPY crates/dixa-simulator/Cargo.toml crates/dixa-simulator/
RUN mkdir src crates/record-splitter/src crates/dixa-simulator/src \
    && echo 'fn main() {}' >src/main.rs \
    && touch src/lib.rs crates/record-splitter/src/lib.rs crates/dixa-simulator/src/lib.rs \
    && cargo build --release --locked --bin source-dixa

# COPY keeps the files' times, which may be older than the empty crates': without the touch, cargo would not compile them.
COPY crates/record-splitter/src crates/record-splitter/src
RUN touch crates/record-splitter/src/lib.rs \
    && cargo build --release --locked --bin source-dixa

COPY build.rs spec.json ./
COPY schemas schemas
COPY src src
# For --version, if it is wanted: `--build-arg SOURCE_COMMIT=$(git rev-parse --short=9 HEAD)`.
ARG SOURCE_COMMIT=
RUN touch src/main.rs src/lib.rs \
    && cargo build --release --locked --bin source-dixa

# The files of the one layer. Both images are the same Debian, so its list of users is extended here; no shell
# and no password: the user only has to exist.
RUN install -d -o 1000 -g 1000 /layer/airbyte \
    && install -m 755 target/release/source-dixa /layer/airbyte/ \
    && ln -s source-dixa /layer/airbyte/tap-dixa \
    && install -d /layer/etc \
    && sed '$a airbyte:x:1000:1000::/airbyte:/usr/sbin/nologin' /etc/passwd >/layer/etc/passwd \
    && sed '$a airbyte:x:1000:' /etc/group >/layer/etc/group

# No certificates are installed: the binary contains Mozilla's roots for systems that have none. To trust another
# authority, mount its certificate and name it in SSL_CERT_FILE.
FROM ${RUNTIME_IMAGE}
COPY --from=build /layer/ /
WORKDIR /airbyte
# By number, since Kubernetes cannot tell whether a name is root.
USER 1000:1000

# Airbyte evals the variable, docker run uses the entry point: they must be the same.
ENV AIRBYTE_ENTRYPOINT="/airbyte/source-dixa"
ENTRYPOINT ["/airbyte/source-dixa"]

# The image's full name where it is published, with its registry: Airbyte's own connector is another one.
ARG IMAGE=source-dixa
LABEL io.airbyte.name="${IMAGE}" \
      io.airbyte.version="0.1.0"
