#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The engine in many simulated worlds: first those that failed once, then new
# ones; then fewer in the build that switches at every atomic operation, too.
# SIM_FIRST and SIM_SEEDS choose others; with LONG=1 there are more, from
# anywhere on.

set -eu

build=${top_builddir:-../..}/tests/sim
program=${MIRROR_SIM:-$build/mirror-sim}
fine=${MIRROR_SIM_FINE:-$build/mirror-sim-fine}
source=${top_srcdir:-../..}/tests/sim
first=${SIM_FIRST:-1}
seeds=${SIM_SEEDS:-20000}
if [ -n "${LONG:-}" ]; then
    first=${SIM_FIRST:-${MIRROR_SEED:-1}}
    seeds=${SIM_SEEDS:-1000000}
fi

echo "SIM_FIRST=$first SIM_SEEDS=$seeds: some 500 seeds a second, and half as"
echo "many afterwards in a build that is half as fast; SIM_SEEDS=1000 for fewer"

"$program" --known "$source/seeds.txt" --first "$first" --seeds "$seeds"

# What it prints says mirror-sim: a seed of this one is for mirror-sim-fine.
if [ -x "$fine" ]; then
    echo "mirror-sim-fine:"
    "$fine" --known "$source/seeds-fine.txt" --first "$first" --seeds "$((seeds / 2))"
fi
