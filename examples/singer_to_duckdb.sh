#!/usr/bin/env bash
# Loads every stream except messages, activity_logs and analytics_record_data into dixa.duckdb with target-duckdb. The next run continues from there.
# The config comes from the file that CONFIG names, or the token from DIXA_API_TOKEN.
# Needs: pip install target-duckdb 'duckdb<1.1' (newer versions mistake the first row of some files for a header).
set -euo pipefail

echo '{"filepath": "dixa.duckdb", "default_target_schema": "main", "primary_key_required": false}' >target.json
source-dixa read ${CONFIG:+--config "$CONFIG"} --format singer --state state.json --allow-missing-state |
    target-duckdb --config target.json >given_back.jsonl

# The target prints the state of what it has loaded.
[ -s given_back.jsonl ]
tail -1 given_back.jsonl >state.json
