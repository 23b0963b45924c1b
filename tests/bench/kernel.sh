#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# kernel.sh: the mirror and the kernel's md, in one guest. ("make bench-kernel")
#
# Two files on user-mode Linux are in turns an md raid1 of the kernel's, by way
# of loop devices, and the same array served by the mirror and attached with
# nbd-client.  nbdkit's null plugin, attached likewise, shows what any server
# can reach there.  fio uses the block device.
#
# It is a lower bound for us: the guest has one processor, and to change from
# one process to another, which only servers need, costs it many times what it
# costs a kernel on hardware.
#
# BENCH_ROUNDS, BENCH_SECONDS, BENCH_ROWS as in run.sh.

bench=$(cd "$(dirname "$0")" && pwd)
. "$bench/../kernel/functions.sh"

MIRROR_SO=$(realpath "${MIRROR_SO:-./mirror.so}")
rounds=${BENCH_ROUNDS:-3}
seconds=${BENCH_SECONDS:-2}
export MIRROR_SO bench rounds seconds

for program in nbdkit fio mdadm nbd-client; do
  if ! command -v "$program" >/dev/null; then
    echo "bench: skipped: $program is not installed"
    exit 77
  fi
done

# The form is explained in turns.sh.
cat >"$scratch/rows" <<'END'
uml      | randread  4k 1  1 | iops | kernel, null
uml      | randread  4k 16 1 | iops | kernel, null
uml      | randwrite 4k 1  1 | iops | kernel, null
uml      | randwrite 4k 16 1 | iops | kernel, null
uml-sync | randwrite 4k 1  1 | iops | kernel, null
END
grep -e "${BENCH_ROWS:-.}" "$scratch/rows" >"$scratch/chosen"

load=$(cut -d ' ' -f 1 /proc/loadavg)
truncate -s 80M "$scratch/disk1" "$scratch/disk2"

# Its console is no part of the table.
kernel_run >&2 <<'GUEST' || { cat "$scratch/server.log" >&2; exit 1; }
. "$bench/turns.sh"
module md-mod raid1 loop nbd
export MDADM_NO_UDEV=1
size=64M
cd "$scratch"

attach_kernel ()
{
  losetup /dev/loop1 disk1
  losetup /dev/loop2 disk2
  mdadm --quiet "$@" /dev/loop1 /dev/loop2
  device=/dev/md0
}

detach_kernel ()
{
  # md may be at its metadata for a moment yet, and the loops in its hands.
  wait_for mdadm --quiet --stop /dev/md0
  wait_for losetup -d /dev/loop1
  wait_for losetup -d /dev/loop2
}

# attach WHO: as $device.
attach ()
{
  case $1 in
    kernel) attach_kernel --assemble /dev/md0; return ;;
    ours) serve server "$MIRROR_SO" disk1 disk2 ;;
    null) serve server null "$size" ;;
  esac
  nbd-client -unix /run/server.sock /dev/nbd0
  device=/dev/nbd0
}

detach ()
{
  if test "$1" = kernel; then
    detach_kernel
  else
    nbd-client -d /dev/nbd0
    stop server
  fi
}

measure ()
{
  local setting=$1 who=$2 file=$3 device
  local -a options=()
  shift 3
  test "$setting" != uml-sync || options=(--fdatasync=1)
  rm -f out.json
  attach "$who" >>server.log 2>&1
  if load "$@" "${options[@]}" --ioengine=io_uring --direct=1 --name=bench \
      --filename="$device" >>server.log 2>&1; then
    mv out.json "$file"
  else
    echo "bench: failed: $setting $who $*" >&2
    tail -n 3 server.log >&2
  fi
  detach "$who" >>server.log 2>&1
}

attach_kernel --create /dev/md0 --run --assume-clean --level 1 \
  --raid-devices 2 --bitmap internal --metadata 1.2
# All blocks of the files are allocated.
dd if=/dev/urandom of=/dev/md0 bs=1M count="${size%M}" oflag=direct status=none
detach_kernel
take_turns chosen "$rounds"
GUEST

cd "$scratch" || exit
"${PYTHON:-python3}" "$bench/table.py" chosen "$rounds" "User-mode Linux on \
one processor (load $load at the start of $(nproc)), $(nbdkit --version), \
$(fio --version); medians of $rounds rounds of $seconds s, disks of 64M."
