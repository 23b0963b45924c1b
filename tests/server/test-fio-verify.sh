#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# fio writes with four connections and finds every block again by its
# checksum; afterwards the disks are the same.

. "$(dirname "$0")/functions.sh"
requires fio
fio --enghelp=nbd >/dev/null 2>&1 || skip "fio has no nbd engine"

disk 64M a.img b.img
serve b file b.img
serve_mirror a.img "$(uri b)"
# Each job has a quarter, and rewrites some blocks that are under way.
client fio --name=verify --ioengine=nbd --uri="$(uri mirror)" \
  --numjobs=4 --size=16M --offset_increment=16M --rw=randwrite \
  --bsrange=4k-64k --iodepth=16 --serialize_overlap=1 \
  --verify=crc32c --verify_fatal=1 --do_verify=1 --end_fsync=1 \
  --output=fio.log
stop mirror
cmp a.img b.img
