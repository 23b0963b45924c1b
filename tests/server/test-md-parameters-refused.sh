#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every wrong parameter of md arrays is refused before a disk is opened:
# status 1, one line that names the parameter and says what is right.

. "$(dirname "$0")/functions.sh"

# No such disks: a right parameter gets as far as them.
disks=(no-1.img no-2.img)
accepted ()
{
  refused "disk $dir/no-1.img: does not exist" "${disks[@]}" "$@"
}

choices="use yes, no or wait:SECONDS, with 0 to 86400 seconds"
for value in maybe "" YES wait wait: wait:soon wait:-1 wait:5s wait:86401 \
             "wait: 5" wait:5000000000 no:5; do
  refused "error: degraded=$value: $choices" "${disks[@]}" "degraded=$value"
done
for value in yes no wait:0 wait:86400; do
  accepted "degraded=$value"
done

for value in soon "" -1 86401 5s; do
  refused "error: spare-delay=$value: use a number of seconds, 0 to 86400" \
    "${disks[@]}" "spare-delay=$value"
done
accepted spare-delay=0
accepted spare-delay=86400

for value in newest "" 0 leg leg: leg:x leg:-1 leg:32 leg:1x; do
  refused "error: on-split-brain=$value: use leg:N.*as given, from 0" \
    "${disks[@]}" "on-split-brain=$value"
done
refused "on-split-brain=leg:2: .*the last leg:1" "${disks[@]}" \
  on-split-brain=leg:2
refused "on-split-brain=leg:2: .*the last leg:1" on-split-brain=leg:2 \
  "${disks[@]}"
accepted on-split-brain=leg:0
accepted on-split-brain=leg:1

for key in sync_min sync_max; do
  for value in fast "" -1 1.5M 10Q 1MB 9999999999999999999; do
    refused "error: $key=$value: is not a size; use a number of bytes" \
      "${disks[@]}" "$key=$value"
  done
  refused "error: $key=0: .*more than 0" "${disks[@]}" "$key=0"
  refused "error: $key=0K: .*more than 0" "${disks[@]}" "$key=0K"
  accepted "$key=1"
  accepted "$key=100G"
  accepted "$key=200000000000"
done
refused "sync_min=2097152 is more than sync_max=1048576: it must be less" \
  "${disks[@]}" sync_min=2M sync_max=1M
accepted sync_min=1M sync_max=1M
