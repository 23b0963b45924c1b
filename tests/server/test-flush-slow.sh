#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A server that is slow to flush, or to zero: longer than timeout= is allowed,
# longer than flush-timeout= is not, and then the client is answered with what
# the other disk did.

. "$(dirname "$0")/functions.sh"
requires_libnbd
requires_plugin eval

# serve_slow COMMAND: b.img, by a server that runs it first for each of these.
serve_slow ()
{
  image="$dir/b.img" slow="$1" serve b eval \
    thread_model='echo parallel' \
    get_size='stat -c %s "$image"' can_write='exit 0' can_flush='exit 0' \
    can_zero='exit 0' can_trim='exit 0' can_fua='echo native' \
    pread='dd if="$image" iflag=skip_bytes,count_bytes skip=$4 count=$3' \
    pwrite='case $5 in *fua*) eval "$slow" ;; esac
            dd of="$image" oflag=seek_bytes conv=notrunc seek=$4' \
    zero='eval "$slow"
          head -c $3 /dev/zero |
          dd of="$image" oflag=seek_bytes conv=notrunc seek=$4' \
    trim='eval "$slow"' flush='eval "$slow"'
}

# ask OPERATION...: of the mirror, all at once; they succeed.
ask ()
{
  python "$@" <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"1" * 4096, 0)
asked = {
    "flush": lambda: h.aio_flush(),
    "zero": lambda: h.aio_zero(65536, 65536),
    "trim": lambda: h.aio_trim(65536, 196608),
    "fua": lambda: aio_pwrite(h, b"2" * 4096, 4096, nbd.CMD_FLAG_FUA),
}
for cookie in [asked[name]() for name in sys.argv[1:]]:
    finish(h, cookie)
END
}

# Not answered within timeout=, and by default four times as long is allowed.
random_disk 1M a.img b.img
serve a file a.img
serve_slow 'sleep 7'
serve_mirror "$(uri a)" "$(uri b)" timeout=5
ask flush zero trim fua
stop mirror
said 0 "OUT OF THE MIRROR"
stop b
cmp -n 131072 a.img b.img

until_released='while test -d "$dir" && ! test -e "$dir/released"; do
                  sleep 0.1
                done'
for operation in flush zero trim fua; do
  rm -f mirror.messages released
  cp a.img b.img
  serve_slow "$until_released"
  serve_mirror "$(uri a)" "$(uri b)" timeout=1 flush-timeout=2
  ask $operation
  said_out b.sock
  said 1 "OUT OF THE MIRROR.*Connection timed out"
  stop mirror
  touch released
  stop b
done
