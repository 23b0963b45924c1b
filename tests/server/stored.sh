# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154
# stored.sh: can the array store what it has to remember, and what is said of it?
# Sourced after functions.sh, with a mirror that has the control socket
# $dir/control.

# write_somewhere MiB...: to regions that have no bit yet; "fails" or "works".
write_somewhere ()
{
  python "$@" <<'END'
from nbdtest import *
h = connect()
for at in sys.argv[2:]:
    try:
        h.pwrite(b"6" * 4096, int(at) * MiB)
        assert sys.argv[1] == "works", at
    except nbd.Error as e:
        assert sys.argv[1] == "fails", e
        assert e.errnum in (errno.ESTALE, errno.EBADMSG, errno.EIO,
                            errno.ENOSPC), e
END
}

# is_well: nothing is wrong that anybody is told of.
is_well ()
{
  status_says 'status["array"]["health"] == "optimal" and not status["reasons"]'
  client "$NBDMIRROR" metrics "$dir/control" >metrics
  grep -q "^nbdmirror_array_metadata_stored{.*} 1$" metrics
}

# is_lost WHAT: and the disks are well.
is_lost ()
{
  status_says 'status["array"]["health"] == "degraded"'
  status_says 'status["array"]["in_sync"] == 2'
  status_says '[r["code"] for r in status["reasons"]] == ["metadata-not-stored"]'
  status_says "\"$1\" in status[\"reasons\"][0][\"what\"]"
  status_says 'status["reasons"][0]["since"].startswith("20")'
  client "$NBDMIRROR" metrics "$dir/control" >metrics
  grep -q "^nbdmirror_array_metadata_stored{.*} 0$" metrics
  grep -q '^nbdmirror_array_state{.*state="degraded"} 1$' metrics
}

# events KIND...: those of the file, in order; the first ones are critical.
events ()
{
  "$PYTHON" - "$server_dir" "$@" <<'END'
import sys
sys.path.insert(0, sys.argv[1])
from control import Control
import os
seen = [(e["kind"], e["severity"])
        for e in Control(os.environ["dir"] + "/control").history()
        if e["kind"].startswith("Metadata")]
want = [(k, "critical" if k == "MetadataNotStored" else "info")
        for k in sys.argv[2:]]
assert seen == want, (seen, want)
END
}
