#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# run.sh: how fast is the mirror? ("make bench")
#
# Each row is measured on the mirror of two disks ("ours") and on what it is
# compared with.  They take turns, for several rounds; verdict.py says what is
# made of that.
#
#   one       one such disk with no mirror at all
#   quorum    qemu-nbd's quorum of the two, the better one of those in which the
#             first copy is read, or both are read and compared
#   null      nbdkit with no disk: what it can reach
#   files     no server: fio itself writes to both files at once
#   servers   fio itself, to the servers of both disks at once
#   ours-t1   the same mirror with nbdkit -t 1: the thread that reads a request
#             also serves it, none is handed to another thread
#   nbd       nbdkit nbd: a server before one of the disks' servers
#   plain     for md arrays (with superblocks and bitmap): a plain one of as
#             many members, as large and as warm
#
# BENCH_ROUNDS   rounds                                   (3)
# BENCH_SECONDS  of one measurement, after half a second  (2)
# BENCH_ROWS     only rows whose definition matches this pattern
# BENCH_DIR      where the disk files are made            (TMPDIR or /tmp)

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
MIRROR_SO=$(realpath "${MIRROR_SO:-./mirror.so}")
NBDMIRROR=$(realpath "${NBDMIRROR:-./nbdmirror}")
. "$here/servers.sh"
. "$here/turns.sh"
rounds=${BENCH_ROUNDS:-3}
seconds=${BENCH_SECONDS:-2}
size=256M

for program in nbdkit fio qemu-nbd python3; do
  if ! command -v "$program" >/dev/null; then
    echo "bench: skipped: $program is not installed"
    exit 77
  fi
done

dir=$(mktemp -d "${BENCH_DIR:-${TMPDIR:-/tmp}}/mirror-bench.XXXXXX")
cd "$dir"

cleanup ()
{
  local status=$?
  # shellcheck disable=SC2046
  { kill -KILL $(jobs -p); wait; } 2>/dev/null || :
  cd /
  rm -rf "$dir"
  exit "$status"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

# What is measured, in the form that turns.sh explains.
cat >rows <<'END'
cached  | randread  4k   1  1 | iops | one >= 1.00, quorum, null
cached  | randread  4k   32 1 | iops | one >= 1.00, quorum, null
cached  | randread  4k   16 4 | iops | one >= 1.00, quorum, null
cached  | randwrite 4k   1  1 | iops | one >= 0.75, quorum >= 2.50, null
cached  | randwrite 4k   32 1 | iops | one >= 0.75, quorum >= 2.50, null
cached  | randwrite 4k   16 4 | iops | one >= 0.75, quorum >= 2.50, null
cached  | read      256k 8  1 | MB/s | one, quorum
cached  | write     256k 8  1 | MB/s | one >= 0.75, quorum
cached  | randread  4k   1  1 | us   | one <= 1.15, quorum
cached  | randwrite 4k   1  1 | us   | one <= 1.15, quorum
sync    | randwrite 4k   1  1 | iops | one, quorum, files
sync    | randwrite 4k   16 4 | iops | one, quorum, files
direct  | randread  4k   32 1 | iops | one, quorum
direct  | randwrite 4k   1  1 | us   | one, quorum <= 1.10, files, ours-t1
direct  | randwrite 4k   32 1 | iops | one, quorum >= 1.10, files >= 0.90
direct  | write     256k 8  1 | MB/s | one, quorum
far     | randwrite 4k   1  1 | us   | one <= 1.05, quorum
far     | randwrite 4k   32 1 | us   | one <= 1.05, quorum
limited | read      256k 8  1 | MB/s | one >= 1.90, quorum
tcp     | randread  4k   1  1 | iops | nbd >= 1.00, quorum
tcp     | randread  4k   32 1 | iops | nbd >= 1.00, quorum
tcp     | randread  4k   16 4 | iops | nbd >= 1.00, quorum
tcp     | randwrite 4k   1  1 | iops | nbd >= 0.75, quorum >= 1.30, servers
tcp     | randwrite 4k   32 1 | iops | nbd >= 0.75, quorum >= 1.30, servers
tcp     | randwrite 4k   16 4 | iops | nbd >= 0.75, quorum >= 1.30, servers
tcp     | randwrite 4k   1  1 | us   | nbd, quorum <= 1.00
tcp     | read      256k 8  1 | MB/s | nbd, quorum
tcp     | write     256k 8  1 | MB/s | nbd, quorum
md      | randwrite 4k   16 4 | iops | plain >= 0.95
md      | randwrite 4k   16 4 | cpu  | plain
md-bits | randwrite 4k   16 4 | iops | plain >= 0.95
md-bits | randwrite 4k   16 4 | cpu  | plain
END
grep -e "${BENCH_ROWS:-.}" rows >chosen

# --- measuring -----------------------------------------------------------

# make_md REGION: a clean array of md1 and md2, whose data stays.
make_md ()
{
  test "$(cat region 2>/dev/null)" != "$1" || return 0
  "$NBDMIRROR" create --force --yes --assume-clean --bitmap-chunk="$1" \
    md1 md2 >>server.log 2>&1
  echo "$1" >region
}

# warm SETTING: what is once only must not be measured: here all bits are set,
# and stay so, since every region is written to again soon.
warm ()
{
  test "$1" = md-bits || return 0
  timeout 60 fio --name=warm --ioengine=nbd \
    --uri="nbd+unix:///?socket=$dir/server.sock" --rw=write --bs=64k \
    --iodepth=16 --size="$size" >>server.log 2>&1
  # An md array that nobody writes to flushes.
  sleep 1
  sync -f .
}

# Processor time that the server has used, in ticks.
cpu ()
{
  local -a stat
  read -ra stat <"/proc/$(cat server.pid)/stat"
  echo $((stat[13] + stat[14]))
}

# prepare SETTING RW: the disks as this measurement wants them.
prepare ()
{
  # A quorum that votes cannot read what concurrent writes left different.
  case $2 in
    *read) cmp -s disk1 disk2 || dd if=disk1 of=disk2 bs=4k status=none ;;
  esac
  # Regions of 64 MiB as by default, or as small as they may be.
  case $1 in
    md) make_md 64M ;;
    md-bits) make_md 64K ;;
  esac
  # What was not written yet must not slow the measurement down.
  sync -f .
  case $1 in
    cached | sync) cat disk1 disk2 disk3 >/dev/null ;;
    md*) cat md1 md2 plain1 plain2 >/dev/null ;;
    # Direct writes are slower where the page cache has the same range.
    direct)
      for disk in disk1 disk2 disk3; do
        dd of="$disk" oflag=nocache conv=notrunc,fdatasync count=0 status=none
      done ;;
  esac
}

