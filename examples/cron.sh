#!/usr/bin/env bash
# Writes what is new since the last run to a file of its own. In a crontab:
#     17 * * * * cd /var/lib/dixa && CONFIG=/etc/dixa.json flock -n lock /path/to/cron.sh
set -euo pipefail

name=$(date -u +%Y%m%dT%H%M%SZ)
source-dixa read ${CONFIG:+--config "$CONFIG"} --state state.json --allow-missing-state --state-out state.new |
    gzip >"$name.part"

# Only now is it sure that everything arrived; before, the next run would have begun where this one did.
mv "$name.part" "$name.jsonl.gz"
mv state.new state.json
