#!/usr/bin/env bash
# Writes what is new since the last run to a file of its own. In a crontab:
#     17 * * * * cd /var/lib/dixa && CONFIG=/etc/dixa.json /path/to/cron.sh
# One run at a time: while one goes on, another says so and ends with status 75. A run that fails says why on stderr, which cron
# mails; one that succeeds writes nothing there.
set -euo pipefail

# Held until every program of the pipeline has ended, even if this script is killed before them.
exec 9>>lock
flock -n 9 || {
    echo "cron.sh: another run is still going on in $PWD" >&2
    exit 75
}

# What a run that failed leaves, this one or an earlier one: the next run reads all of it again.
clean() {
    rm -f -- *Z.jsonl.gz.part state.new .state.new.*.tmp
}
clean
trap clean EXIT

# Two runs within a second would share a name.
name=$(date -u +%Y%m%dT%H%M%SZ).jsonl.gz
while [ -e "$name" ]; do
    sleep 1
    name=$(date -u +%Y%m%dT%H%M%SZ).jsonl.gz
done
source-dixa read ${CONFIG:+--config "$CONFIG"} --state state.json --allow-missing-state --state-out state.new |
    gzip >"$name.part"

# Only now is it certain that everything arrived; before, the next run would have begun where this one did. On the disk, too.
sync "$name.part"
mv "$name.part" "$name"
mv state.new state.json
