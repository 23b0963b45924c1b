#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# md arrays in simulated worlds, cut short by crashes: many states, and what
# they become when the array starts again.  CRASH_FIRST and CRASH_STATES choose
# others; with LONG=1 there are more.

set -eu

program=${MIRROR_CRASH:-${top_builddir:-../..}/tests/sim/mirror-crash}
first=${CRASH_FIRST:-1}
states=${CRASH_STATES:-100000}
if [ -n "${LONG:-}" ]; then
    states=${CRASH_STATES:-5000000}
fi

"$program" --first "$first" --states "$states"
