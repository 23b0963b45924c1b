# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2034
# functions.sh: what the fuzzers' tests start with: $top_srcdir, $top_builddir,
# and $scratch, which is removed at the end.

set -euo pipefail
: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${top_builddir:=$PWD}"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# collect PROGRAM CORPUS LEAST: $program; "${files[@]}" are its seeds and what is
# in the corpus, more than so many.
collect ()
{
  program=$top_builddir/tests/fuzz/$1
  command -v xz >/dev/null || { echo "xz is not installed"; exit 77; }
  mkdir "$scratch/inputs"
  "$program" --make "$scratch/inputs"
  tar -C "$scratch/inputs" -xJf "$top_srcdir/tests/fuzz/$2"
  files=("$scratch/inputs"/*)
  [ "${#files[@]}" -gt "$3" ] || { echo "the corpus is empty"; exit 1; }
}

# plant FILE EXPRESSION: $planted is a copy of lib, in which sed changes this file.
plant ()
{
  planted=$scratch/planted/lib
  mkdir "$scratch/planted"
  cp -r "$top_srcdir/lib" "$scratch/planted"
  sed -i "$2" "$planted/$1"
  if cmp -s "$top_srcdir/lib/$1" "$planted/$1"; then
    echo "the bug was not planted"
    exit 1
  fi
}

# build_planted SOURCE-OR-OPTION...: $scratch/planted/fuzz, of that copy.
build_planted ()
{
  # shellcheck disable=SC2086  # CC may be two words
  ${CC:-cc} -std=gnu11 -D_GNU_SOURCE -I"$planted" \
    -o "$scratch/planted/fuzz" "$@"
}

# must_notice ARGUMENT...: with these it fails.
must_notice ()
{
  if (ulimit -c 0; "$scratch/planted/fuzz" "$@") 2>/dev/null; then
    echo "the target is blind: it did not see a planted bug"
    exit 1
  fi
}
