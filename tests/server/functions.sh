# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2016
# functions.sh: what every test here starts with: a folder of its own, servers
# in it, clients with a time limit.
#
# A test works inside $dir, which is removed at the end together with every
# server the test has started.  Server NAME listens on $dir/NAME.sock and says
# what it has to say into NAME.messages; if the test fails, they are all shown.
# Time limits are only there so that a hang ends as a failure; no test passes
# or fails because something was fast or slow.

set -euo pipefail
exec 2>&1
PATH=$PATH:/usr/sbin:/sbin
MIRROR_SO=$(realpath "${MIRROR_SO:-./mirror.so}")
PYTHON=${PYTHON:-/usr/bin/python3}
# Whatever chance there is in a test follows from this.
export MIRROR_SEED=${MIRROR_SEED:-$RANDOM}
echo "MIRROR_SEED=$MIRROR_SEED"
# Memory that nobody has initialised, and memory that was freed, is filled
# with this, here and in the servers.
export MALLOC_PERTURB_=${MALLOC_PERTURB_:-$((MIRROR_SEED % 255 + 1))}

skip ()
{
  echo "$0: skipped: $*"
  exit 77
}

# requires PROGRAM...
requires ()
{
  local program
  for program; do
    command -v "$program" >/dev/null || skip "$program is not installed"
  done
}

# requires_filter NAME...: of nbdkit.
requires_filter ()
{
  local name
  for name; do
    nbdkit --filter="$name" null --version >/dev/null 2>&1 \
      || skip "nbdkit has no $name filter"
  done
}

requires_plugin ()
{
  nbdkit "$1" --version >/dev/null 2>&1 || skip "nbdkit has no $1 plugin"
}

# nbdkit_since MINOR: is it version 1.MINOR or newer?
nbdkit_since ()
{
  local major minor
  IFS=. read -r major minor _ < <(nbdkit --version | cut -d' ' -f2)
  test "$major" -gt 1 || test "$minor" -ge "$1"
}

requires_libnbd ()
{
  "$PYTHON" -c 'import nbd' 2>/dev/null || skip "no libnbd for $PYTHON"
}

# Servers from here on are not root's, for whom permissions mean nothing.
without_root ()
{
  local drop="setpriv --reuid=65534 --regid=65534 --clear-groups"
  test "$(id -u)" = 0 || return 0
  $drop true || skip "cannot give up being root"
  chmod 777 .
  install -m 644 "$MIRROR_SO" mirror.so
  MIRROR_SO=$dir/mirror.so
  mkdir bin
  printf '%s\n' '#!/bin/sh' "exec $drop $(type -P nbdkit) \"\$@\"" >bin/nbdkit
  chmod 755 bin/nbdkit
  PATH=$dir/bin:$PATH
}

requires nbdkit
server_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/mirror-server.XXXXXX")
export dir
cd "$dir"

declare -A server=()      # name -> process
loops=()                  # block devices

