#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A thread that stays in a disk, or waits for a child, while nobody reads the
# answers to what it has sent to remote legs: the simulator has to find each.

. "$(dirname "$0")/planted.sh"
needs mirror-sim-fine

# plant WHAT SED-COMMAND
plant () {
    edited io/round.c "$2"
    build_planted mirror-sim-fine "$scratch/planted.c"
    if "$scratch/planted" --seeds 1000 >"$scratch/out"; then
        echo "not found: $1"
        exit 1
    fi
    echo "found: $1: $(tail -n 1 "$scratch/out")"
    grep -q 'while nobody reads the answers' "$scratch/out" ||
        { echo "that is no verdict"; exit 1; }
}

plant "before a disk, or a wait for a child" \
    '/^kick_off_all (/,/^}/s/let_read (request);/request->unread = 0;/'
plant "at the end" '/^attend (/,/^}/s/leg_attend (.*);/(void)legs;/'
plant "before a disk that has no ring for it" \
    '/^issue (/,/^}/s/let_read (request);/(void)let_read;/'
