#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A step that has to be atomic is not: request.c marks a request as wanted in
# two steps, and loses the wake-up if it ends between them.  The fine simulator,
# which switches inside such steps, has to find the deadlock, and find it again.

. "$(dirname "$0")/planted.sh"
needs mirror-sim-fine

cat >"$scratch/planted.h" <<'END'
#include <stdatomic.h>
#undef atomic_fetch_or
#define atomic_fetch_or(state, bit)                                           \
  ({                                                                          \
    unsigned seen = atomic_load (state), was = seen;                          \
    atomic_compare_exchange_strong (state, &was, seen | (bit));               \
    seen == REQUEST_FREE ? was : seen;                                        \
  })
END
grep -q 'atomic_fetch_or (&request->state' "$source/lib/engine/io/request.c" ||
    { echo "there is nothing to plant"; exit 1; }
build_planted mirror-sim-fine "$source/lib/engine/io/request.c" \
    -include "$scratch/planted.h"

if "$scratch/planted" --seeds 20000 >"$scratch/out"; then
    echo "20000 seeds, and the planted race was not found"
    exit 1
fi
line=$(tail -n 1 "$scratch/out")
echo "found: $line"
case $line in
    "mirror-sim --seed "*": deadlock: "*) ;;
    *) echo "that is no deadlock"; exit 1 ;;
esac

seed=${line#mirror-sim --seed }
seed=${seed%%:*}
again=$("$scratch/planted" --seed "$seed" | tail -n 1) || true
if [ "$again" != "$line" ]; then
    echo "seed $seed alone gives: $again"
    exit 1
fi
