#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The engine in many simulated worlds: first those that failed once, then new
# ones.  SIM_FIRST and SIM_SEEDS choose others; with LONG=1 there are more.

set -eu

program=${MIRROR_SIM:-${top_builddir:-../..}/tests/sim/mirror-sim}
source=${top_srcdir:-../..}/tests/sim
seeds=30000
if [ -n "${LONG:-}" ]; then
    seeds=1000000
fi

exec "$program" --known "$source/seeds.txt" \
     --first "${SIM_FIRST:-1}" --seeds "${SIM_SEEDS:-$seeds}"
