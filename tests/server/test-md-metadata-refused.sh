#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# No disk of an md array takes its metadata: none is failed for it, since no other
# one is better, but the array is degraded, with one critical event and a reason,
# until it can be stored again.

. "$(dirname "$0")/functions.sh"
. "$server_dir/stored.sh"
requires_filter error
requires_libnbd

disk 24M a.img b.img
md_array --bitmap-chunk=1M a.img b.img
for leg in a b; do
  serve $leg --filter=error file $leg.img error=ENOSPC error-pwrite-rate=100% \
    error-file="$dir/broken"
done
serve_mirror control="$dir/control" "$(uri a)" "$(uri b)"
controlled mirror
wait_until is_well
events
touch broken
write_somewhere fails 3 4 5
is_lost "cannot store the array's metadata"
events MetadataNotStored
rm broken
write_somewhere works 3
wait_until is_well
events MetadataNotStored MetadataStored

# Again and again: said with pauses, like all that clients could repeat.  (Where a
# bit is set it is their data that fails, and a resync follows.)
for ((i = 0; i < 20; i++)); do
  touch broken
  write_somewhere fails $((6 + i % 10))
  rm broken
  write_somewhere works $((6 + i % 10))
done
wait_until is_well
test "$(grep -c "metadata" mirror.messages)" -le 10
stop mirror
