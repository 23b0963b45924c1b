#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The flush of one leg fails: that leg has lost something and is out, and the
# client's flush succeeds, since the other leg has everything.

. "$(dirname "$0")/functions.sh"
requires_plugin eval
requires_libnbd

disk 1M a.img b.img
serve_with_flush a 'test ! -e "$(dirname "$image")/broken" ||
                    { echo EIO broken >&2; exit 1; }'
serve_mirror "$(uri a)" b.img
python <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"1" * 4096, 0)
h.flush()
open("broken", "w").close()
h.pwrite(b"2" * 4096, 0)
h.flush()
h.flush()
END
said_out a.sock
said 1 "a flush failed"
said 1 .
