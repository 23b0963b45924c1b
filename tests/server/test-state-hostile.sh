#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A state file of any bytes: the start is refused, with lines for people, or the
# array serves what is in its disks.  Nothing crashes, and as long as nobody writes
# no disk is written.  The file is changed by chance, in its heads, superblocks,
# bitmaps and evidence, with checksums that fit or not.

. "$(dirname "$0")/functions.sh"
requires_libnbd

random_disk 8M a.img b.img
serve_mirror a.img b.img state=state
python <<'END'
from nbdtest import *
h = connect()
h.pwrite(b"x" * 4096, 1 * MiB)
h.flush()
END
stop mirror
cp state good
sums ./*.img >before

cat >change.py <<'END'
import os
import random
import sys

HEAD, AREAS, AREA = 65536, 131072, 262144
PRIME, WORD = 0x9e3779b97f4a7c15, (1 << 64) - 1
chance = random.Random(f"{os.environ['MIRROR_SEED']} {sys.argv[1]}")
state = bytearray(open("good", "rb").read())


def number(at, size):
    return int.from_bytes(state[at:at + size], "little")


def put(at, size, value):
    state[at:at + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")


def mend_head(at):
    put(at + 24, 8, 0)
    total = 0xcbf29ce484222325
    for byte in state[at:at + HEAD]:
        total = (total ^ byte) * 0x100000001b3 & WORD
    put(at + 24, 8, total)


def mend_super(at):
    put(at + 216, 4, 0)
    size = 256 + 2 * min(number(at + 220, 4), 1920)
    total = sum(number(at + i, 4) for i in range(0, size // 4 * 4, 4))
    if size % 4:
        total += number(at + size // 4 * 4, 2)
    put(at + 216, 4, total + (total >> 32))


def mend_evidence(at):
    put(at + 24, 8, 0)
    total = PRIME
    for i in range(0, 4096, 8):
        total = (total ^ number(at + i, 8)) * PRIME & WORD
        total ^= total >> 32
    put(at + 24, 8, total)


area = AREAS + chance.randrange(2) * AREA
kind = chance.choice(["head", "super", "bitmap", "evidence", "any"])
places = {"head": (chance.randrange(2) * HEAD, 3100),
          "super": (area + AREA - 8192, 264),
          "bitmap": (area + AREA - 8192 - 4096, 264),
          "evidence": (area + AREA - 4096, 200),
          "any": (0, len(state))}
start, length = places[kind]
for _ in range(chance.choice([1, 1, 2, 8])):
    at = start + chance.randrange(length)
    size = min(chance.choice([1, 1, 2, 4, 8]), len(state) - at)
    put(at, size, chance.choice([0, 1, -1, chance.getrandbits(64),
                                 1 << chance.randrange(64),
                                 number(at, size) + chance.choice([-1, 1])]))
if chance.randrange(4):
    if kind == "head":
        mend_head(start)
        if chance.randrange(2):
            state[0:HEAD] = state[HEAD:2 * HEAD] = state[start:start + HEAD]
    elif kind == "super":
        mend_super(start)
    elif kind == "evidence":
        mend_evidence(start)
if kind == "any" and chance.randrange(4) == 0:
    del state[chance.randrange(len(state)):]
open("state", "wb").write(state)
END

refusals=0
served=0
for round in $(seq "${HOSTILE_ROUNDS:-40}"); do
  "$PYTHON" change.py "$round"
  rm -f mirror.messages
  status=0
  # Whoever looks on lets nothing be written.
  nbdkit_once "$MIRROR_SO" control=none a.img b.img state=state \
    --run 'nbdcopy "$uri" data.now' 2>mirror.messages || status=$?
  if test "$status" = 0; then
    served=$((served + 1))
    cmp a.img data.now
  else
    test "$status" = 1 || fail "round $round: status $status"
    grep -q "nbdkit: error: " mirror.messages || fail "round $round: no word"
    refusals=$((refusals + 1))
  fi
  sums ./*.img | cmp - before
done
echo "$refusals refused, $served served"
test "$refusals" -gt 0
test "$served" -gt 0
