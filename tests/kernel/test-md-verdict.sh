#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154
# What a real kernel leaves behind, and what assemble --dry-run makes of it:
# killed while writing, degraded, stale, replaced, run apart.

. "$(dirname "$0")/functions.sh"

: "${NBDMIRROR:=$PWD/nbdmirror}"
export NBDMIRROR
command -v mdadm >/dev/null || { echo "mdadm is not installed"; exit 77; }
for ((i = 0; i < 4; i++)); do
  truncate -s 16M "$scratch/disk$i"
done

kernel_run <<'GUEST'
set -eEu
trap 'echo "line $LINENO: $BASH_COMMAND"' ERR
module md-mod raid1 raid10 loop
for ((i = 0; i < 4; i++)); do
  losetup "/dev/loop$i" "$scratch/disk$i"
done

# verdict STATUS TEXT DISK...: the exit status, and a text in what it says.
verdict ()
{
  local wanted=$1 text=$2 status=0
  shift 2
  "$NBDMIRROR" assemble --dry-run "$@" >"$scratch/said" || status=$?
  if test "$status" != "$wanted" || ! grep -q "$text" "$scratch/said"; then
    echo "status $status, expected $wanted and: $text"
    cat "$scratch/said"
    return 1
  fi
}

write ()
{
  noise 16K "at $1" |
    dd of=/dev/md0 bs=4k seek="$1" iflag=fullblock oflag=direct status=none
}

# The kernel may be at its metadata for a moment yet.
stop_array ()
{
  wait_for mdadm --stop /dev/md0
}

# rebuilt: until no member is being brought up to date.
rebuilt ()
{
  mdadm --wait /dev/md0 || :
  wait_for in_sync
}

in_sync ()
{
  local action degraded
  read -r action </sys/block/md0/md/sync_action
  read -r degraded </sys/block/md0/md/degraded
  test "$action" = idle && test "$degraded" = 0
}

create ()
{
  mdadm --create /dev/md0 --run --assume-clean "$@" 2>/dev/null
  write 0
}

pair=(/dev/loop0 /dev/loop1)

# In use by the kernel: looked at, not written.
create --level 1 --raid-devices 2 --bitmap internal --bitmap-chunk 64K \
  "${pair[@]}"
status=0
"$NBDMIRROR" erase --yes /dev/loop0 2>"$scratch/said" || status=$?
test "$status" = 1
grep -q 'in use' "$scratch/said"
"$NBDMIRROR" examine /dev/loop0 >/dev/null
stop_array
verdict 0 'would start' "${pair[@]}"

# A copy taken while it is being written to: dirty.
mdadm --assemble /dev/md0 "${pair[@]}" 2>/dev/null
echo 0 >/sys/block/md0/md/safe_mode_delay
write 100
for i in 0 1; do
  dd if="/dev/loop$i" of="/dev/loop$((i + 2))" bs=64k iflag=direct status=none
done
stop_array
verdict 5 'where the bitmap is set' /dev/loop2 /dev/loop3
# ... and of these two one is from before, one from after.
verdict 1 'is a copy of' /dev/loop0 /dev/loop2

# One fails, writes go on, it comes back.
mdadm --assemble /dev/md0 "${pair[@]}" 2>/dev/null
mdadm /dev/md0 --fail /dev/loop1 2>/dev/null
write 300
stop_array
verdict 5 'slot 1: missed writes: .*; will be rebuilt, by bitmap' \
  "${pair[@]}"
verdict 4 'would start' /dev/loop0
mdadm --assemble /dev/md0 --run /dev/loop0 2>/dev/null
mdadm /dev/md0 --re-add /dev/loop1 2>/dev/null
rebuilt
stop_array
verdict 0 'would start' "${pair[@]}"

# Both lead lives of their own.
for i in 0 1; do
  mdadm --assemble --run /dev/md0 "/dev/loop$i" 2>/dev/null
  write $((i + 500))
  stop_array
done
verdict 7 'split brain' "${pair[@]}"
verdict 7 'split brain' /dev/loop1 /dev/loop0
verdict 5 'slot 1: ran on its own.* will be rebuilt, wholly' --on-split-brain=leg:0 "${pair[@]}"

# A third takes a place that was lost: who lost it is stale, not split.
mdadm --zero-superblock /dev/loop[0-3] 2>/dev/null || :
create --level 10 --layout n2 --raid-devices 3 --bitmap none /dev/loop[0-2]
mdadm /dev/md0 --fail /dev/loop1 2>/dev/null
mdadm /dev/md0 --remove /dev/loop1 2>/dev/null
verdict 5 'will be rebuilt, wholly' /dev/loop[0-2]
mdadm /dev/md0 --add /dev/loop3 2>/dev/null
rebuilt
stop_array
verdict 0 'would start' /dev/loop0 /dev/loop2 /dev/loop3
verdict 0 'missed writes: it is unknown which.*; is not used' /dev/loop[0-3]
verdict 6 'too few members' /dev/loop1

# This test can fail.
if verdict 0 'would start' /dev/loop1 >/dev/null; then
  echo "the checker is broken"
  exit 1
fi
echo "all verdicts"
GUEST
