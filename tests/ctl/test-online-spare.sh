#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# Spares: nbdmirror spare keeps a disk, which steps in by itself when another one
# fails, now or while the server was stopped; spare-delay= makes it wait.

. "$(dirname "$0")/online-functions.sh"

does 2 spare
does 2 spare a b c

md_array --name=vm a.img b.img
disk 8M c.img d.img e.img
disk 4M small.img
serve mirror "$MIRROR_SO" a.img b.img
controlled mirror
hold_mirror
python <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"1" * (4 << 20), 0)
h.shutdown()
END

does 0 spare --dry-run vm c.img
states in-sync in-sync
does 1 spare --yes vm small.img
grep -q "^nbdmirror: vm: too-small: " complaint
does 0 spare --yes vm c.img
states in-sync in-sync spare
"$NBDMIRROR" examine c.img >said
grep -q "role / slot  *spare" said
does 0 status --mdstat
grep -q 'c.img\[[0-9]*\](S)' said

# In the place of a disk that fails, at once.
does 0 fail --yes vm b.img
does 0 wait --for slot=1:in-sync
states in-sync failed in-sync
does 0 remove --yes vm b.img

# Not used, and let go.
does 0 spare --yes vm d.img
states in-sync in-sync spare
does 0 remove --yes vm d.img
states in-sync in-sync
python <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"2" * 65536, 1 << 20)
h.shutdown()
END
stop mirror
"$NBDMIRROR" assemble --dry-run a.img c.img d.img >said
grep -q "spare.*waits for a slot" said
cmp -i "$((2048 * 512))" a.img c.img

# A start without a disk uses it; after a while, if that was asked for.
rm mirror.messages
serve mirror "$MIRROR_SO" a.img d.img degraded=yes spare-delay=86400
controlled mirror
states in-sync missing spare
does 0 spare --yes vm e.img
states in-sync missing spare spare
stop mirror
rm mirror.messages
serve mirror "$MIRROR_SO" a.img d.img e.img degraded=yes
controlled mirror
hold_mirror
does 0 wait --for slot=1:in-sync
states in-sync in-sync spare
stop mirror
grep -q "d.img, a spare, steps in for slot 1" mirror.messages
cmp -i "$((2048 * 512))" a.img d.img
"$NBDMIRROR" examine e.img >said
grep -q "role / slot  *spare" said

# A new array may have one from the beginning.
does 2 create --yes --spares 2 a.img b.img c.img
does 2 create --yes --spares 1 a.img b.img missing
does 0 create --yes --force --assume-clean --name new --spares 1 \
  a.img b.img c.img
grep -q "2 c.img, a spare" said
rm mirror.messages
serve mirror "$MIRROR_SO" a.img b.img c.img
controlled mirror
hold_mirror
states in-sync in-sync spare
does 0 fail --yes new 0
does 0 wait --for slot=0:in-sync
states failed in-sync in-sync