cleanup ()
{
  local status=$?
  set +x
  if test "$status" != 0 && test "$status" != 77; then
    echo "$0: FAILED with status $status; MALLOC_PERTURB_=${MALLOC_PERTURB_:-}"
    tail -n 100 -- *.messages 2>/dev/null || :
  fi
  exec 2>/dev/null      # else the shell talks about who was killed
  # shellcheck disable=SC2046
  kill -KILL $(jobs -p) "${server[@]}" || :
  wait
  test "${#loops[@]}" = 0 || losetup --detach "${loops[@]}" || :
  cd /
  rm -rf "$dir"
  exit "$status"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

fail ()
{
  echo "$0: $*" >&2
  exit 1
}

# Seconds after which whatever waits is taken for hanging: the number is in
# Makefile.inc, for all tests.
hang_limit=${MIRROR_HANG_LIMIT:-600}

# wait_until COMMAND...: what it waits for must come; the limit is for hangs.
wait_until ()
{
  { local -; set +x; } 2>/dev/null
  local deadline=$((SECONDS + hang_limit))
  until "$@"; do
    test "$SECONDS" -lt "$deadline" || fail "gave up waiting for: $*"
    sleep 0.02
  done
}

# ------------------------------------------------------------------- disks

# disk SIZE FILE...: empty ones.
disk ()
{
  local size=$1
  shift
  truncate -s "$size" "$@"
}

# noise SIZE: bytes without a pattern, others at each call.
noise ()
{
  { local -; set +x; } 2>/dev/null
  printf . >>"$dir/.noises"
  "$PYTHON" "$server_dir/../noise.py" "$1" \
    "$(basename "$0") $(stat -c %s "$dir/.noises")"
}

# random_disk SIZE FILE...: the same noise in all of them.
random_disk ()
{
  local size=$1 first=$2
  shift 2
  noise "$size" >"$first"
  local file
  for file; do
    cp "$first" "$file"
  done
}

# loop_device FILE [OPTION-OF-LOSETUP...]: $loop is a block device of FILE; 1
# if there can be none here.  It ends with the test.
loop_device ()
{
  loop=$(losetup --find --show "${@:2}" "$1" 2>/dev/null) || return 1
  loops+=("$loop")
}

# loop_release: $loop, the last one, ends now.  Its name may be another test's
# from then on.
loop_release ()
{
  losetup --detach "$loop"
  unset "loops[-1]"
}

# $dir/hang.so, to be preloaded, makes disks hang (hang-disk.c).
hangable ()
{
  # shellcheck disable=SC2086  # CC may be two words
  ${CC:-cc} -shared -fPIC -o hang.so "$server_dir/hang-disk.c" -ldl \
    || skip "${CC:-cc} does not work"
}

# Files here can have holes punched into them.
requires_holes ()
{
  local full
  requires fallocate
  noise 1M >probe
  sync probe
  full=$(stat -c %b probe)
  fallocate -p -o 0 -l 512K probe 2>/dev/null || :
  test "$(stat -c %b probe)" -lt "$full" || skip "files here have no holes"
}

# cache=none works on files here.
requires_direct ()
{
  head -c 64K /dev/zero | dd of=probe bs=64K oflag=direct status=none \
    2>/dev/null || skip "files here cannot be opened with O_DIRECT"
}

# -------------------------------------------------------------- md members

NBDMIRROR=$(realpath "${NBDMIRROR:-$(dirname "$MIRROR_SO")/nbdmirror}")
export NBDMIRROR

# md_array FILE... [OPTION-OF-CREATE...]: a new md array, clean, all zeroes, of
# members of 8 MiB where there is no file yet.
md_array ()
{
  local word
  for word; do
    case $word in
      -* | missing) ;;
      *) test -e "$word" || disk 8M "$word" ;;
    esac
  done
  "$NBDMIRROR" create --yes --assume-clean "$@" >created.messages 2>&1 \
    || fail "create $*: $(cat created.messages)"
}

# md_field FILE NAME...: what "nbdmirror examine" says about this member, e.g.
# md_field a.img bitmap dirty
md_field ()
{
  { local -; set +x; } 2>/dev/null
  "$NBDMIRROR" --json examine "$1" | "$PYTHON" -c '
import json, sys
value = json.load(sys.stdin)["members"][0]
for name in sys.argv[1:]:
    value = value[name]
print(json.dumps(value))' "${@:2}"
}

