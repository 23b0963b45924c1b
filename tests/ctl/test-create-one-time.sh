#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# All members of a new array have one creation time, however long their making
# takes: mdadm assembles no others.  Here every look at the clock takes a
# second.

set -euo pipefail
NBDMIRROR=$(realpath "${NBDMIRROR:-./nbdmirror}")
CC=${CC:-cc}
command -v "$CC" >/dev/null || { echo "no compiler"; exit 77; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
"$CC" -shared -fPIC -o clock.so -x c - <<'END'
#include <time.h>
time_t
time (time_t *ret)
{
  static time_t now = 1700000000;
  now++;
  if (ret)
    *ret = now;
  return now;
}
END
truncate -s 8M a b c
LD_PRELOAD=$PWD/clock.so "$NBDMIRROR" create --yes a b c
"$NBDMIRROR" examine a b c >said
grep '^ *created' said
test "$(grep '^ *created' said | sort -u | wc -l)" = 1
test "$(grep -c '^ *created' said)" = 3
