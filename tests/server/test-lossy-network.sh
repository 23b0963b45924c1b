#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A remote member behind a network that loses and reorders packets: however
# many, no client sees an error, the member comes back by itself when they
# arrive again, and in the end the copies are equal.  (In networks of our own,
# so that root is not needed.)

if test -z "${LOSSY_INSIDE-}"; then
  LOSSY_INSIDE=1 unshare -Urn true 2>/dev/null \
    || { echo "$0: skipped: no user and network namespaces here"; exit 77; }
  LOSSY_INSIDE=1 exec unshare -Urn "$BASH" "$0" "$@"
fi
. "$(dirname "$0")/functions.sh"
requires_libnbd
requires ip nsenter
test -w /dev/net/tun || skip "no /dev/net/tun"

# far COMMAND...: in the other network; in the background, as the process that is
# killed in the end.
far ()
{
  exec nsenter --net="/proc/${server[link]}/ns/net" "$@"
}

# writer SECONDS: writes and reads what it wrote, and ends with a flush; when it
# is asked to, or after so many seconds.
writer ()
{
  python <<'END'
from nbdtest import *

h = connect()
wrote = {}
while not os.path.exists("enough"):
    at = random.randrange(64) * 64 * KiB
    data = random.randbytes(random.randrange(1, 9) * 4 * KiB)
    h.pwrite(data, at)
    wrote[at] = data
    if random.random() < 0.05:
        h.flush()
    at, data = random.choice(list(wrote.items()))
    assert h.pread(len(data), at) == data
    with open("writes", "a") as log:
        log.write("x")
h.flush()
h.shutdown()
END
}

wrote ()
{
  { local -; set +x; } 2>/dev/null
  test "$(stat -c %s writes)" -ge "$1"
}

# Some more writes.
go_on ()
{
  wait_until wrote $(($(stat -c %s writes) + $1))
}

is_in_sync ()
{
  "$NBDMIRROR" --json status 2>/dev/null | "$PYTHON" -c '
import json, sys
members = json.load(sys.stdin)["arrays"][0]["members"]
sys.exit(any(member["state"] != "in-sync" for member in members))'
}

export XDG_RUNTIME_DIR=$dir
md_array --bitmap-chunk=64K a.img b.img
ip link set lo up
started link "$PYTHON" "$server_dir/lossy.py" link
started b far nbdkit -f -P "$dir/b.pid" -i 10.77.0.2 -p 10809 file b.img
serve_mirror a.img nbd://10.77.0.2 reconnect=1 timeout=1 flush-timeout=2
touch writes
writer &
go_on 10

proxy_do link disorder 30
go_on 20
for percent in 10 40 100; do
  proxy_do link lose "$percent"
  go_on 20
  if test "$percent" = 100; then
    wait_until grep -q "10.77.0.2 .*IS OUT OF THE MIRROR" mirror.messages
    go_on 20
  fi
  proxy_do link lose 0
  wait_until is_in_sync
done

# With nobody who asks for anything it is noticed, too.
touch enough
finished $!
proxy_do link disorder 0
out=$(grep -c "IS OUT OF THE MIRROR" mirror.messages)
is_out_again ()
{
  test "$(grep -c "IS OUT OF THE MIRROR" mirror.messages)" -gt "$out"
}
proxy_do link lose 100
wait_until is_out_again
proxy_do link lose 0
wait_until is_in_sync
stop mirror
kill_server b
cmp -i "$(md_data a.img)" a.img b.img
