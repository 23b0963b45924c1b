#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A disk of an idle array whose server has stopped, or to which nothing gets
# through any more, is out though nothing is asked of the array: over a Unix
# socket, TCP and TLS; with nbdkit and qemu-nbd.

. "$(dirname "$0")/functions.sh"

# idle_out NAME URI COMMAND...: a.img and this disk, of which only the latter
# goes when that was done.
idle_out ()
{
  rm -f mirror.messages
  serve_mirror a.img "$2" timeout=1
  "${@:3}"
  wait_until grep -q "(slot 1) IS OUT OF THE MIRROR: it is gone: Connection timed" \
    mirror.messages
  said 1 "OUT OF THE MIRROR"
  stop mirror
}

disk 1M a.img b.img
serve b file b.img
idle_out b "$(uri b)" freeze b
kill_server b

serve b file b.img
proxy unix "$dir/b.sock"
proxy tcp "$dir/b.sock" tcp
for name in unix tcp; do
  uri=$(uri $name)
  test $name = unix || uri=nbd://localhost:$port
  for spoilt in "freeze" "drop up" "drop down" "hold up" "hold down"; do
    # shellcheck disable=SC2086
    idle_out b "$uri" proxy_do $name $spoilt
    proxy_do $name close
    proxy_do $name pass
    proxy_do $name forget
  done
done
kill_server b

if command -v psktool >/dev/null; then
  psktool -u alice -p keys.psk
  serve_tcp b --tls=require --tls-psk="$dir/keys.psk" file b.img
  idle_out b "nbds://alice@localhost:$port/?tls-psk-file=$dir/keys.psk" freeze b
  kill_server b
fi

if command -v qemu-nbd >/dev/null; then
  started b qemu-nbd --persistent --format=raw --socket="$dir/b.sock" \
    --pid-file="$dir/b.pid" b.img
  idle_out b "$(uri b)" freeze b
  kill_server b
fi
