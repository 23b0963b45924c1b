#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The connection to a disk is reset in the middle of an answer, or closed while
# it owes some: what it owed is read from the other disk at once.

. "$(dirname "$0")/functions.sh"
requires nbdcopy

random_disk 16M a.img b.img
serve a file a.img
serve b file b.img
proxy unix "$dir/b.sock"
proxy tcp "$dir/b.sock" tcp

for name in unix tcp; do
  uri=$(uri $name)
  test $name = unix || uri=nbd://localhost:$port
  for cut in "reset-after 300000" reset close; do
    rm -f mirror.messages
    # No deadline of ours passes.
    serve_mirror "$(uri a)" "$uri" timeout=3600
    if test "$cut" = "reset-after 300000"; then
      # shellcheck disable=SC2086
      proxy_do $name $cut
      client nbdcopy --connections=4 "$(uri mirror)" out
    else
      proxy_do $name hold down
      client nbdcopy --connections=4 "$(uri mirror)" out &
      copy=$!
      until_asked () { ! proxy_has $name held_down=0; }
      wait_until until_asked
      proxy_do $name $cut
      finished $copy
    fi
    cmp a.img out
    said_out "${uri#nbd*//}"
    stop mirror
    proxy_do $name forget
    proxy_do $name pass
    serve_again b file b.img
  done
done
