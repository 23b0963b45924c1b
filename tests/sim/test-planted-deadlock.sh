#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The bug that this project is about, planted: children are gathered and
# issued together instead of each at once.  The simulator has to find the
# deadlock, say so in its last line, and find it again from that line.

set -eu

program=${MIRROR_SIM_PLANTED:-${top_builddir:-../..}/tests/sim/mirror-sim-planted}

if "$program" --seeds 1000 >planted-deadlock.out; then
    echo "1000 seeds, and the planted deadlock was not found"
    exit 1
fi
line=$(tail -n 1 planted-deadlock.out)
rm -f planted-deadlock.out
echo "found: $line"
case $line in
    "mirror-sim --seed "*": deadlock: "*) ;;
    *) echo "that is no deadlock"; exit 1 ;;
esac

seed=${line#mirror-sim --seed }
seed=${seed%%:*}
again=$("$program" --seed "$seed" | tail -n 1) || true
if [ "$again" != "$line" ]; then
    echo "seed $seed alone gives: $again"
    exit 1
fi
