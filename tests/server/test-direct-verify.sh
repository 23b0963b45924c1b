#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# cache=none: the page cache is left out, and fio finds every block that it
# wrote, through one, two and three direct legs.

. "$(dirname "$0")/functions.sh"
requires fio
fio --enghelp=nbd >/dev/null 2>&1 || skip "fio has no nbd engine"
requires_direct

for disks in "a.img b.img" "a.img b.img c.img" "a.img $(uri b)"; do
  rm -f [abc].img
  disk 16M a.img b.img c.img
  case $disks in
    *sock) serve b file b.img ;;
  esac
  # shellcheck disable=SC2086
  serve_mirror $disks cache=none
  client fio --name=verify --ioengine=nbd --uri="$(uri mirror)" \
    --numjobs=2 --size=8M --offset_increment=8M --rw=randwrite \
    --bsrange=4k-2m --iodepth=8 --serialize_overlap=1 \
    --verify=crc32c --verify_fatal=1 --do_verify=1 --end_fsync=1 \
    --output=fio.log
  stop mirror
  said 0 "nbdkit: error: "
  cmp a.img b.img
  case $disks in
    *c.img) cmp a.img c.img ;;
  esac
done
