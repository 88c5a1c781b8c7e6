#!/bin/sh
# Writes config.ini from the add-on's options, and keeps running what they name. stdout of the commands is readings,
# which are in the store already; what they say on stderr is the add-on's log.
set -u
here=$(dirname "$0")
DATA=${DATA:-/data}
PAUSE=${PAUSE:-30} # seconds before a command that ended is started again

keep() {
    while true; do
        "$@" >/dev/null
        sleep "$PAUSE"
    done
}

every() {
    seconds=$1
    shift
    while true; do
        "$@" >/dev/null
        sleep "$seconds"
    done
}

jobs=$(python3 "$here/options.py" "$DATA/options.json" "$DATA/homemon/config.ini") || exit 1
trap 'trap "" TERM; kill 0; exit 0' TERM INT
while read -r job; do
    # shellcheck disable=SC2086  # a line is a function above and its words
    $job &
done <<LINES
$jobs
LINES
wait
