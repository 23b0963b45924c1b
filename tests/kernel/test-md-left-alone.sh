#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154
# What udev's rule does with members on block devices (mdadm --incremental), and
# what boot scripts do (mdadm --assemble --scan): the kernel takes them.  It does
# not while a server has them, nor with the lines that the manual gives for
# mdadm.conf; an array of the kernel's own is still assembled then.

. "$(dirname "$0")/functions.sh"

: "${NBDMIRROR:=$PWD/nbdmirror}"
MIRROR_SO=$(realpath "${MIRROR_SO:-./mirror.so}")
PYTHON=${PYTHON:-/usr/bin/python3}
export NBDMIRROR MIRROR_SO PYTHON MDADM_NO_UDEV=1
command -v mdadm >/dev/null || { echo "mdadm is not installed"; exit 77; }
truncate -s 16M "$scratch"/disk{0,1,2,3}

kernel_run <<'GUEST'
set -eEu
trap 'echo "line $LINENO: $BASH_COMMAND"' ERR
module md-mod raid1 loop
for i in 0 1 2 3; do
  losetup "/dev/loop$i" "$scratch/disk$i"
done
ours=(/dev/loop0 /dev/loop1)
theirs=(/dev/loop2 /dev/loop3)
"$NBDMIRROR" create --yes --assume-clean --name ours "${ours[@]}" >/dev/null
"$NBDMIRROR" create --yes --assume-clean --name theirs "${theirs[@]}" >/dev/null

# uuid_of DISK: of its array.
uuid_of ()
{
  mdadm --examine "$1" | sed -n 's/^ *Array UUID : //p'
}

# taken DEVICE: does the kernel's md have it?
taken ()
{
  test -n "$(ls "/sys/block/${1#/dev/}/holders")"
}

# is_taken WHAT DEVICE...: all of them.  is_free: none.
is_taken ()
{
  local what=$1 device
  shift
  for device; do
    taken "$device" || { echo "$what: $device was not taken"; return 1; }
  done
}

is_free ()
{
  local what=$1 device
  shift
  for device; do
    ! taken "$device" || { echo "$what: $device was taken"; return 1; }
  done
}

# As udev does, for each disk that appears.  Its status tells little.
appear ()
{
  local device
  for device in "${ours[@]}" "${theirs[@]}"; do
    mdadm --incremental --config="$scratch/mdadm.conf" "$device" || :
  done
}

# As boot scripts do.
scan ()
{
  mdadm --assemble --scan --config="$scratch/mdadm.conf" || :
}

# The kernel gives the disks back a moment after it says so.
stop_all ()
{
  wait_for mdadm --stop --scan
  wait_for can_be_opened "${ours[@]}" "${theirs[@]}"
}

can_be_opened ()
{
  "$PYTHON" - "$@" <<'END'
import os, sys
for device in sys.argv[1:]:
    os.close(os.open(device, os.O_RDWR | os.O_EXCL))
END
}

# configure LINE...: what mdadm.conf has.
configure ()
{
  printf '%s\n' "HOMEHOST <ignore>" "$@" >"$scratch/mdadm.conf"
}

for way in appear scan; do
  configure
  "$way"
  is_taken "$way, nothing configured" "${ours[@]}" "${theirs[@]}"
  stop_all

  # A server has them open exclusively.
  serve mirror "$MIRROR_SO" "${ours[@]}"
  "$way"
  is_free "$way, a server runs" "${ours[@]}"
  is_taken "$way, a server runs" "${theirs[@]}"
  stop mirror
  stop_all

  configure "ARRAY <ignore> UUID=$(uuid_of "${ours[0]}")"
  "$way"
  is_free "$way, ARRAY <ignore>" "${ours[@]}"
  is_taken "$way, ARRAY <ignore>" "${theirs[@]}"
  stop_all

  configure "AUTO -all" "ARRAY /dev/md/theirs UUID=$(uuid_of "${theirs[0]}")"
  "$way"
  is_free "$way, AUTO -all" "${ours[@]}"
  is_taken "$way, AUTO -all, with an ARRAY line" "${theirs[@]}"
  stop_all
done

# Ours can still be given to the kernel by hand.
configure "ARRAY <ignore> UUID=$(uuid_of "${ours[0]}")"
mdadm --assemble --config="$scratch/mdadm.conf" /dev/md0 "${ours[@]}"
is_taken "by hand" "${ours[@]}"
stop_all
GUEST
