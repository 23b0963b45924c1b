#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# One disk answers "invalid" or the like to what the other one does: it is out,
# on record in an md array, and no client sees an error.  Answered so only
# once, it stays.  What no disk can do is the client's error and takes nobody
# out.

. "$(dirname "$0")/functions.sh"
requires_plugin eval
requires_libnbd

# leg NAME ERROR: writes and zeroing fail as long as NAME.broken is there, or
# once if there is NAME.once.  What was sent is read first, else nbdkit tells
# another error.
leg ()
{
  local fail="test ! -e '$dir/$1.broken' && ! rm '$dir/$1.once' 2>/dev/null ||
              { \$drain >/dev/null; echo $2 no >&2; exit 1; }"
  image="$dir/$1.img" serve "$1" eval get_size='stat -c %s "$image"' \
    can_write='exit 0' can_flush='exit 0' can_zero='exit 0' \
    can_trim='exit 0' can_fua='echo none' flush='exit 0' \
    pread='dd if="$image" iflag=skip_bytes,count_bytes skip=$4 count=$3' \
    pwrite="drain=cat; $fail; "'
          dd of="$image" oflag=seek_bytes conv=notrunc seek=$4' \
    zero="drain=:; $fail; "'head -c "$3" /dev/zero |
          dd of="$image" oflag=seek_bytes conv=notrunc seek=$4'
}

# asks OPERATION [ERROR]: and gets that error, or none.
asks ()
{
  python "$@" <<'END_OF_CLIENT'
from nbdtest import *

h = connect()
calls = {
    "write": lambda: h.pwrite(b"1" * 65536, 65536),
    "fua": lambda: h.pwrite(b"1" * 65536, 65536, nbd.CMD_FLAG_FUA),
    "zero": lambda: h.zero(65536, 65536, nbd.CMD_FLAG_NO_HOLE),
    "trim": lambda: h.trim(65536, 65536),
}
call = calls[sys.argv[1]]
if len(sys.argv) > 2:
    fails(getattr(errno, sys.argv[2]), call)
else:
    call()
END_OF_CLIENT
}

# round OPERATION ERROR [md]
round ()
{
  rm -f ./*.img mirror.messages
  disk 8M a.img b.img
  test -z "${3:-}" || md_array a.img b.img
  leg a "$2"
  leg b "$2"
  serve_mirror "$(uri a)" "$(uri b)"
  asks write
  touch b.once
  asks "$1"
  said 0 "OUT OF THE MIRROR"
  if test -z "${3:-}"; then # no metadata is stored between the two
    touch a.broken b.broken
    asks "$1" "$2"
    said 0 "OUT OF THE MIRROR"
    rm a.broken
  fi
  touch b.broken
  asks "$1"
  said_out b.sock
  test -z "${3:-}" || md_is a.img slots '"A."'
  stop mirror
  stop a
  stop b
  rm b.broken
}

for operation in write fua zero trim; do
  round $operation EINVAL
done
round write ENOMEM
round write EINVAL md
