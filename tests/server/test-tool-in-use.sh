#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# While a server has the disks, assemble --dry-run says so of each; before and
# afterwards it does not.

. "$(dirname "$0")/functions.sh"

md_array a.img b.img

# in_use COUNT: so many disks are told as in use, in both forms.
in_use ()
{
  "$NBDMIRROR" assemble --dry-run a.img b.img >text || :
  "$NBDMIRROR" --json assemble --dry-run a.img b.img >json || :
  cat text
  test "$(grep -c "in use by a running server" text)" = "$1"
  test "$("$PYTHON" -c 'import json, sys
print(sum(member["in_use"] for member in json.load(sys.stdin)["members"]))' \
    <json)" = "$1"
}

in_use 0
serve_mirror a.img b.img
in_use 2
stop mirror
in_use 0
