#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# After a crash, what a read returns is what it will return whatever disk fails
# later: where copies may differ it is brought together before the first read
# is answered, long before the resync gets there.

. "$(dirname "$0")/functions.sh"
requires_libnbd

disk 32M a.img b.img
"$NBDMIRROR" create --yes --bitmap-chunk=64K a.img b.img
data=$(md_data a.img)
size=$(md_field a.img array size)

# The copies differ everywhere: "a" on one, "b" on the other.
for leg in a b; do
  head -c "$size" /dev/zero | tr '\0' $leg \
    | dd of=$leg.img bs=1M oflag=seek_bytes seek="$data" conv=notrunc \
      status=none
done
before=$(sha256sum <b.img)

# Whoever only reads sees the first copy, and nothing is written.
serve mirror -r "$MIRROR_SO" a.img b.img
python <<'END'
from nbdtest import *
h = connect()
size = h.get_size()
for offset in 0, size // 2, size - 4096:
    for i in range(20):
        assert h.pread(4096, offset) == b"a" * 4096
END
stop mirror
test "$before" = "$(sha256sum <b.img)"

# So slow that it gets nowhere.
serve_mirror a.img b.img sync_max=64K sync_min=64K
python <<END
from nbdtest import *
h = connect()
with open("b.img", "rb") as disk:
    for offset in $size - 4096, $size // 2 - 512, 20 * MiB + 777:
        assert h.pread(4096, offset) == b"a" * 4096
        disk.seek($data + offset)
        assert disk.read(4096) == b"a" * 4096
    # And no more than it had to be.
    disk.seek($data + 24 * MiB)
    assert disk.read(4096) == b"b" * 4096
END

# The other disk alone says the same.
kill_server mirror
serve_mirror b.img degraded=yes
python <<END
from nbdtest import *
h = connect()
for offset in $size - 4096, $size // 2 - 512, 20 * MiB + 777:
    assert h.pread(4096, offset) == b"a" * 4096
END
stop mirror
