#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What lib/engine/io/second.c must not do: test-second has to find each of these.

. "$(dirname "$0")/planted.sh"
needs test-second

# plant WHAT FILE SED-COMMAND
plant () {
    edited "io/$2" "$3"
    build_planted test-second "$scratch/planted.c"
    status=0
    timeout -k 5 "${MIRROR_HANG_LIMIT:-600}" "$scratch/planted" \
        >"$scratch/out" 2>&1 || status=$?
    if test $status = 0; then
        echo "not found: $1"
        exit 1
    fi
    echo "found: $1: status $status, $(head -n 1 "$scratch/out")"
    # What is done by two threads may also crash.
    test $status -gt 128 || grep -q '^seed ' "$scratch/out" ||
        { echo "that is no verdict"; exit 1; }
}

plant "nothing is taken over" second.c \
    's/taken = is_stuck/taken = false \&\& is_stuck/'
plant "it is taken although its thread is out again" second.c \
    's/request_take (request, inside)/(atomic_store (\&request->inside, REQUEST_TAKEN), true)/'
plant "who came out goes on sending" round.c \
    '/^  if (request->is_taken)$/{N;/\n    return;$/d}'
plant "the answer does not wait for who has taken it" round.c \
    's/^  while (!request->is_done)$/  if (false)/'
plant "its range stays locked" write.c \
    '/^  range_unlock (&array->ranges, &taken->range);$/d'