# measure SETTING WHO FILE RW BS IODEPTH NUMJOBS: fio's JSON, or no file.
measure ()
{
  local setting=$1 who=$2 file=$3
  shift 3
  prepare "$setting" "$1"
  rm -f out.json
  if run_fio "$@"; then
    mv out.json "$file"
  else
    echo "bench: failed: $setting $who $*" >&2
    tail -n 3 server.log >&2
  fi
  stop_all
}

# run_fio RW BS IODEPTH NUMJOBS: on the server or the files of a measurement.
run_fio ()
{
  local before
  local -a options=()
  if test "$who" = files; then
    case $setting in
      direct) options=(--direct=1) ;;
      # As servers do it.
      sync) options=(--fdatasync=1) ;;
    esac
    load "$@" "${options[@]}" --ioengine=io_uring --name=disk1 \
      --filename=disk1 --name=disk2 --filename=disk2 >>server.log 2>&1
    return
  fi
  if test "$who" = servers; then
    serve "$setting" "$who" &&
      load "$@" --ioengine=nbd --name=disk1 --uri="$(tcp_uri disk1)" \
        --name=disk2 --uri="$(tcp_uri disk2)" >>server.log 2>&1
    return
  fi
  test "$setting" != sync || options=(--fsync=1)
  serve "$setting" "$who" && warm "$setting" && before=$(cpu) &&
    load "$@" "${options[@]}" --ioengine=nbd --name=bench \
      --uri="nbd+unix:///?socket=$dir/server.sock" >>server.log 2>&1 &&
    # fio counts nothing of its half second at the beginning; this does.
    echo "$(($(cpu) - before)) $(getconf CLK_TCK) $seconds" >"$file.cpu"
}

# Others at work on the machine make the figures worth little: say so.
load=$(cut -d ' ' -f 1 /proc/loadavg)

# fill DISK MIB: all blocks allocated, and always in the same small steps: how
# large the pieces of a file are in the page cache depends on how it was
# written, and a write costs more in large ones.
fill ()
{
  dd if=/dev/urandom of="$1" bs=4k count=$(($2 * 256)) status=none
}

# disk3 is the one disk without a mirror.
for disk in disk1 disk2 disk3; do
  fill "$disk" "${size%M}"
done
if grep -q '^md' chosen; then
  for disk in md1 md2 plain1 plain2; do
    fill "$disk" $((${size%M} + 32))
  done
fi

take_turns chosen "$rounds"

python3 "$here/table.py" chosen "$rounds" "$(nproc) cores (load $load at the \
start), Linux $(uname -r), $(nbdkit --version), $(qemu-nbd --version |
  head -n 1 | sed 's/ (.*//'), $(fio --version); medians of $rounds rounds of \
$seconds s, files of $size."
