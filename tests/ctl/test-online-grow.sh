#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# nbdmirror grow, bitmap, rename: an array gets more slots, more room, another
# bitmap and another name while a client writes; what is new is the same on all
# disks, and a server that starts again finds all of it.

. "$(dirname "$0")/online-functions.sh"

# sees WORDS VALUE: what detail says.
sees ()
{
  { local -; set +x; } 2>/dev/null
  local seen
  seen=$({ "$NBDMIRROR" detail || :; } | sed -n "s/^  $1  *//p" | head -n 1)
  test "$seen" = "$2" || fail "$1 is $seen, not $2"
}

for usage in "grow" "grow --legs 0" "grow --legs 3 --size max" "grow --size 100" \
  "grow --size little" "bitmap" "bitmap --none --internal" "bitmap --chunk 5K" \
  "rename" "rename a b c"; do
  # shellcheck disable=SC2086
  does 2 $usage
done

# Members that grow under it, and whose ends are not alike.
md_array --name=vm --bitmap=internal --bitmap-chunk=64K a.img b.img
serve mirror "$MIRROR_SO" a.img b.img
controlled mirror
hold_mirror
python "$dir/load.stop" <<'END' &
import os, sys
from nbdtest import *

h, turn = connect(), 0
while not os.path.exists(sys.argv[1]):
    h.pwrite(bytes([1 + turn % 100]) * 65536, turn % 16 * 65536)
    turn += 1
h.flush()
h.shutdown()
END
load=$!
size=$(python <<<'from nbdtest import *; print(connect().get_size())')
does 1 grow --yes --size max
grep -q "^nbdmirror: vm: already:" complaint
does 1 grow --yes --size 2M
grep -q "^nbdmirror: vm: smaller:" complaint
for disk in a b; do
  head -c 8M /dev/zero | tr '\0' "$disk" >>$disk.img
done
does 0 grow --dry-run --size max
sees size "$size"
does 0 grow --yes --size max
size=$((size + 8 * 1024 * 1024))
sees size $size
does 0 wait --for sync
python $size <<'END'
import sys
from nbdtest import *

h = connect()
size = int(sys.argv[1])
assert h.get_size() == size, h.get_size()
h.pwrite(b"e" * 512, size - 512)
h.flush()
h.shutdown()
END

disk 16M c.img
does 1 grow --yes --legs 3 --disk a.img
grep -q "^nbdmirror: vm: unusable:" complaint
sees slots 2
does 0 grow --yes --legs 3 --disk c.img
sees slots 3
does 0 wait
does 1 grow --yes --legs 2
grep -q "^nbdmirror: vm: in-use:" complaint

for bitmap in --none --internal "--chunk 128K"; do
  # shellcheck disable=SC2086
  does 0 bitmap --yes $bitmap
done
does 1 bitmap --yes --chunk 128K
grep -q "^nbdmirror: vm: already:" complaint
does 0 rename --yes vm "the new one"
does 0 status "the new one"
does 1 rename --yes "$(printf %033d 0)"
grep -q "^nbdmirror: the new one: bad-name:" complaint

touch load.stop
wait "$load"
does 0 stop --force
ended mirror
from=$(($(md_data a.img) + 1))
for disk in b c; do
  cmp <(tail -c +$from a.img | head -c $size) \
    <(tail -c +$from $disk.img | head -c $size)
done
rm mirror.messages
serve mirror "$MIRROR_SO" a.img b.img c.img
controlled mirror
does 0 status "the new one"
sees size $size
sees slots 3
sees bitmap true
stop mirror

# No more than makes sense without metadata.
disk 8M p.img q.img
rm mirror.messages
serve mirror "$MIRROR_SO" p.img q.img
controlled mirror
for order in "grow --size max" "bitmap --none" "rename x"; do
  # shellcheck disable=SC2086
  does 1 $order --yes
  grep -q "no-metadata:" complaint
done
does 0 grow --yes --legs 3
grep -q "until the mirror stops" said
stop mirror
