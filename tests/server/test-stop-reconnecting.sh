#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The server stops while it tries to reach a lost disk whose server takes the
# connection and says nothing: it does not wait for that.

. "$(dirname "$0")/functions.sh"
requires_libnbd

is_said ()
{
  grep -q "$1" mirror.messages
}

md_array a.img b.img
serve b file b.img
proxy p "$dir/b.sock"
serve_mirror a.img "$(uri p)" reconnect=1 timeout=3600
hold_mirror
proxy_do p hold both
proxy_do p reset
wait_until is_said "IS OUT OF THE MIRROR"
wait_until proxy_has p clients=1
stop mirror
