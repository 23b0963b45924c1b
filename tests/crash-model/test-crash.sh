#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# md arrays in simulated worlds, cut short by crashes: many states, and what
# they become when the array starts again; first the narrow seeds.  CRASH_FIRST
# and CRASH_STATES choose others; with LONG=1 there are more, from anywhere on.

set -eu

program=${MIRROR_CRASH:-${top_builddir:-../..}/tests/crash-model/mirror-crash}
source=${top_srcdir:-../..}/tests/crash-model
first=${CRASH_FIRST:-1}
states=${CRASH_STATES:-100000}
if [ -n "${LONG:-}" ]; then
    first=${CRASH_FIRST:-${MIRROR_SEED:-1}}
    states=${CRASH_STATES:-5000000}
fi

echo "CRASH_FIRST=$first CRASH_STATES=$states: half a minute for 100000 states"
"$program" --known "$source/seeds.txt" --first "$first" \
           --states "$states"
