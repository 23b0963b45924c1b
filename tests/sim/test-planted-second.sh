#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What lib/engine/io/second.c must not do: test-second has to find each of these.

set -eu

source=${top_srcdir:-../..}
build=${top_builddir:-../..}
test -x "$build/tests/sim/test-second" ||
    { echo "there is no fine simulator"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# plant WHAT FILE SED-COMMAND
plant () {
    sed -e "$3" "$source/lib/engine/io/$2" >"$scratch/planted.c"
    if cmp -s "$scratch/planted.c" "$source/lib/engine/io/$2"; then
        echo "$2: there is nothing to plant"
        exit 1
    fi
    # shellcheck disable=SC2086  # CC may be two words
    ${CC:-cc} ${CFLAGS:-} -std=gnu11 -D_GNU_SOURCE -fsanitize=thread \
        -I"$source/lib" -c -o "$scratch/planted.o" "$scratch/planted.c"
    # shellcheck disable=SC2086
    ${CC:-cc} ${CFLAGS:-} -o "$scratch/planted" "$scratch/planted.o" \
        "$build"/tests/sim/test_second-*.o \
        "$build"/lib/legs/tests_sim_test_second-*.o \
        "$build"/lib/ground/tests_sim_test_second-*.o \
        "$build/tests/sim/.libs/libfine.a"
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
plant "who came out goes on sending" request.c \
    '/^  if (request->is_taken)$/,/^    return;$/d'
plant "the answer does not wait for who has taken it" request.c \
    's/^  while (!request->is_done)$/  if (false)/'
plant "its range stays locked" write.c \
    '/^  range_unlock (&array->ranges, &taken->range);$/d'
