#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# run.sh: how fast is the mirror? ("make bench")
#
# Each row is measured on the mirror of two disks ("ours"), on one such disk
# with no mirror at all ("one"), and on qemu-nbd's quorum of the two
# ("quorum-1", first copy read; "quorum-2", both copies read and compared).
# They take turns, for several rounds; the table has the medians, of the
# figures as of each round's ratios.
#
# In a second table md arrays ("ours", with superblocks and bitmap) take turns
# with plain ones ("one") of as many members, as large and as warm.
#
# BENCH_ROUNDS   rounds                                   (3)
# BENCH_SECONDS  of one measurement, after half a second  (2)
# BENCH_ROWS     only rows whose definition matches this pattern
# BENCH_DIR      where the disk files are made            (TMPDIR or /tmp)

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
MIRROR_SO=$(realpath "${MIRROR_SO:-./mirror.so}")
NBDMIRROR=$(realpath "${NBDMIRROR:-./nbdmirror}")
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

# What is measured.  setting | fio's rw, bs, iodepth, numjobs | figure |
# target against one disk | target against the better quorum
cat >rows <<'END'
cached  | randread  4k   1  1 | iops | >= 1.00 |
cached  | randread  4k   32 1 | iops | >= 1.00 |
cached  | randread  4k   16 4 | iops | >= 1.00 |
cached  | randwrite 4k   1  1 | iops | >= 0.75 | >= 2.50
cached  | randwrite 4k   32 1 | iops | >= 0.75 | >= 2.50
cached  | randwrite 4k   16 4 | iops | >= 0.75 | >= 2.50
cached  | read      256k 8  1 | MB/s |         |
cached  | write     256k 8  1 | MB/s | >= 0.75 |
cached  | randread  4k   1  1 | us   | <= 1.15 |
cached  | randwrite 4k   1  1 | us   | <= 1.15 |
direct  | randread  4k   32 1 | iops |         |
direct  | randwrite 4k   1  1 | us   |         |
direct  | randwrite 4k   32 1 | iops |         |
direct  | write     256k 8  1 | MB/s |         |
far     | randwrite 4k   1  1 | us   | <= 1.05 |
far     | randwrite 4k   32 1 | us   | <= 1.05 |
limited | read      256k 8  1 | MB/s | >= 1.90 |
md      | randwrite 4k   16 4 | iops | >= 0.95 |
md      | randwrite 4k   16 4 | cpu  |         |
md-bits | randwrite 4k   16 4 | iops | >= 0.95 |
md-bits | randwrite 4k   16 4 | cpu  |         |
END
grep -e "${BENCH_ROWS:-.}" rows >chosen

# --- servers -------------------------------------------------------------

# start NAME COMMAND...: a server which writes NAME.pid as soon as it serves.
start ()
{
  local name=$1 pid
  shift
  rm -f "$name.pid" "$name.sock"
  "$@" >>server.log 2>&1 &
  pid=$!
  # A server that cannot start is a failed measurement, not the end.
  for ((i = 0; i < 1000; i++)); do
    test ! -s "$name.pid" || return 0
    kill -0 "$pid" 2>/dev/null || return 1
    sleep 0.01
  done
  return 1
}

nbdkit_on ()
{
  local name=$1
  shift
  start "$name" nbdkit -f -P "$dir/$name.pid" -U "$dir/$name.sock" "$@"
}

qemu_on ()
{
  local name=$1
  shift
  start "$name" qemu-nbd -t -e 16 --pid-file="$dir/$name.pid" \
    -k "$dir/$name.sock" "$@"
}

