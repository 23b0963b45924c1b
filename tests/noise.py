# SPDX-License-Identifier: BSD-3-Clause
# noise SIZE NAME: bytes without a pattern, for each name others.  Those of one
# name are always the same; MIRROR_SEED=N chooses others for all names.

import os
import random
import sys

UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}

size, name = sys.argv[1:]
left = int(size.rstrip("KMG")) * UNITS.get(size[-1], 1)
chance = random.Random("%s/%s" % (os.environ.get("MIRROR_SEED", 1), name))
while left > 0:
    part = min(left, 1 << 20)
    sys.stdout.buffer.write(chance.randbytes(part))
    left -= part
