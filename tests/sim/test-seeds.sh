#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The engine keeps its promises in every simulated world.  Always the same
# seeds here; LONG=1 takes many more, which nobody has seen before.

set -euo pipefail
: "${top_builddir:=$PWD}"

sim=$top_builddir/tests/sim/mirror-sim
"$sim" --seeds 10000
if [ -n "${LONG:-}" ]; then
  "$sim" --first "$(date +%s%N)" --seeds 1000000
fi
