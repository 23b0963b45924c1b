# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2034
# planted.sh: what tests that plant bugs into the engine of the fine simulator
# start with.  $source, $build; $scratch, which is removed at the end.

set -eu

source=${top_srcdir:-../..}
build=${top_builddir:-../..}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# needs PROGRAM: of tests/sim.
needs ()
{
    test -x "$build/tests/sim/$1" ||
        { echo "there is no fine simulator"; exit 77; }
}

# edited FILE EXPRESSION: $scratch/planted.c is this file of lib/engine as sed
# makes it.
edited ()
{
    sed -e "$2" "$source/lib/engine/$1" >"$scratch/planted.c"
    ! cmp -s "$source/lib/engine/$1" "$scratch/planted.c" ||
        { echo "$1: there is nothing to plant"; exit 1; }
}

# build_planted PROGRAM FILE OPTION-OF-CC...: $scratch/planted is PROGRAM with
# this file in the place of the engine's.
build_planted ()
{
    local objects=tests_sim_${1//-/_} wrap=
    test "$1" != test-exchange || wrap=-Wl,--wrap=roster_next
    # shellcheck disable=SC2086  # CC may be two words
    ${CC:-cc} ${CFLAGS:-} -std=gnu11 -D_GNU_SOURCE -fsanitize=thread \
        -I"$source/lib" "${@:3}" -c -o "$scratch/planted.o" "$2"
    # shellcheck disable=SC2086
    ${CC:-cc} ${CFLAGS:-} $wrap -o "$scratch/planted" "$scratch/planted.o" \
        "$build"/tests/sim/"${1//-/_}"-*.o \
        "$build"/lib/legs/"$objects"-*.o \
        "$build"/lib/ground/"$objects"-*.o \
        "$build/tests/sim/.libs/libfine.a"
}

# find_it NAME: test-exchange finds it, and finds it again from its last line.
find_it ()
{
    local line seed again
    if "$scratch/planted" >"$scratch/out"; then
        echo "not found: $1"
        exit 1
    fi
    line=$(tail -n 1 "$scratch/out")
    echo "found: $1: $line"
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
