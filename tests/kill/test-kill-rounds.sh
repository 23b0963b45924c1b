#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The mirror is killed, or loses power, in the middle of its work, and begins
# again: nothing that was promised is lost, no read changes its mind, and in
# the end all legs are equal.  KILL_SEED and KILL_ROUNDS choose others; with
# LONG=1 there are more.  What is checked: replay.h, history.h.

set -euo pipefail
exec 2>&1
build=${top_builddir:-../..}
rounds=${KILL_ROUNDS:-300}
seed=${KILL_SEED:-${MIRROR_SEED:-1}}
if [ -n "${LONG:-}" ]; then
  rounds=${KILL_ROUNDS:-20000}
fi

command -v nbdkit >/dev/null || {
  echo "$0: skipped: nbdkit is not installed"
  exit 77
}

play ()
{
  "$build/tests/kill/rounds" \
    --mirror "$(realpath "${MIRROR_SO:-$build/mirror.so}")" \
    --nbdmirror "$(realpath "${NBDMIRROR:-$build/nbdmirror}")" \
    --reclegs "$(realpath "$build/tests/kill/.libs/reclegs.so")" "$@"
}

echo "KILL_SEED=$seed"

# It is able to fail: a leg loses one write of each round.
planted=$(play --plant --all --log 0 --seed "$seed" --rounds 15) || true
grep -q '^FAILED: .* holds \|^FAILED: .* read of ' <<<"$planted" || {
  printf '%s\n' "$planted" "the lost writes were not found"
  exit 1
}

play --seed "$seed" --rounds "$rounds"
