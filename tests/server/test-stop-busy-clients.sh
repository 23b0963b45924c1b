#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# SIGTERM while clients write: everything that was acknowledged is flushed on
# both legs, and the server ends in order.

. "$(dirname "$0")/functions.sh"
requires_filter cache
requires_libnbd

disk 64M a.img b.img
# These lose what was not flushed when they are killed.
for leg in a b; do
  serve $leg --filter=cache file $leg.img cache=writeback
done
serve_mirror "$(uri a)" "$(uri b)"

# Client I writes block after block of its 16 MiB until its connection ends,
# and notes the last one that was acknowledged.
clients=()
for i in 0 1 2 3; do
  python $i <<'END' &
from nbdtest import *

first = 4096 * int(sys.argv[1])
h = connect()
try:
    for n in range(first, first + 4096):
        h.pwrite((n + 1).to_bytes(8, "big") * 512, n * 4096)
        if n == first + 99:
            open("busy" + sys.argv[1], "w").close()
except nbd.Error as e:
    print(e)
with open("acknowledged" + sys.argv[1], "w") as file:
    print(n, file=file)
END
  clients+=($!)
done
wait_until test -e busy0 -a -e busy1 -a -e busy2 -a -e busy3
stop mirror
finished "${clients[@]}"
kill_server a
kill_server b
python <<'END'
from nbdtest import *

for i in range(4):
    end = int(open("acknowledged%d" % i).read())
    print("client", i, "got as far as", end - 4096 * i)
    for image in "a.img", "b.img":
        data = open(image, "rb").read()
        for n in range(4096 * i, end):
            block = data[n * 4096:(n + 1) * 4096]
            assert block == (n + 1).to_bytes(8, "big") * 512, (image, n)
END
