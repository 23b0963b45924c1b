#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A cache request, which is a hint, is passed on to a leg that wants it and
# succeeds on others.

. "$(dirname "$0")/functions.sh"
requires_filter log
requires_libnbd

disk 4M a.img b.img
for leg in a b; do
  serve $leg --filter=log file $leg.img logfile=$leg.log
done
serve_mirror "$(uri a)" "$(uri b)"
python <<'END'
from nbdtest import *

connect().cache(MiB, 4096)
END
stop mirror
cat a.log b.log | grep ' Cache id=.* offset=0x1000 count=0x100000'

serve_mirror a.img b.img
python <<'END'
from nbdtest import *

connect().cache(4 * MiB, 0)
END
