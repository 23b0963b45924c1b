#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Every checker of the crash harness can fail: for each a bug on purpose, in a
# leg or in the engine, that it has to find while all others are silent.  The
# last line has to find it again.

set -eu

program=${MIRROR_CRASH:-${top_builddir:-../..}/tests/crash-model/mirror-crash}
failed=0

# CHECKER PLANT [FIRST SEED]: see crash-leg.h, crash-plant-engine.c and
# crash-plant-power.c.
plants='
O1  super-lost
O1  flush
O2  data-lost
O2  flush
O2  no-record
O2  keep-other
O2  reconnects
O2  trusted
O2  believed 160
O3a clear
O3a no-bits
O3a one-page
O3a keep-merged
O3b data-lost
O3b bitmap-lost
O3b page-left
O3b keep-merged
O3b trusted
O3b no-quarantine
O3b owes-nothing
O4  read
O4  unsynced-read
O4  keep-other
O6  too-much
O3a first-window
O3a rest-dropped 220
L1  no-bits
L1  clear
L1  one-page
L1  other-page
L2  no-record
L2  data-lost
L3  flush-error
L3  flush
L3  believed
L3  reconnects
L4  no-lock
L4  short-lock
L4  early
L5  no-flush
L5  first-window
L5  rest-dropped
L5  old-flush 1000
L6  no-flush
L6  ahead
L7  wrong-copy
L7  data-moved
L8  reconnects
L9  stray
L10 scribble
L11 events
'

last_line () {
    { "$program" "$@" --only "$checker" --plant "$plant" 2>/dev/null ||
          true; } | tail -n 1
}

while read -r checker plant first; do
    if [ -z "$checker" ]; then
        continue
    fi
    line=$(last_line --first "${first:-1}" --states 400000)
    case $line in
        "mirror-crash --seed "*": $checker: "*) ;;
        *)
            echo "$checker did not find $plant: $line"
            failed=1
            continue ;;
    esac
    seed=${line#mirror-crash --seed }
    seed=${seed%% *}
    if [ "$(last_line --seed "$seed")" != "$line" ]; then
        echo "$checker, $plant: seed $seed alone gives something else"
        failed=1
    fi
    echo "$checker $plant: found at seed $seed"
done <<<"$plants"
exit $failed
