#!/usr/bin/env bash
# Writes what is new since the last run to a new file. In a crontab:
#     17 * * * * cd /var/lib/dixa && CONFIG=/etc/dixa.json /path/to/cron.sh
# One run at a time: a run that starts while another is going on says so and exits with code 75. A run that fails says why on
# stderr, which cron mails to you. One that succeeds writes nothing there.
set -euo pipefail

# The lock is held until every program in the pipeline has ended, even if this script is killed first.
exec 9>>lock
flock -n 9 || {
    echo "cron.sh: another run is still going on in $PWD" >&2
    exit 75
}

# Removes what a failed run left behind, this one or an earlier one. The next run reads all of it again.
clean() {
    rm -f -- *Z.jsonl.gz.part state.new .state.new.*.tmp
}
clean
trap clean EXIT

# Two runs within the same second would share a name.
name=$(date -u +%Y%m%dT%H%M%SZ).jsonl.gz
while [ -e "$name" ]; do
    sleep 1
    name=$(date -u +%Y%m%dT%H%M%SZ).jsonl.gz
done
source-dixa read ${CONFIG:+--config "$CONFIG"} --state state.json --allow-missing-state --state-out state.new |
    gzip >"$name.part"

# Only now is it certain that everything has arrived, on the disk as well. Until here, the next run would have started where this
# one did.
sync "$name.part"
mv "$name.part" "$name"
mv state.new state.json
