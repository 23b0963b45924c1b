#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What is under way belongs to the member that it was begun for.  Three times it
# is taken for that of the member which has the slot now, as if a child or a
# request knew slots and not members: its answer is counted there, its kick-off
# goes there, its failure is blamed there, with a generation of another leg.
# test-exchange has to find each of them, and find it again from its last line.

set -eu

source=${top_srcdir:-../..}
build=${top_builddir:-../..}
test -x "$build/tests/sim/test-exchange" ||
    { echo "there is no fine simulator"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Who has the slot now.
cat >"$scratch/successor.h" <<'END_OF_HEADER'
#include "engine/array-internal.h"

__attribute__ ((unused)) static struct member *
successor (const struct request *request, const struct member *member)
{
  const struct view *now = atomic_load (&request->array->view);
  int place;

  if (request_view (request)->member[member->place] != member
      || (request_view (request)->spares & 1u << member->place))
    return (struct member *)member;
  place = now->occupant[view_slot (request_view (request), member)];
  return place < 0 ? (struct member *)member : now->member[place];
}
END_OF_HEADER

# plant FILE TEXT DEFINITION: TEXT is in FILE, and means DEFINITION.
plant () {
    file=$source/lib/engine/$1
    grep -qF "$2" "$file" || { echo "$1: there is nothing to plant"; exit 1; }
    { cat "$scratch/successor.h"; echo "#define $3"; } >"$scratch/planted.h"
    # shellcheck disable=SC2086  # CC may be two words
    ${CC:-cc} ${CFLAGS:-} -std=gnu11 -D_GNU_SOURCE -fsanitize=thread \
        -I"$source/lib" -include "$scratch/planted.h" -c \
        -o "$scratch/planted.o" "$file"
    # shellcheck disable=SC2086
    ${CC:-cc} ${CFLAGS:-} -Wl,--wrap=roster_next \
        -o "$scratch/planted" "$scratch/planted.o" \
        "$build"/tests/sim/test_exchange-*.o \
        "$build"/lib/legs/tests_sim_test_exchange-*.o \
        "$build"/lib/ground/tests_sim_test_exchange-*.o \
        "$build/tests/sim/.libs/libfine.a"
    find_it "$3"
}

find_it () {
    if "$scratch/planted" >"$scratch/out"; then
        echo "not found: $1"
        exit 1
    fi
    line=$(tail -n 1 "$scratch/out")
    echo "found: $line"
    case $line in
        "test-exchange "*": failed: "* | "test-exchange "*": deadlock: "*) ;;
        *) echo "that is no verdict"; exit 1 ;;
    esac
    seed=${line#test-exchange }
    seed=${seed%%:*}
    again=$("$scratch/planted" "$seed" 2>/dev/null | tail -n 1) || true
    if [ "$again" != "$line" ]; then
        echo "seed $seed alone gives: $again"
        exit 1
    fi
}

plant io/request.c 'member_answered (member, child, error)' \
    'member_answered(m, c, e) member_answered (successor (request, m), c, e)'
plant io/request.c 'leg_kickoff (request_member (request, place)->leg)' \
    'leg_kickoff(l) leg_kickoff (successor (request, request_member (request, place))->leg)'
plant array/failure.c 'request_member (request, place)' \
    'request_member(r, p) successor (r, request_view (r)->member[p])'