# md_is FILE NAME... VALUE: and it is that, in JSON.
md_is ()
{
  test "$(md_field "${@:1:$#-1}")" = "${!#}"
}

# md_data FILE: where its data begins, in bytes.
md_data ()
{
  echo $(($(md_field "$1" data_offset_sectors) * 512))
}

# sums FILE...: to compare with before.
sums ()
{
  sha256sum -- "$@"
}

# ----------------------------------------------------------------- servers

uri ()
{
  echo "nbd+unix:///?socket=$dir/$1.sock"
}

# serve NAME NBDKIT-ARGUMENT...: returns when it serves.
serve ()
{
  local name=$1
  shift
  started "$name" nbdkit -f -P "$dir/$name.pid" -U "$dir/$name.sock" "$@"
}

# serve_hangable DISK-OR-PARAMETER...: the mirror, whose disks *.img hang when
# they are told to (after hangable), with its control socket at $dir/control.
serve_hangable ()
{
  started mirror env LD_PRELOAD="$dir/hang.so" HANG_DISKS=.img nbdkit -f \
    -P "$dir/mirror.pid" -U "$dir/mirror.sock" "$MIRROR_SO" "$@" \
    control="$dir/control"
  controlled mirror
}

# serve_hangable_state DISK-OR-PARAMETER...: the same with state=state, and it is
# this file that hangs, or has no room, when it is told to.
serve_hangable_state ()
{
  rm -f mirror.messages
  LD_PRELOAD=$dir/hang.so HANG_DISKS=/state serve_mirror \
    control="$dir/control" "$@" state=state
  controlled mirror
}

# serve_logged NAME IMAGE: what it is asked for since now is in NAME.log.
serve_logged ()
{
  rm -f "$1.log"
  serve "$1" --filter=log file "$2" logfile="$1.log"
}

# logged_writes NAME: bytes that it was sent, to be written or zeroed.
logged_writes ()
{
  "$PYTHON" - "$1.log" <<'END'
import re, sys
calls = re.findall(r" (?:Write|Zero) .*count=(0x[0-9a-f]+)",
                   open(sys.argv[1]).read())
print(sum(int(count, 16) for count in calls))
END
}

# serve_with_flush NAME SCRIPT: a leg on NAME.img whose flush is this shell
# script, which fails a flush with: echo EIO reason >&2; exit 1
serve_with_flush ()
{
  # $image, $3 and $4 are for these scripts.
  image="$dir/$1.img" serve "$1" eval \
    get_size='stat -c %s "$image"' can_write='exit 0' can_flush='exit 0' \
    pread='dd if="$image" iflag=skip_bytes,count_bytes skip=$4 count=$3' \
    pwrite='dd of="$image" oflag=seek_bytes conv=notrunc seek=$4' \
    flush="$2"
}

# serve_mirror DISK-OR-PARAMETER...: the mirror, as server "mirror".
serve_mirror ()
{
  serve mirror "$MIRROR_SO" "$@"
}

# controlled NAME: its control socket is there when the start line says so; it
# serves before that.
controlled ()
{
  wait_until grep -q "; control socket /" "$1.messages"
}

# status_says EXPRESSION: of Python, about "status", what nbdmirror says of the
# mirror whose control socket is $dir/control.
status_says ()
{
  { local -; set +x; } 2>/dev/null
  client "$NBDMIRROR" --json status "$dir/control" >status.json || :
  "$PYTHON" -c '
import json, sys
(status,) = json.load(open("status.json"))["arrays"]
sys.exit(not eval(sys.argv[1]))' "$1"
}

# serve_tcp NAME NBDKIT-ARGUMENT...: on a free port of localhost, $port.
serve_tcp ()
{
  local name=$1
  shift
  started "$name" "$PYTHON" "$server_dir/serve-tcp.py" "$name" "$@"
  # shellcheck disable=SC2034
  port=$(cat "$name.port")
}

# proxy NAME TARGET [tcp]: a way to the server at TARGET, a socket or a port of
# localhost; on NAME.sock, or a port, $port.  proxy.py says what it can be told.
proxy ()
{
  started "$1" "$PYTHON" "$server_dir/proxy.py" "$@"
  if test "${3-}" = tcp; then
    # shellcheck disable=SC2034
    port=$(cat "$1.port")
  fi
}

# proxy_do NAME COMMAND...: returns when it is done.
proxy_do ()
{
  local answer
  echo "${*:2}" >"$1.commands"
  read -r answer <"$1.answers"
  test "$answer" = "done" || fail "proxy $1: ${*:2}: $answer"
}

# proxy_has NAME FIELD=NUMBER...: its status says so.
proxy_has ()
{
  { local -; set +x; } 2>/dev/null
  local answer word
  echo status >"$1.commands"
  read -r answer <"$1.answers"
  for word in "${@:2}"; do
    case " $answer " in
      *" $word "*) ;;
      *) return 1 ;;
    esac
  done
}

# started NAME COMMAND...: a server that writes NAME.pid when it serves.
started ()
{
  { local -; set +x; } 2>/dev/null
  local name=$1
  shift
  rm -f "$name.pid" "$name.sock"
  "$@" 2>>"$name.messages" &
  server[$name]=$!
  wait_until is_up "$name"
}

is_up ()
{
  kill -0 "${server[$1]}" 2>/dev/null || fail "server $1 did not start"
  test -s "$1.pid"
}

is_gone ()
{
  ! kill -0 "$1" 2>/dev/null
}

