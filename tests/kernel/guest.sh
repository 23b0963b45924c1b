# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154
# guest.sh: the first process inside the kernel of a test (see functions.sh).
#
# It makes the guest a usable machine, runs $scratch/script, leaves its status
# in $scratch/status, and halts.  The script has the functions below.  /run is
# the guest's own (pid files, sockets, mount points); all other paths, $scratch
# among them, are the host's.  There is no network, not even to itself.

# module NAME...: loads modules of the guest's kernel, in this order.
module ()
{
  local name file
  for name; do
    file=$(find "/usr/lib/uml/modules/$(uname -r)" -name "$name.ko*")
    test -n "$file" || { echo "no module $name" >&2; return 1; }
    if command -v insmod >/dev/null; then
      insmod "$file"
    else
      busybox insmod "$file"
    fi
  done
}

# wait_for COMMAND...: until the command succeeds; the limit is for hangs.
wait_for ()
{
  local deadline=$((SECONDS + ${MIRROR_HANG_LIMIT:-600}))
  until "$@" 2>/dev/null; do
    if test "$SECONDS" -ge "$deadline"; then
      echo "gave up waiting for: $*" >&2
      return 1
    fi
    sleep 0.05
  done
}

# noise SIZE NAME: bytes without a pattern, for each name others.
noise ()
{
  "${PYTHON:-python3}" "${0%/*}/../noise.py" "$@"
}

# serve NAME NBDKIT-ARGUMENT...: nbdkit on socket /run/NAME.sock, ready when
# this returns; its process is in /run/NAME.pid and what it says in the output.
serve ()
{
  local name=$1
  shift
  # Of one that was stopped.
  rm -f "/run/$name.sock" "/run/$name.pid"
  nbdkit -f -U "/run/$name.sock" -P "/run/$name.pid" "$@" &
  wait_for served "$name" $!
  test -s "/run/$name.pid"
}

# Ready to serve, or gone: both end the wait.
served ()
{
  test -s "/run/$1.pid" || gone "$2"
}

# stop NAME: ends such a server as an operator would, and waits for it.
stop ()
{
  local pid
  pid=$(cat "/run/$1.pid")
  kill -TERM "$pid"
  wait_for gone "$pid"
}

gone ()
{
  ! kill -0 "$1"
}

guest_main ()
{
  local status=0
  mount -t proc proc /proc
  mount -t sysfs sysfs /sys
  mount -t tmpfs tmpfs /run
  . "$scratch/environment"
  export TMPDIR=/run HOME=/run
  unset LD_PRELOAD
  cd "$PWD" || exit 1
  # A process of its own, since set -e does nothing left of ||.
  bash -euo pipefail -c '. "$0"; . "$scratch/script"' "$0" || status=$?
  echo "$status" >"$scratch/status"
  sync
  echo o >/proc/sysrq-trigger
  # The halt is another thread's work, and init must not end before it.
  sleep 60
}

# The script above sources this file for its functions.
if test $$ = 1; then
  guest_main
fi
