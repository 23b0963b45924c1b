#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154
# Arrays that nbdmirror made are assembled, resynced, written and checked by a
# real kernel, and arrays that mdadm made there are the same to nbdmirror, in
# every field but times and random numbers.

. "$(dirname "$0")/functions.sh"

: "${NBDMIRROR:=$PWD/nbdmirror}"
export NBDMIRROR
command -v mdadm >/dev/null || { echo "mdadm is not installed"; exit 77; }

# version level layout members bitmap
cases="\
1.0 1 - 2 internal
1.1 1 - 3 none
1.2 1 - 4 internal
1.2 1 - 2 none
1.0 10 n2 2 none
1.1 10 n2 3 internal
1.2 10 n2 4 internal
1.0 10 f2 3 internal
1.2 10 f2 2 internal
1.1 10 f2 4 none
1.1 10 o2 2 internal
1.2 10 o2 3 internal
1.0 10 o2 4 none"
export cases

for ((i = 0; i < 8; i++)); do
  truncate -s $((16 * 1024 * 1024 + 5 * 512)) "$scratch/disk$i"
done

kernel_run <<'GUEST'
set -eEu
trap 'echo "line $LINENO: $BASH_COMMAND"' ERR
module md-mod raid1 raid10 loop
for ((i = 0; i < 8; i++)); do
  losetup "/dev/loop$i" "$scratch/disk$i"
done

# fields DISK...: what must not depend on who made the array, nor when.
fields ()
{
  mdadm --examine "$@" | sed -E 's/  \(local to host .*\)//;
    / UUID | Time | Checksum | State : (clean|active)$/d; /^.dev/d'
}

# alike OPTION DISK...: --examine or --examine-bitmap by both are the same.
# (Processes are slow to start here: one for all disks.)
alike ()
{
  local option=$1 ours=(examine --mdadm)
  shift
  test "$option" = --examine || ours+=(--bitmap)
  "$NBDMIRROR" "${ours[@]}" "$@" >"$scratch/a"
  mdadm "$option" "$@" 2>&1 | sed -E 's/  \(local to host .*\)//' >"$scratch/b"
  test "$(grep -c Magic "$scratch/a")" = $#
  diff -w "$scratch/a" "$scratch/b"
}

# blank DISK: without superblocks, at either end.
blank ()
{
  dd if=/dev/zero of="$1" bs=64k count=1 conv=notrunc status=none
  dd if=/dev/zero of="$1" bs=64k seek=255 status=none 2>/dev/null || :
}

# settle: until the copies are in sync and nothing is being checked.
settle ()
{
  mdadm --wait /dev/md0 || :
  wait_for settled
}

settled ()
{
  local action start degraded
  read -r action </sys/block/md0/md/sync_action
  read -r start </sys/block/md0/md/resync_start
  read -r degraded </sys/block/md0/md/degraded
  test "$action" = idle && test "$start" = none && test "$degraded" = 0
}

# check_copies: the kernel reads and compares all copies.
check_copies ()
{
  settle
  echo check >/sys/block/md0/md/sync_action
  settle
  test "$(cat /sys/block/md0/md/last_sync_action)" = check
}

# The kernel may be at its metadata for a moment yet.
stop_array ()
{
  wait_for mdadm --stop /dev/md0
}

# content: of the array.
content ()
{
  sha256sum </dev/md0
}

number=0
while read -r version level layout members bitmap; do
  ours=() theirs=() options=()
  for ((i = 0; i < members; i++)); do
    ours+=("/dev/loop$i")
    theirs+=("/dev/loop$((i + 4))")
    blank "/dev/loop$i"
    blank "/dev/loop$((i + 4))"
    # Different before: only a resync makes copies equal.
    noise 400K "before $i" |
      dd of="/dev/loop$i" bs=4k seek=1000 iflag=fullblock conv=notrunc \
        status=none
  done
  test "$layout" = - || options+=(--layout "$layout" --chunk 64K)
  test "$bitmap" = none || options+=(--bitmap-chunk 64K)

  "$NBDMIRROR" create --yes --metadata "$version" --level "$level" \
    --name host:made "${options[@]}" --bitmap "$bitmap" "${ours[@]}" >/dev/null
  fields "${ours[@]}" >"$scratch/ours"

  # The kernel takes it, makes the copies equal, and finds none that differ.
  mdadm --assemble /dev/md0 "${ours[@]}" 2>"$scratch/said" ||
    { cat "$scratch/said"; false; }
  settle
  noise "$(blockdev --getsize64 /dev/md0)" array |
    dd of=/dev/md0 bs=64k iflag=fullblock oflag=direct status=none
  check_copies
  test "$(cat /sys/block/md0/md/mismatch_cnt)" = 0
  size=$(blockdev --getsize64 /dev/md0)
  content >"$scratch/content"
  stop_array
  status=0
  "$NBDMIRROR" --json assemble --dry-run "${ours[@]}" >"$scratch/json" ||
    status=$?
  test "$status" = 0
  grep -q "\"size\" : $size," "$scratch/json"
  alike --examine "${ours[@]}"
  test "$bitmap" = none || alike --examine-bitmap "${ours[@]}"

  # Written by nobody else, and there after a restart.
  mdadm --assemble /dev/md0 "${ours[@]}" 2>"$scratch/said" ||
    { cat "$scratch/said"; false; }
  test "$(content)" = "$(cat "$scratch/content")"
  stop_array

  # mdadm makes the same array of such disks.  Started without a resync, the
  # kernel changes none of the sizes yet.
  options=()
  test "$layout" = - || options+=(--layout "$layout" --chunk 64)
  test "$bitmap" = none || options+=(--bitmap-chunk 64K)
  mdadm --create /dev/md0 --run --assume-clean --homehost=host --name=made \
    --metadata "$version" --level "$level" --raid-devices "$members" \
    "${options[@]}" --bitmap "$bitmap" "${theirs[@]}" 2>/dev/null
  stop_array
  fields "${theirs[@]}" >"$scratch/theirs"
  test "$(grep -c Magic "$scratch/theirs")" = "$members"
  diff "$scratch/ours" "$scratch/theirs"
  alike --examine "${theirs[@]}"
  test "$bitmap" = none || alike --examine-bitmap "${theirs[@]}"
  "$NBDMIRROR" assemble --dry-run "${theirs[@]}" >/dev/null

  number=$((number + 1))
  echo "case $number: $version raid$level $layout $members $bitmap: ok"
done <<<"$cases"

# This test can fail: a copy changed behind the kernel's back is found.
"$NBDMIRROR" create --yes --assume-clean --force --level 1 \
  /dev/loop0 /dev/loop1 >/dev/null
mdadm --assemble --run /dev/md0 /dev/loop0 /dev/loop1 2>/dev/null
dd if=/dev/zero of=/dev/md0 bs=1M count=1 oflag=direct status=none
stop_array
offset=$("$NBDMIRROR" --json examine /dev/loop1 |
  sed -n 's/.*"data_offset_sectors" : \([0-9]*\),.*/\1/p')
echo changed | dd of=/dev/loop1 bs=512 seek="$offset" conv=notrunc status=none
mdadm --assemble /dev/md0 /dev/loop0 /dev/loop1 2>/dev/null
check_copies
test "$(cat /sys/block/md0/md/mismatch_cnt)" != 0
stop_array
echo "all $number cases"
GUEST
