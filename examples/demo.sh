#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# demo.sh: takes a disk away from a mirror while it is being read, then again
# while it is being written, and shows that nobody noticed ("make demo").
#
# Needs no root and leaves nothing behind.  Both disks are behind servers of
# their own, as if on two other machines, so that one can be killed; every
# request to them takes a few milliseconds, so that "in the middle of" is sure.

set -euo pipefail

PATH=$PATH:/usr/sbin:/sbin      # mke2fs and e2fsck
MIRROR_SO=$(realpath "${MIRROR_SO:-./mirror.so}")
MiB=48

for program in nbdkit nbdcopy nbdinfo qemu-img mke2fs e2fsck; do
  if ! command -v "$program" >/dev/null; then
    echo "demo: skipped: $program is not installed"
    exit 77
  fi
done

dir=$(mktemp -d "${TMPDIR:-/tmp}/mirror-demo.XXXXXX")
cd "$dir"
uri="nbd+unix:///?socket=$dir/mirror.sock"

cleanup ()
{
  local status=$?
  # shellcheck disable=SC2046
  { kill -KILL $(jobs -p); wait; } 2>/dev/null || :
  test "$status" = 0 || tail -n 20 ./*.messages >&2
  cd /
  rm -rf "$dir"
  exit "$status"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

say ()
{
  printf '\n%s\n' "$*"
}

# run COMMAND...: shows a command and runs it, for a minute at most.
run ()
{
  printf '  $ %s\n' "${*//"$dir/"/}"
  timeout 60 "$@" 2>&1 | sed 's/^/    /'
}

wait_for ()
{
  local deadline=$((SECONDS + 20))
  until "$@"; do
    if test "$SECONDS" -ge "$deadline"; then
      echo "demo: gave up waiting for: $*" >&2
      exit 1
    fi
    sleep 0.02
  done
}

# serve NAME NBDKIT-ARGUMENT...: a server on NAME.sock, which now serves.
serve ()
{
  local name=$1
  shift
  rm -f "$name.pid" "$name.sock"
  nbdkit -f -P "$name.pid" -U "$dir/$name.sock" "$@" 2>>"$name.messages" &
  wait_for test -s "$name.pid"
}

serve_disk ()
{
  serve "$1" --filter=log --filter=delay file "$1.img" \
    logfile="$1.log" rdelay=10ms wdelay=10ms
}

serve_mirror ()
{
  serve mirror "$MIRROR_SO" "nbd+unix:///?socket=$dir/disk1.sock" \
    "nbd+unix:///?socket=$dir/disk2.sock"
}

stop ()
{
  local pid
  pid=$(cat "$1.pid")
  kill -TERM "$pid"
  wait "$pid"
}

# So many requests of this kind (Read, Write) has disk2 had.
disk2_had ()
{
  test "$(grep -c " $1 id=" disk2.log)" -ge "$2"
}

# kill_disk2_during KIND COMMAND...: the command must not notice.
kill_disk2_during ()
{
  local kind=$1 client disk2 status=0
  shift
  : >disk2.log
  printf '  $ %s &\n' "${*//"$dir/"/}"
  timeout 60 "$@" &
  client=$!
  wait_for disk2_had "$kind" 40
  disk2=$(cat disk2.pid)
  kill -KILL "$disk2"
  { wait "$disk2"; } 2>/dev/null || :   # else the shell talks about it
  if ! kill -0 "$client" 2>/dev/null; then
    echo "demo: the client had already ended" >&2
    exit 1
  fi
  echo "  $ kill -KILL \$(cat disk2.pid)"
  wait "$client" || status=$?
  printf '  the client ended with status %s\n' "$status"
  test "$status" = 0
}

# make_image FILE: an ext4 file system full of files.
make_image ()
{
  local i
  mkdir "$1.files"
  for ((i = 1; i <= MiB - 12; i++)); do
    head -c 1M /dev/urandom >"$1.files/file-$i"
  done
  truncate -s "${MiB}M" "$1"
  timeout 60 mke2fs -q -t ext4 -d "$1.files" "$1"
}

say "Two disks, each behind a server of its own, and a mirror of both."
truncate -s "${MiB}M" disk1.img disk2.img
serve_disk disk1
serve_disk disk2
serve_mirror
echo "  $ nbdkit ./mirror.so 'nbd+unix:///?socket=disk1.sock' \\"
echo "                       'nbd+unix:///?socket=disk2.sock'"
run nbdinfo --size "$uri"

say "A disk image with a file system full of files goes into it."
make_image old.img
run qemu-img convert -n -f raw -O raw old.img "$uri"
run qemu-img compare -f raw -F raw old.img "$uri"

say "Everything is read back, and in the middle of it disk2 dies."
kill_disk2_during Read \
  nbdcopy --connections=1 --requests=4 --request-size=65536 "$uri" back.img
run cmp old.img back.img
echo "  What was read is what was written."

say "Nothing was written meanwhile, so both disks are still the same:"
run cmp disk1.img disk2.img
echo "  disk2 comes back, and the mirror starts again with both."
stop mirror
serve_disk disk2
serve_mirror

say "A new image is written over the old one, and again disk2 dies."
make_image new.img
kill_disk2_during Write \
  nbdcopy --flush --connections=1 --requests=4 --request-size=65536 \
    new.img "$uri"
run qemu-img compare -f raw -F raw new.img "$uri"
echo "  Every byte is there, though there is only one disk left."
stop mirror

say "Without any mirror, disk1 alone is a good disk; disk2 missed the end."
run cmp disk1.img new.img
run e2fsck -fn disk1.img
if cmp -s disk2.img new.img; then
  echo "demo: disk2 was not killed in the middle of the writing" >&2
  exit 1
fi

say "What the mirror said:"
sed -e "s|$dir/||g" -e 's/^/    /' mirror.messages

cat <<END

No client saw an error, and nothing was lost.  The demo is cleaned up.
To go on with a mirror of your own (a server until you stop it with Ctrl-C):

  truncate -s 1G disk1.img disk2.img
  nbdkit -f -U \$PWD/mirror.sock $MIRROR_SO disk1.img disk2.img

and from another terminal in the same directory:

  uri="nbd+unix:///?socket=\$PWD/mirror.sock"
  nbdinfo "\$uri"
  qemu-img convert -n -O raw some-image.qcow2 "\$uri"
  qemu-system-x86_64 -drive file="\$uri",format=raw,if=virtio
  sudo modprobe nbd && sudo nbd-client -unix \$PWD/mirror.sock /dev/nbd0
  sudo nbd-client -d /dev/nbd0
END
