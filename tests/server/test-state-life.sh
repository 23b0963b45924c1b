#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# With state= an array is killed, stopped, loses disks and gets them back, in an
# order that chance gives, while a client writes: each start takes the disks as
# what they are, and each disk comes back by itself; none of them is ever taken for
# another one.  What was acknowledged is there, and the images are equal at the
# end of each round that was stopped in peace.

. "$(dirname "$0")/functions.sh"
requires_libnbd

drawn=0
chance ()
{
  drawn=$((drawn + 1))
  test $((16#$(echo "$MIRROR_SEED $drawn" | sha256sum | head -c 8) % $1)) = 0
}

# Servers that were killed with requests under way are not used again.
serve_disks ()
{
  local disk
  for disk in b c; do
    serve_again "$disk" file "$disk.img"
  done
}

begin ()
{
  rm -f mirror.messages
  serve_mirror control="$dir/control" "${options[@]}" a.img "$(uri b)" \
    "$(uri c)" "${more[@]}" state=state reconnect=1
  controlled mirror
}

# write FILE: block by block, each with its number; what is acknowledged is on the
# list; until the server ends or there is a file "enough".
write ()
{
  python "$1" <<'END' &
from nbdtest import *
chance = random.Random(f"{os.environ['MIRROR_SEED']} {sys.argv[1]}")
h = connect()
try:
    with open(sys.argv[1], "w", buffering=1) as done:
        for number in range(1, 1000000):
            if os.path.exists("enough"):
                break
            at = chance.randrange(h.get_size() // 4096 if number % 2 else 64)
            h.pwrite(number.to_bytes(8, "little") * 512, at * 4096)
            print(at, number, file=done)
            if number % 64 == 0:
                h.flush()
except nbd.Error:
    pass
END
  client=$!
}

wrote ()
{
  test "$(cat "$1" 2>/dev/null | wc -l)" -ge "$2"
}

check ()
{
  python "$1" <<'END'
from nbdtest import *
check_acknowledged(connect(), sys.argv[1])
END
}

all_in_sync ()
{
  status_says 'status["array"]["in_sync"] == status["array"]["slots"]'
}

for kind in raid1 raid10; do
  options=()
  more=()
  if test "$kind" = raid10; then
    options=(level=raid10)
    more=(d.img)
  fi
  rm -f state
  random_disk 24M a.img b.img c.img d.img
  serve b file b.img
  serve c file c.img
  for round in $(seq "${LIFE_ROUNDS:-4}"); do
    begin
    rm -f enough written
    write written
    wait_until wrote written 100
    if chance 2; then
      kill_server b
      wait_until grep -q "b.sock .*IS OUT OF THE MIRROR" mirror.messages
      wait_until wrote written 200
      serve b file b.img
      if chance 2; then
        wait_until all_in_sync
      fi
    fi
    if chance 2; then
      kill_server mirror
      wait $client
      serve_disks
      begin
      check written
      wait_until all_in_sync
      said 0 "STAYS OUT"
      stop mirror
    else
      touch enough
      wait $client
      wait_until all_in_sync
      check written
      said 0 "STAYS OUT"
      stop mirror
      serve_disks
    fi
    if test "$kind" = raid1; then
      cmp a.img b.img || fail "round $round: a and b differ"
      cmp a.img c.img || fail "round $round: a and c differ"
    fi
  done
  stop b
  stop c
done