# stop NAME: as an operator does; it must end by itself, without an error.
stop ()
{
  kill -TERM "${server[$1]}"
  ended "$1"
}

# ended NAME: wait for a server that is about to end; its status is ours.
ended ()
{
  { local -; set +x; } 2>/dev/null
  local pid=${server[$1]}
  unset "server[$1]"
  wait_until is_gone "$pid"
  wait "$pid"
}

# kill_server NAME: as a crash does.
kill_server ()
{
  kill -KILL "${server[$1]}"
  killed "$1"
}

# killed NAME: somebody else has done that.
killed ()
{
  { ended "$1"; } 2>/dev/null || :      # else the shell talks about it
}

# serve_again NAME NBDKIT-ARGUMENT...: another one in its place, whatever became of
# it.  (An nbdkit before 1.34 may abort when its client leaves with requests under
# way.)
serve_again ()
{
  kill -KILL "${server[$1]}" 2>/dev/null || :
  killed "$1"
  serve "$@"
}

# freeze NAME: it stays connected, and does nothing any more.
freeze ()
{
  kill -STOP "${server[$1]}"
  wait_until is_frozen "${server[$1]}"
}

# Every thread of it.
is_frozen ()
{
  ! grep -h '^State:' /proc/"$1"/task/*/status | grep -qv '[Tt] ('
}

# ----------------------------------------------------------------- clients

# client COMMAND...
client ()
{
  timeout -k 5 "$hang_limit" "$@"
}

# python <<'END': a script that begins with "from nbdtest import *".
python ()
{
  local script
  script=$(mktemp script.XXXXXX)
  cat >"$script"
  PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$server_dir \
    client "$PYTHON" "$script" "$@"
}

# write_at MIB: the mirror gets 64 KiB at this place, and a flush.
write_at ()
{
  python "$1" <<'END'
from nbdtest import *

h = connect()
h.pwrite(random.randbytes(64 * KiB), int(sys.argv[1]) * MiB)
h.flush()
h.shutdown()
END
}

# hold_mirror: a client that connects and stays until the mirror ends.
hold_mirror ()
{
  rm -f held
  python <<'END' &
from nbdtest import *
h = connect()
open("held", "w").close()
while not h.aio_is_closed():
    h.poll(-1)
END
  wait_until test -e held
}

# finished PROCESS...: clients in the background, none of which may fail.
finished ()
{
  local process
  for process; do
    wait "$process"
  done
}

# nbdkit_once ARGUMENT...: with --run, or refused at once.  A socket of ours:
# nbdkit leaves the folder of its own behind when it does not start.
nbdkit_once ()
{
  rm -f once.sock
  client nbdkit -U once.sock "$@"
}

# ------------------------------------------------------- what the mirror said

# refused PATTERN DISK-OR-PARAMETER...: the mirror does not start; status 1 and
# one line, which names what is wrong and says what to do.  With WAITS=1 it says
# before that it waits for a disk.
refused ()
{
  { local -; set +x; } 2>/dev/null
  local pattern=$1 status=0
  shift
  echo "nbdkit mirror ${*//"$dir/"/}"
  nbdkit_once "$MIRROR_SO" "$@" --run true 2>refused || status=$?
  sed -e "s|$dir/||g" -e 's/^/    /' refused
  test "$status" = 1 || fail "the status is $status, not 1"
  if test -n "${WAITS-}"; then
    sed -i '1{/^nbdkit: mirror: waiting up to /d}' refused
  fi
  test "$(wc -l <refused)" = 1 || fail "not one line"
  grep -q '^nbdkit: error: ' refused || fail "no error message"
  grep -qE -e "$pattern" refused || fail "the message does not say: $pattern"
}

# said COUNT PATTERN: so many lines of the mirror's messages match.  Those
# with which every start begins do not count.
said ()
{
  local count
  count=$(grep -v "^nbdkit: mirror: \(serving\|this nbdkit\) " \
    mirror.messages \
    | grep -c -e "$2" || :)
  test "$count" = "$1" || fail "said $count times, not $1: $2"
}

# said_out DISK-PATTERN: this disk, and no other, was taken out, once.
said_out ()
{
  said 1 "OUT OF THE MIRROR"
  said 1 "disk [^ ]*$1[^ ]* .*OUT OF THE MIRROR"
}

set -x
