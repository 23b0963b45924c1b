#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154
# The servers of an array's disks are killed and started again, one after the
# other, and lose what was not flushed; each disk comes back by itself.  The
# kernel then takes the array over, and finds every copy the same.

. "$(dirname "$0")/md-functions.sh"
nbdkit --filter=cache null --version >/dev/null 2>&1 ||
  { echo "nbdkit has no cache filter"; exit 77; }

export XDG_RUNTIME_DIR=$scratch/run
mkdir "$XDG_RUNTIME_DIR"

cat >"$scratch/arrays.py" <<'ARRAYS'
from mdlab import *

KINDS = ((1, None, 2, "1.2", 64 * KIB), (1, None, 3, "1.0", 64 * KIB),
         (1, None, 2, "1.2", None), (10, "n2", 4, "1.2", 64 * KIB))
everything = [Array(f"flaps-{number}", *kind, disk_size=8 * MIB)
              for number, kind in enumerate(KINDS)]
FLAPS = 20 if LONG else 3
ARRAYS
PYTHONPATH=$PYTHONPATH:$scratch

host <<'HOST'
from arrays import *
from mdhost import *


def serve(array, number):
    return Nbdkit(f"{array.name}.disk{number}", "--filter=cache", "file",
                  array.disks[number], "cache=writeback")


def is_whole(array):
    one, = json.loads(run(NBDMIRROR, "--json", "status", array.name,
                          status=None))["arrays"]
    return [member["state"] for member in one["members"]] \
        == ["in-sync"] * array.members


def flap(array, server, legs, number, random):
    server.scribble(random, 4)
    legs[number].kill()
    server.scribble(random, 4)
    legs[number] = serve(array, number)
    server.scribble(random, 4)
    wait_until("in sync", lambda: is_whole(array))


for array in everything:
    server, legs = None, []
    random = chance(array.name)
    with case(array, array):
        array.make_disks()
        run(NBDMIRROR, "create", "--yes", "--assume-clean", "--name",
            array.name, "--level", f"raid{array.level}", "--metadata",
            array.metadata, "--bitmap",
            "internal" if array.bitmap else "none", *array.disks)
        legs = [serve(array, number) for number in range(array.members)]
        server = Server(array, [leg.uri() for leg in legs], ["reconnect=1"])
        server.connect()
        server.fill()
        for _ in range(FLAPS):
            flap(array, server, legs, random.randrange(array.members), random)
        server.verify("after all")
        server.stop()
    if array.failed and server:
        server.abandon()
    for leg in legs:
        leg.kill()
    if not array.failed:
        with case(array, array):
            array.compare_views("left by the mirror")
finish(everything)
HOST

guest <<'GUEST'
from arrays import *
from mdguest import *

for array in [Array.load(one.name) for one in everything]:
    if array.failed:
        continue
    kernel = Kernel(array)
    with case(array, array):
        kernel.attach()
        kernel.assemble(options=("--run",))
        kernel.settle()
        kernel.verify("after flaps")
        kernel.expect_complete()
        kernel.check()
        kernel.stop()
    if array.failed:
        kernel.abandon()
finish()
GUEST
md_end