# quorum THRESHOLD CHILD-OPTIONS CHILD-OPTIONS: a qemu image that both are.
quorum ()
{
  local options=driver=quorum,vote-threshold=$1 i option
  local -a words
  # Only the first copy is read if no vote is wanted, as with a mirror.
  test "$1" = 2 || options+=,read-pattern=fifo
  shift
  for ((i = 0; $#; i++)); do
    IFS=, read -ra words <<<"$1"
    for option in "${words[@]}"; do
      options+=,children.$i.$option
    done
    shift
  done
  echo "$options"
}

# The options of qemu for a file, and for a server.
qemu_file ()
{
  echo "driver=raw,file.driver=file,file.filename=$dir/$1${2:-}"
}
qemu_direct ()
{
  qemu_file "$1" ,file.cache.direct=on,file.aio=native
}
qemu_leg ()
{
  echo "driver=nbd,server.type=unix,server.path=$dir/$1.sock"
}

leg_uri ()
{
  echo "nbd+unix:///?socket=$dir/$1.sock"
}

far_leg ()
{
  nbdkit_on "$1" --filter=delay file "$1" rdelay=2ms wdelay=2ms
}

# The filter's default lets the first two seconds pass at full speed.
limited_leg ()
{
  nbdkit_on "$1" --filter=rate file "$1" rate=400M burstiness=0.1
}

# serve SETTING WHO: on server.sock.
serve ()
{
  case $1 in
    far) far_leg disk1 && far_leg disk2 && far_leg disk3 ;;
    limited) limited_leg disk1 && limited_leg disk2 && limited_leg disk3 ;;
  esac || return 1

  case $1/$2 in
    md*/ours) nbdkit_on server "$MIRROR_SO" md1 md2 ;;
    md*/one) nbdkit_on server "$MIRROR_SO" plain1 plain2 ;;

    cached/ours) nbdkit_on server "$MIRROR_SO" disk1 disk2 ;;
    cached/one) nbdkit_on server file disk3 ;;
    cached/quorum-*)
      qemu_on server --image-opts \
        "$(quorum "${2#*-}" "$(qemu_file disk1)" "$(qemu_file disk2)")" ;;

    # nbdkit's file plugin has no O_DIRECT (its cache=none is something else),
    # so here the one disk is qemu-nbd's.
    direct/ours) nbdkit_on server "$MIRROR_SO" disk1 disk2 cache=none ;;
    direct/one) qemu_on server --image-opts "$(qemu_direct disk3)" ;;
    direct/quorum-*)
      qemu_on server --image-opts \
        "$(quorum "${2#*-}" "$(qemu_direct disk1)" "$(qemu_direct disk2)")" ;;

    */ours)
      nbdkit_on server "$MIRROR_SO" "$(leg_uri disk1)" "$(leg_uri disk2)" ;;
    */one) nbdkit_on server nbd socket=disk3.sock ;;
    */quorum-*)
      qemu_on server --image-opts \
        "$(quorum "${2#*-}" "$(qemu_leg disk1)" "$(qemu_leg disk2)")" ;;
  esac
}

# The server first, so that it can still write to its disks.
stop_all ()
{
  local name
  for name in server disk1 disk2 disk3; do
    if test -s "$name.pid"; then
      kill -TERM "$(cat "$name.pid")" 2>/dev/null || :
      wait "$(cat "$name.pid")" || :
      rm -f "$name.pid"
    fi
  done
}

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
    cached) cat disk1 disk2 disk3 >/dev/null ;;
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
  local setting=$1 who=$2 file=$3 before=0
  shift 3
  prepare "$setting" "$1"
  if serve "$setting" "$who" && warm "$setting" && before=$(cpu) &&
      timeout $((seconds + 30)) fio --name=bench --ioengine=nbd \
        --uri="nbd+unix:///?socket=$dir/server.sock" \
        --rw="$1" --bs="$2" --iodepth="$3" --numjobs="$4" --size="$size" \
        --norandommap --randrepeat=0 --time_based --ramp_time=0.5 \
        --runtime="$seconds" --group_reporting --output-format=json \
        --output=out.json >>server.log 2>&1; then
    mv out.json "$file"
    # fio counts nothing of its half second at the beginning; this does.
    echo "$(($(cpu) - before)) $(getconf CLK_TCK) $seconds" >"$file.cpu"
  else
    echo "bench: failed: $setting $who $*" >&2
    tail -n 3 server.log >&2
  fi
  stop_all
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

for ((round = 1; round <= rounds; round++)); do
  while IFS='|' read -r setting job _; do
    read -r setting <<<"$setting"
    read -ra job <<<"$job"
    all=(ours one)
    test "${setting%-*}" = md || all+=(quorum-1 quorum-2)
    for who in "${all[@]}"; do
      file="$setting.${job[*]}.$who.$round.json"
      # Two figures may come from one measurement.
      test -f "$file" || measure "$setting" "$who" "$file" "${job[@]}" </dev/null
    done
  done <chosen
  echo "bench: round $round of $rounds" >&2
done

echo "$(nproc) cores (load $load at the start), Linux $(uname -r), $(nbdkit --version)," \
  "$(qemu-nbd --version | head -n 1 | sed 's/ (.*//'), $(fio --version);" \
  "medians of $rounds rounds of $seconds s, files of $size."
echo
python3 "$here/table.py" chosen "$rounds"
