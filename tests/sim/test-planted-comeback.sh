#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Disks that come back: what protects the data then is broken, one thing at a
# time.  test-exchange has to find each of them, in worlds of remote disks, and
# find it again from its last line.

. "$(dirname "$0")/planted.sh"
needs test-exchange

# plant NAME KIND SEEDS FILE EXPRESSION: in worlds of KIND, FILE is as sed makes
# it with EXPRESSION.
plant () {
    edited "$4" "$5"
    build_planted test-exchange "$scratch/planted.c"
    export EXCHANGE_ONLY=$2 EXCHANGE_SEEDS=$3
    find_it "$1"
}

# What an old server may still do is not waited for.
plant md-quarantine md 3000 sync/mark.c \
    's/^  if (until == 0)$/  if (until == 0 || array->md != NULL)/'
plant plain-quarantine plain 6000 sync/mark.c \
    's/^  if (until == 0)$/  if (until == 0 || array->md == NULL)/'

# Nobody looks whether it is that disk.
plant md-same md 1000 life/rejoin.c \
    's/^  int r = check_same (array, disk, newcomer, &answer);$/  int r = 0;/'
plant plain-same plain 1000 life/samples.c \
    's/memcmp (c->buffer, other, length) == 0/true/'

# What may be missing somewhere has no bit; or it is cleared while somebody is
# out.
plant no-bit plain 1000 io/write.c \
    's/^  request->map = missed_begin (.*$/  request->map = MISSED_NONE;/'
plant cleared plain 1000 io/flush.c \
    's/^  if (r == 0 && everywhere)$/  if (r == 0)/'

# A server that dies may lose what was not flushed.
plant plain-cache plain 1000 io/write.c \
    's/^  request->map = missed_begin (/  request->map = request_view (request)->is_complete ? MISSED_NONE : missed_begin (/'
plant md-cache md 6000 record/metadata-commit.c \
    's/^    r = flush_members (request, view->targets, &md->flush_pool);$/    r = 0;/'
plant last-cache last 1000 life/reattach.c \
    's/|| atomic_load (&array->md->unflushed))/)/'

# What failed on the old connection of a last copy counts for nothing.
plant last-old last 4000 array/failure.c \
    's/^ *&& !atomic_load (&member->reattached))$/)/'
