#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# What assemble --dry-run tells is what the server does: does it start, who is
# used, who is rebuilt and how.  Both are asked and compared.

. "$(dirname "$0")/verdict-functions.sh"
. "$(dirname "$0")/../server/functions.sh"
requires_libnbd

# alone DATA DISK...: something is written while only these are there.
alone ()
{
  local data=$1
  shift
  serve_mirror "$@"
  data=$data python <<'END'
from nbdtest import *

connect().pwrite(os.environ["data"].encode() * 1024, 1 * MiB)
END
  stop mirror
}

# serve_unreadable NAME FROM TO: NAME.img, whose bytes from FROM on and before
# TO cannot be read.
serve_unreadable ()
{
  # shellcheck disable=SC2016 # the server's variables
  image="$dir/$1.img" from=$2 to=$3 serve "$1" eval \
    get_size='stat -c %s "$image"' can_write='exit 0' can_flush='exit 0' \
    pread='if test $(($4 + $3)) -gt "$from" && test "$4" -lt "$to"; then
             echo EIO planted >&2
             exit 1
           fi
           dd if="$image" iflag=skip_bytes,count_bytes skip=$4 count=$3' \
    pwrite='dd of="$image" oflag=seek_bytes conv=notrunc seek=$4' \
    flush='sync "$image"'
}

