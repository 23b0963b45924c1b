#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# About every array that Linux made, wholly and in part, on disks of any block
# size, also if the disk ends in a part of a block: nbdmirror and the server
# come to the same verdict, and give the same reason.

. "$(dirname "$0")/verdict-functions.sh"
. "$(dirname "$0")/../server/functions.sh"
requires_libnbd
requires_filter blocksize-policy

asked=0 starts=0

# alike DISK...: both say the same.
alike ()
{
  local ours theirs reason
  ours=$(verdict "$@")
  theirs=$(served "$@")
  asked=$((asked + 1))
  test "$ours" = "$theirs" || {
    tail mirror.messages
    fail "$*: nbdmirror '$ours', server '$theirs'"
  }
  test "$ours" = refused || { starts=$((starts + 1)); return; }
  reason=$({ "$NBDMIRROR" --json assemble --dry-run "$@" || :; } 2>/dev/null |
    "$PYTHON" -c 'import json, sys; print(json.load(sys.stdin)["reason"])')
  grep -qF -- "$reason" mirror.messages || {
    cat mirror.messages
    fail "$*: nbdmirror says: $reason"
  }
}

# all_alike DISK...: an array, in either order, and each of its disks alone.
all_alike ()
{
  local disk backwards=()
  for disk; do
    backwards=("$disk" "${backwards[@]}")
    alike "$disk"
  done
  alike "$@"
  alike "${backwards[@]}"
}

# through BLOCK DISK...: an array through servers that want blocks of that size.
through ()
{
  local block=$1 disk name names=() uris=()
  shift
  for disk; do
    name=$(basename "$disk" .img)-$block
    names+=("$name")
    serve "$name" --filter=blocksize-policy file "$disk" \
      blocksize-minimum="$block" blocksize-preferred=64K \
      blocksize-maximum=32M blocksize-error-policy=error
    uris+=("$(uri "$name")")
  done
  alike "${uris[@]}"
  for name in "${names[@]}"; do
    stop "$name"
  done
}

"$PYTHON" - "$top_srcdir/tests/fixtures/md" <<'END'
import glob, lzma, os, sys

for path in sorted(glob.glob(sys.argv[1] + "/*/m*.img.xz")):
    array, disk = path.split("/")[-2:]
    os.makedirs(array, exist_ok=True)
    with lzma.open(path) as xz, open(f"{array}/{disk[:-3]}", "wb") as image:
        image.write(xz.read())
END

for array in raid*/; do
  all_alike "$array"*.img
  for block in 512 4096 16384; do
    through "$block" "$array"*.img
  done
  # A last part of a block: one that is in nobody's way; one that moves the place
  # of a superblock 1.0; and one in which that place is.
  truncate -s +512 "$array"*.img
  through 4096 "$array"*.img
  truncate -s +3584 "$array"*.img
  through 16384 "$array"*.img
  truncate -s +8192 "$array"*.img
  through 16384 "$array"*.img
done

# What is no disk is none for either of them, in the same words.
mkdir folder
: >empty
for what in "$dir/folder" "$dir/empty" /dev/null; do
  alike raid1-1.2-bitmap/m0.img "$what"
done

# Whoever refuses everything agrees, too.
echo "$starts of $asked would start"
test "$starts" -gt $((asked / 4))
