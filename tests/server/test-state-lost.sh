#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# With state= the file is lost while the array serves, or cannot be written: the
# array is degraded until it can be stored to again, whatever its disks are, with
# one critical event and a reason that says what to do.  That works.  A stop before
# ends with an error.

. "$(dirname "$0")/functions.sh"
. "$server_dir/stored.sh"
requires_libnbd
hangable

begin ()
{
  serve_hangable_state a.img b.img
}

stop_fails ()
{
  if stop mirror; then
    fail "the stop ends with 0"
  fi
}

# action: what the reason says is to be done.
action ()
{
  "$PYTHON" -c '
import json
(status,) = json.load(open("status.json"))["arrays"]
print(status["reasons"][0]["action"])'
}

random_disk 24M a.img b.img

# Its disk is full for a while.
begin
is_well
events
touch state.full
write_somewhere fails 3 4 5
is_lost "cannot be written: No space left on device"
events MetadataNotStored
rm state.full
write_somewhere works 3
is_well
events MetadataNotStored MetadataStored
stop mirror

# Until the stop.
begin
write_somewhere works 1
touch state.full
stop_fails
rm state.full
begin
write_somewhere works 2
client "$NBDMIRROR" wait --for healthy "$dir/control"
stop mirror

# It is removed, and put back as the reason says: it is the one that is used from
# then on.
begin
rm state
write_somewhere fails 7 8 9
is_lost "was removed or replaced"
events MetadataNotStored
copy=$(action | grep -o "cp /proc/[0-9]*/fd/[0-9]* $dir/state")
# Another file is not taken for it.
noise 1M >state
write_somewhere fails 7
is_lost "was removed or replaced"
$copy
printf x | dd of=state bs=1 seek=$((200 * 1024)) conv=notrunc status=none
write_somewhere fails 7
is_lost "was removed or replaced"
$copy
# Nobody writes.
wait_until is_well
write_somewhere works 7 8 9
events MetadataNotStored MetadataStored
stop mirror
begin
said 0 "resync"
is_well
stop mirror

# It is removed, and nothing is written: the stop sees it.
begin
mv state elsewhere
stop_fails
said 1 "state file $dir/state: was removed or replaced"
mv elsewhere state

# It is truncated: what is true is on the disks, and a new file is made of it.
begin
truncate -s 8K state
write_somewhere fails 10 11
is_lost "was overwritten or truncated"
events MetadataNotStored
action | grep "stop the mirror, remove the file, and start again"
stop_fails
rm state
begin
is_well
write_somewhere works 10
stop mirror
cmp a.img b.img
