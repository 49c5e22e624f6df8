#!/usr/bin/env bash
# Writes conversations and messages as plain rows, then prints the median time to first answer, by queue.
# Needs DuckDB: its command line, or its Python package.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
config=(${CONFIG:+--config "$CONFIG"})

for stream in conversations messages; do
    source-dixa read "${config[@]}" --format jsonl --streams "$stream" >"$stream.jsonl"
done

if command -v duckdb >/dev/null; then
    duckdb <"$here/first_answer.sql"
else
    python3 -c 'import duckdb, sys; print(duckdb.sql(sys.stdin.read()))' <"$here/first_answer.sql"
fi
