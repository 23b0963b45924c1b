# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154
# functions.sh: gives a test a real Linux kernel, as an ordinary user.
#
# Sourced by the tests here.  User-mode Linux is a kernel that runs as a
# process; its root is the host's own file system, so every program of the host
# is there.  kernel_run boots it, runs a guest script from standard input (see
# guest.sh for what that may use), halts it, and returns the script's status.
#
# What both sides have: $scratch, a directory shared by host and guest, which
# is removed when the test ends; the test's exported variables; its directory.
# Inside, the script is root, but only over what the test's user may touch.

set -euo pipefail

# nbd-client, mke2fs and insmod live where an ordinary user's PATH ends.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
kernel_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kernel_pid=

if ! command -v linux.uml >/dev/null; then
  echo "$0: skipped: linux.uml is not installed (package user-mode-linux)"
  exit 77
fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/mirror-kernel.XXXXXX")
export scratch

kernel_cleanup ()
{
  local status=$?
  kernel_kill
  rm -rf "$scratch"
  exit "$status"
}
trap kernel_cleanup EXIT
trap 'exit 1' INT TERM HUP

# A guest process is a host process: all of them are in the kernel's own group.
# Its leader is the kernel, the child of timeout; when that has ended, nobody
# writes to a disk any more.
kernel_kill ()
{
  local leader
  test -n "$kernel_pid" || return 0
  leader=$(cat "$scratch/uml/${scratch##*.}/pid" 2>/dev/null || :)
  { test -n "$leader" && kill -KILL -- "-$leader"; } 2>/dev/null ||
    kill -TERM "$kernel_pid"
  { wait "$kernel_pid" || :; } 2>/dev/null
  kernel_pid=
}

# kernel_run <GUEST-SCRIPT: 0 if the script succeeded.
kernel_run ()
{
  kernel_start
  kernel_wait
}

# kernel_start <GUEST-SCRIPT: it runs meanwhile; kernel_wait waits for
# its status, kernel_kill is the loss of power.
kernel_start ()
{
  export -p >"$scratch/environment"
  cat >"$scratch/script"
  rm -f "$scratch/status"
  rm -rf "$scratch/uml"
  mkdir "$scratch/uml"
  # shellcheck disable=SC2086  # CC may be two words
  ${CC:-cc} -shared -fPIC -o "$scratch/uml-xstate.so" \
    "$kernel_dir/uml-xstate.c"

  # Standard output is a pipe, since UML changes the settings of a terminal.
  LD_PRELOAD="$scratch/uml-xstate.so" \
    timeout -k 5 "$((3 * ${MIRROR_HANG_LIMIT:-600}))" linux.uml mem="${KERNEL_MEMORY:-512M}" \
    rootfstype=hostfs root=/dev/root hostfs=/ rw \
    con=null con0=null,fd:1 con1=null quiet \
    umid="${scratch##*.}" uml_dir="$scratch/uml/" \
    scratch="$scratch" init=/bin/bash -- "$kernel_dir/guest.sh" \
    </dev/null > >(exec cat) 2>&1 &
  kernel_pid=$!
}

kernel_wait ()
{
  local status=0
  wait "$kernel_pid" || status=$?
  kernel_pid=
  if ! test -f "$scratch/status"; then
    echo "$0: the guest did not finish (status $status; 124: in time)" >&2
    return 1
  fi
  status=$(cat "$scratch/status")
  return "$status"
}
