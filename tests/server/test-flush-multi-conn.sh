#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A flush on one connection covers what another connection has written.

. "$(dirname "$0")/functions.sh"
requires_filter log
requires_libnbd

disk 1M a.img b.img
for leg in a b; do
  serve $leg --filter=log file $leg.img logfile=$leg.log
done
serve_mirror "$(uri a)" "$(uri b)"
python <<'END'
from nbdtest import *

writer = connect()
flusher = connect()
writer.pwrite(b"x" * 4096, 8192)
flusher.flush()
# Both are still connected: no flush can come from anywhere else.
for leg in "ab":
    log = open(leg + ".log").read()
    assert log.index("...Write") < log.index(" Flush ") < log.index("...Flush")
END