# with_and_without_bitmap KIND HOW: one of two has missed writes.
with_and_without_bitmap ()
{
  rm -f ./*.img
  md_array a.img b.img --bitmap="$1"
  alone both a.img b.img
  same "start: a.img b.img" a.img b.img
  same "start: a.img" a.img
  same "start: a.img" a.img gone.img degraded=yes
  alone one a.img
  same "start: a.img b.img:$2" a.img b.img
  same "start: b.img:$2 a.img" b.img a.img
  same refused a.img b.img degraded=no
  # Split brain; then there is nothing to choose any more.
  same "start: b.img" b.img
  alone other b.img
  same refused a.img b.img
  same "start: a.img b.img:full" a.img b.img on-split-brain=leg:0
  same "start: a.img:full b.img" a.img b.img on-split-brain=leg:1
  same refused gone.img a.img b.img on-split-brain=leg:0 degraded=yes
}

with_and_without_bitmap internal bitmap
with_and_without_bitmap none full

# A third takes the place of one that was lost: that one has none any more.
rm -f ./*.img
md_array a.img b.img c.img --level=raid10 --layout=n2 --chunk=64K
alone all a.img b.img c.img
cp b.img old.img
same refused a.img b.img c.img old.img        # a copy
same "start: a.img c.img" a.img c.img
same refused b.img
same refused a.img b.img c.img /dev/null

# Members and others do not mix.
rm -f ./*.img
md_array a.img b.img
same "start: a.img b.img" a.img b.img
same refused a.img gone.img degraded=no
disk 8M plain.img
same refused a.img plain.img
same refused plain.img gone.img

# Near the end of its events an array is only read, and nobody is rebuilt.
rm -f ./*.img
md_array a.img b.img --bitmap=none
alone both a.img b.img
python <<'END'
from mdtest import *

for disk in "a.img", "b.img":
    with superblock(disk) as sb:
        put(sb, "Q", 200, 1 << 62)
END
same "start, read only: a.img b.img" a.img b.img
python <<'END'
from mdtest import *

with superblock("b.img") as sb:
    put(sb, "Q", 200, (1 << 62) - 9)
END
same "start, read only: a.img" a.img b.img

# without FROM LENGTH: b is left out if it cannot be read there.
without ()
{
  serve_unreadable b "$1" $(($1 + $2))
  same "start: a.img" a.img "$(uri b)"
  same "start: a.img" "$(uri b)" a.img
  same refused a.img "$(uri b)" degraded=no
  same refused "$(uri b)"
  same refused "$(uri b)" gone.img degraded=yes
  same refused "$(uri b)" plain.img
  stop b
}

# A disk whose metadata cannot be read, wherever it is, is left out; with
# nobody left it is the reason.
rm -f ./*.img
md_array a.img b.img
alone both a.img b.img
disk 8M plain.img
bitmap=$((4096 + 512 * $(md_field b.img bitmap offset_sectors)))
log=$((4096 + 512 * $(md_field b.img bblog_offset_sectors)))
without 4096 512
without "$bitmap" 256
without "$((bitmap + 256))" 1
python <<'END'
from mdtest import *

set_bad_blocks("b.img", [])
END
without "$log" 512
serve_unreadable a 0 8192
serve_unreadable b 0 8192
same refused "$(uri a)" "$(uri b)"
unreadable="a.sock: its superblock, at byte 0, cannot be read: "
grep "disk .*/$unreadable" mirror.messages
"$NBDMIRROR" assemble --dry-run "$(uri a)" "$(uri b)" >told || test $? = 6
grep "would not start: .*/$unreadable" told
stop a
stop b

# The bits of a bitmap that is not believed anyway are read by nobody.
python <<'END'
from mdtest import *

at = SUPER + 512 * get(read("b.img", SUPER, 512), "i", 96)
write("b.img", at + 48, struct.pack("<I", 2))     # stale
END
serve_unreadable b "$((bitmap + 256))" "$((bitmap + 257))"
same "start: a.img b.sock" a.img "$(uri b)"
stop b

# Bitmaps of different regions cannot both be kept.
rm -f ./*.img
md_array a.img b.img
python <<'END'
from mdtest import *

at = SUPER + 512 * get(read("b.img", SUPER, 512), "i", 96)
write("b.img", at + 52, struct.pack("<I", 1 << 25))
END
same "start, read only: a.img b.img" a.img b.img

# A bad block log of zeroes is an empty one, as to Linux.
rm -f ./*.img
md_array a.img b.img
python <<'END'
from mdtest import *

set_bad_blocks("b.img", [(0, 0)] * 512)
END
same "start: a.img b.img" a.img b.img
"$NBDMIRROR" assemble --dry-run a.img b.img >told
if grep "bad blocks" told; then
  fail "its bad block log lists nothing"
fi

# A bad block log that cannot be believed.
rm -f ./*.img
md_array a.img b.img
alone both a.img b.img
python <<'END'
from mdtest import *

set_bad_blocks("b.img", [(3000, 0)])
END
same "start: a.img" a.img b.img
same refused a.img b.img degraded=no
same refused b.img
damage="b.img: bad block log entry 0 0x.*: not a range of 1 to 512 blocks"
python <<'END'
from mdtest import *

set_bad_blocks("a.img", [(3000, 0)])
END
same refused b.img a.img
grep "disk .*/$damage.*; nothing was written" mirror.messages
"$NBDMIRROR" assemble --dry-run b.img a.img >told || test $? = 6
grep "would not start: $damage" told
if grep superblock told; then
  fail "the superblocks are sound"
fi

# With a disk that cannot be written nobody is rebuilt, and nobody says so.  The
# server does not have to say that it is read-only: its clients see it.
rm -f ./*.img
md_array a.img b.img
alone both a.img b.img
alone one a.img
serve a -r file a.img
test "$(verdict "$(uri a)" b.img)" = "start, read only: a.sock"
test "$(served "$(uri a)" b.img)" = "start: a.sock"
grep "b.img: is not used: missed writes" mirror.messages

# Missing is who is not there, not who is there and cannot be used, nor what
# cannot be a name.
rm -f ./*.img
md_array a.img b.img
alone both a.img b.img
ln -s loop.img loop.img
same "start: a.img" a.img gone.img
same refused a.img a.img/b.img
same refused a.img loop.img
same refused a.img "$dir"

# A server without that export, and the same where it must prove who it is.
mkdir exports
echo alice:0123456789abcdef >keys.psk
serve other file dir=exports
test "$(verdict a.img "nbd+unix:///b?socket=$dir/other.sock")" = "start: a.img"
nbdkit_once "$MIRROR_SO" degraded=yes a.img \
  "nbd+unix:///b?socket=$dir/other.sock" --run true
same refused a.img degraded=yes \
  "nbds+unix://alice@/b?socket=$dir/other.sock&tls-psk-file=$dir/keys.psk"
stop other
