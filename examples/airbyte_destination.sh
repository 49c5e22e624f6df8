#!/usr/bin/env bash
# Loads conversations and messages with an Airbyte destination. The next run continues from there. Needs jq, and a
# destination that is installed as a program, for example: pip install airbyte-destination-ailake
# (for semantic search: it adds an embedding of a text field, and leaves out nested fields).
# DESTINATION names the program, and DESTINATION_CONFIG its config file.
set -euo pipefail
config=(${CONFIG:+--config "$CONFIG"})

# `append_dedup` keeps one row per key; a destination that cannot do so appends every version of a conversation.
source-dixa discover "${config[@]}" | jq '{streams: [.catalog.streams[] | select(.name | IN("conversations", "messages")) | {
    stream: ., sync_mode: "incremental", destination_sync_mode: "append_dedup",
    cursor_field: .default_cursor_field, primary_key: .source_defined_primary_key}]}' >catalog.json

source-dixa read "${config[@]}" --catalog catalog.json --state state.jsonl --allow-missing-state |
    "$DESTINATION" write --config "$DESTINATION_CONFIG" --catalog catalog.json >given_back.jsonl

# The destination prints the states of what it has loaded.
grep '"STATE"' given_back.jsonl >state.new
mv state.new state.jsonl
