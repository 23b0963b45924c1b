#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The server stops while it reads what decides whether a lost disk comes back, and
# the disk's server does not answer: it does not wait for that, and says nothing
# of it.

. "$(dirname "$0")/functions.sh"
requires_libnbd
requires_filter delay log

is_said ()
{
  grep -q "$1" mirror.messages
}

is_read ()
{
  grep -qs " Read " b.log
}

random_disk 8M a.img b.img
serve b file b.img
serve_mirror a.img "$(uri b)" state="$dir/state" reconnect=1 timeout=3600
hold_mirror
kill_server b
wait_until is_said "IS OUT OF THE MIRROR"
serve b --filter=log --filter=delay file b.img logfile="$dir/b.log" rdelay=3600
wait_until is_read
stop mirror
said 0 "stopping"
