#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What is under way belongs to the member that it was begun for.  Three times it
# is taken for that of the member which has the slot now, as if a child or a
# request knew slots and not members: its answer is counted there, its kick-off
# goes there, its failure is blamed there, with a generation of another leg.
# test-exchange has to find each of them, and find it again from its last line.

. "$(dirname "$0")/planted.sh"
needs test-exchange

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
    build_planted test-exchange "$file" -include "$scratch/planted.h"
    find_it "$3"
}

plant io/round.c 'member_answered (member, child, error)' \
    'member_answered(m, c, e) member_answered (successor (request, m), c, e)'
plant io/round.c 'leg_kickoff (request_member (request, place)->leg)' \
    'leg_kickoff(l) leg_kickoff (successor (request, request_member (request, place))->leg)'
plant array/failure.c 'request_member (request, place)' \
    'request_member(r, p) successor (r, request_view (r)->member[p])'
