# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154
# For tests of nbdmirror and servers that run: a runtime directory of their own.

. "$(dirname "$0")/../server/functions.sh"
requires_libnbd
export XDG_RUNTIME_DIR=$dir/run
mkdir run

# does STATUS WORD...: nbdmirror's output is in "said" and "complaint".
does ()
{
  { local -; set +x; } 2>/dev/null
  local wanted=$1 status=0
  shift
  echo "nbdmirror $*"
  client "$NBDMIRROR" "$@" >said 2>complaint || status=$?
  cat said complaint
  test "$status" = "$wanted" || fail "the status is $status, not $wanted"
}

# leave_behind DISK: the array is written without its other disk.
leave_behind ()
{
  serve mirror "$MIRROR_SO" "$1" degraded=yes
  python <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"1" * (7 << 20), 0)
h.shutdown()
END
  stop mirror
  rm mirror.messages
}

# states WORD...: of the members, in the order of their slots.
states ()
{
  { local -; set +x; } 2>/dev/null
  local seen
  seen=$({ "$NBDMIRROR" --json status || :; } | "$PYTHON" -c '
import json, sys
array, = json.load(sys.stdin)["arrays"]
print(*(member["state"] for member in array["members"]))')
  test "$seen" = "$*" || fail "the members are $seen, not $*"
}
