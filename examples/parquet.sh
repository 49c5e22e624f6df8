#!/usr/bin/env bash
# Writes Parquet files to dixa/; parquet.sql reads them. Conversations: each run adds a file with what is new, in a Hive-style
# folder for the day of the run: dixa/conversations/date=2026-01-31/. Lists: each run replaces dixa/tags/tags.parquet etc.
# An interrupted run loses nothing: the state is saved only once the file is complete. The next run continues from there.
# Needs jq, flock (util-linux), and DuckDB's command line: pip install duckdb-cli
# The config comes from the file that CONFIG names, or the token from DIXA_API_TOKEN.
# With BUCKET=s3://name, each file is copied there before the state is saved. s3.sql then holds the credentials:
#     CREATE SECRET (TYPE s3, KEY_ID '…', SECRET '…', REGION 'eu-west-1');
set -euo pipefail

for program in source-dixa jq flock duckdb; do
    command -v "$program" >/dev/null || { echo "parquet.sh: $program is not on the PATH" >&2 && exit 127; }
done
exec 9>>dixa.lock
flock -n 9 || {
    echo "parquet.sh: another run is still going on in $PWD" >&2
    exit 75
}
mkdir -p dixa
find dixa -name '*.part' -delete
rm -f conversations.new .conversations.new.*.tmp

# Writes times as timestamps.
config=$(cat "${CONFIG:-/dev/null}" | jq -n '(input? // {}) + {typed_values: true}')
source-dixa discover --config - <<<"$config" >discovered.json

# parquet STREAM FILE OPTIONS...: reads a stream into a file. Columns and types are the schema's, so they are the same in every run.
parquet() {
    local columns
    columns=$(jq -r --arg stream "$1" '.catalog.streams[] | select(.name == $stream) | .json_schema.properties
        | to_entries | map("\"" + .key + "\": " + (
            (.value.type - ["null"]) as $type
            | if .value.format == "date-time" then "TIMESTAMPTZ"
              else {integer: "BIGINT", number: "DOUBLE", boolean: "BOOLEAN", string: "VARCHAR"}[$type[0]] // "JSON" end
            | "\u0027" + . + "\u0027")) | join(", ")' discovered.json)
    mkdir -p "$(dirname "$2")"
    source-dixa read --config - --format jsonl --streams "$1" "${@:3}" <<<"$config" |
        duckdb -c "COPY (FROM read_json('/dev/stdin', format = 'newline_delimited', columns = {$columns}))
            TO '$2.part' (FORMAT parquet)"
    sync "$2.part"
    mv "$2.part" "$2"
    [ -z "${BUCKET:-}" ] || duckdb -c "$(cat s3.sql); COPY (FROM '$2') TO '$BUCKET/$2' (FORMAT parquet)" >/dev/null
}

parquet conversations "dixa/conversations/$(date -u +date=%F/%H%M%S.%N).parquet" \
    --state conversations.json --allow-missing-state --state-out conversations.new
mv conversations.new conversations.json

# The streams that are read in full: all except conversations, messages, activity_logs and analytics_record_data.
for list in $(jq -r '.catalog.streams[] | select(.supported_sync_modes == ["full_refresh"]).name' discovered.json); do
    parquet "$list" "dixa/$list/$list.parquet"
done
