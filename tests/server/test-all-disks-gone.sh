#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# All servers of an array are gone: the first thing that status says is that
# nothing can be read or written until one is back; of a disk that holds the last
# copy it says what to do, which is other than of one that fails.  One that is
# tried again, and one that is not (a plain array, reconnect=no).

. "$(dirname "$0")/functions.sh"
requires_libnbd

# codes CODE...: of the reasons, in order.
codes ()
{
  printf '"%s", ' "$@" >codes
  status_says "[r['code'] for r in status['reasons']] == [$(cat codes)]"
}

# lose MIRROR-PARAMETER...: a.img, then b.img.
lose ()
{
  rm -f mirror.messages
  serve a file a.img
  serve b file b.img
  serve_mirror "$(uri a)" "$(uri b)" control="$dir/control" "$@"
  controlled mirror
  status_says 'not status["reasons"]'
  kill_server a
  wait_until grep "a.sock (slot 0) IS OUT OF THE MIRROR" mirror.messages
  codes disk-failed
  status_says '"only one copy left" in status["reasons"][0]["impact"]'
  kill_server b
  wait_until grep "b.sock (slot 1) holds the LAST COPY .* it is gone" \
    mirror.messages
  wait_until codes array-unreachable last-copy-lost disk-failed
  status_says 'status["array"]["health"] == "degraded"'
  status_says '"nothing can be read or written" in status["reasons"][0]["impact"]'
  status_says '"0 of 2 disks can be reached" in status["reasons"][2]["impact"]'
  status_says 'status["reasons"][1]["slot"] == 1'
  status_says 'status["reasons"][1]["since"].startswith("20")'
  said 0 "copy what can be read"
  client "$NBDMIRROR" status "$dir/control" >screen || :
}

# nobody_tries ADVICE DISKS: to reach so many disks.
nobody_tries ()
{
  status_says "\"$1\" in status[\"reasons\"][1][\"action\"]"
  status_says 'status["members"][1]["connection"]["state"] == "closed"'
  said 1 "Reads and writes of that data fail.  Bring its server back, "
  test "$(grep -c "closed; nothing tries to reach it" screen)" = "$2"
}

# What would be copied to a disk that stays out is not known.
random_disk 20M a.img b.img
serve a file a.img
serve_mirror "$(uri a)" b.img control="$dir/control" reconnect=1
controlled mirror
python <<'END'
from nbdtest import *
h = connect()
h.pwrite(b"1" * 64 * KiB, 0)
h.flush()
END
kill_server a
wait_until grep "a.sock (slot 0) IS OUT OF THE MIRROR" mirror.messages
client "$NBDMIRROR" status "$dir/control" >screen || :
grep "to copy: 0 bytes at most, what it missed" screen
disk 20M empty.img
serve a file empty.img
wait_until grep "a.sock answers again but STAYS OUT" mirror.messages
client "$NBDMIRROR" status "$dir/control" >screen || :
grep "refused since" screen
! grep "to copy:" screen || fail "it will not be copied to"
grep "tried" screen
kill_server mirror
kill_server a

disk 20M a.img b.img
lose reconnect=1
nobody_tries "copy this disk over those that failed before it" 1
kill_server mirror

md_array --force a.img b.img
lose reconnect=no
nobody_tries "then start the mirror again" 2
kill_server mirror
lose reconnect=1
status_says '"bring its server back: it is let in by itself" in status["reasons"][1]["action"]'
# Nothing is tried before a client is there.
status_says '"when a client has connected" in status["reasons"][1]["action"]'
test "$(grep -c "lost since .*, tried" screen)" = 2
python <<<'
from nbdtest import *
connect()'
status_says '"tried" in status["reasons"][1]["action"]'
serve b file b.img
wait_until codes disk-failed
serve a file a.img
wait_until status_says 'not status["reasons"]'
stop mirror
