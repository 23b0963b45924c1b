#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What README.md promises for a fresh machine, on one with that release of
# Debian or Ubuntu: a clone, then `make demo` and `make check` in it, by root,
# who lacks all packages, and then by a user without sudo, who has them.
#
#   tests/distro.sh RELEASE [GOAL...]       the goals: demo check
#
# For root only.  The machine is a folder of TMPDIR that debootstrap fills, with
# git, gcc and make; about 3 GB.  Packages come from where this machine's apt
# gets its own.  What is cloned is HEAD.  The status is 0 if everything passed
# and the compiler warned of nothing, 77 if there can be no such machine here.

set -euo pipefail

skip ()
{
  echo "$0: skipped: $*" >&2
  exit 77
}

# -------------------------------------------------------------- on the machine

# step USER GOAL: make GOAL in that user's clone, with an empty environment.
step ()
{
  local user=$1 goal=$2 result=passed begin=$SECONDS home log
  home=$(getent passwd "$user" | cut -d: -f6)
  log=/logs/$user-$goal.log
  runuser -u "$user" -- env -i HOME="$home" PATH="$PATH" \
    http_proxy="${http_proxy-}" \
    timeout -k 10 5400 make -C "$home/mirror" "$goal" \
    >"$log" 2>&1 </dev/null || result="failed with status $?"
  if [ "$result" != passed ]; then
    tail -n 400 "$log"
  elif grep -E '^[^ ]+:[0-9:]+ warning: ' "$log"; then
    result="passed with warnings"
  fi
  sed -n 's/^SKIP: /  skipped: /p' "$log"
  echo "$release, $user, make $goal: $result ($((SECONDS - begin)) s)"
  [ "$result" = passed ]
}

# machine RELEASE GOAL...: inside, in the new root.
machine ()
{
  local release=$1 user goal failed=0
  shift
  useradd --create-home tester
  for user in root tester; do
    runuser -u "$user" -- git -c advice.detachedHead=false \
      -c init.defaultBranch=main clone -q /mirror.bundle \
      "$(getent passwd "$user" | cut -d: -f6)/mirror"
    for goal; do
      step "$user" "$goal" || failed=1
    done
  done
  dpkg-query -W -f='  ${Package} ${Version}\n' gcc nbdkit libnbd0 liburing2 \
    mdadm user-mode-linux 2>/dev/null || :
  return "$failed"
}

# ------------------------------------------------- around it: all mounts go away
# with these processes, however they end, since the mounts are theirs alone.

# inside SCRATCH ARCHIVE RELEASE GOAL...
inside ()
{
  local scratch=$1 archive=$2 release=$3 root=$1/root
  timeout -k 10 1800 debootstrap --force-check-gpg --variant=minbase \
    --include=git,gcc,make "$release" "$root" "$archive" \
    >"$scratch/debootstrap.log" 2>&1 ||
    { tail -n 20 "$scratch/debootstrap.log" >&2; return 1; }
  mount -t proc proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
  mkdir "$root/logs"
  chmod 1777 "$root/logs"
  cp "$scratch/mirror.bundle" "$0" "$root"
  shift 2
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    http_proxy="${http_proxy-}" \
    chroot "$root" bash "/${0##*/}" --machine "$@"
}

# ---------------------------------------------------------------- on this machine

# find_archive RELEASE FILE: the first of apt's own which has that release.
find_archive ()
{
  local uri
  # shellcheck disable=SC2016 # apt-get replaces it
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
    sort -u |
    while read -r uri; do
      uri=${uri%/}
      /usr/lib/apt/apt-helper download-file "$uri/dists/$1/InRelease" "$2" \
        >/dev/null 2>&1 || continue
      if grep -Eq '^Origin: (Debian|Ubuntu)$' "$2"; then
        echo "$uri"
        break
      fi
    done
}

# Whoever is killed in the namespace's first process is killed with all others
# in it, and only then has that process ended.
scratch=
process=
cleanup ()
{
  local status=$? first
  if [ -n "$process" ]; then
    first=$(cat "/proc/$process/task/$process/children" 2>/dev/null || :)
    # shellcheck disable=SC2086 # none or one
    kill -KILL ${first:-"$process"} 2>/dev/null || :
    wait "$process" || :
  fi
  rm -rf "$scratch"
  exit "$status"
}

outside ()
{
  local archive status=0
  [ "$(id -u)" = 0 ] || skip "only root can make a machine"
  command -v debootstrap >/dev/null || skip "debootstrap is not installed"
  unshare --mount --pid --fork true 2>/dev/null ||
    skip "no namespaces can be made here"
  cd "$(dirname "$0")/.."
  git -c safe.directory='*' rev-parse -q --verify HEAD >/dev/null ||
    skip "this is no clone"

  scratch=$(mktemp -d "${TMPDIR:-/tmp}/mirror-distro.XXXXXX")
  trap cleanup EXIT
  trap 'exit 1' INT TERM HUP
  chmod 755 "$scratch"
  git -c safe.directory='*' bundle create -q "$scratch/mirror.bundle" HEAD

  eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
  export http_proxy
  archive=$(find_archive "$1" "$scratch/InRelease")
  [ -n "$archive" ] || skip "apt here knows no archive that has $1"

  unshare --mount --pid --fork --kill-child \
    bash "$PWD/tests/distro.sh" --inside "$scratch" "$archive" "$@" &
  process=$!
  wait "$process" || status=$?
  process=
  return "$status"
}

case ${1-} in
  --machine) shift && machine "$@" ;;
  --inside) shift && inside "$@" ;;
  [a-z]*)
    release=$1
    shift
    [ $# != 0 ] || set -- demo check
    outside "$release" "$@"
    ;;
  *)
    sed -n '3,/^$/s/^# \{0,1\}//p' "$0" >&2
    exit 1
    ;;
esac
