#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# packages/install says what it is about to install before it does, installs
# what was asked for and no more, and tells a user without rights one line to
# paste.  On a machine of our own making: its dpkg-query knows no package, its
# apt-get only takes notes.

set -euo pipefail
exec 2>&1
top=$(realpath "${top_srcdir:-.}")
dir=$(mktemp -d "${TMPDIR:-/tmp}/mirror-packages.XXXXXX")
trap 'rm -rf "$dir"' EXIT
cd "$dir"

# A program of this machine: program NAME <<'END'
program ()
{
  mkdir -p bin
  { echo "#!/bin/sh"; cat; } >"bin/$1"
  chmod 755 "bin/$1"
}

fail ()
{
  echo "$0: $*"
  cat output
  exit 1
}

for tool in sh awk grep sed cat dirname env fold echo; do
  mkdir -p bin
  ln -s "$(command -v "$tool")" "bin/$tool"
done
program dpkg-query <<'END'
exit 1
END
program apt-cache <<'END'
test "$3" != fio
END
program apt-get <<END
case " \$* " in
  *" -s "*) echo "Inst one"; echo "Inst two" ;;
  *) echo "apt-get \$*" >>"$dir/output" ;;
esac
END

# install_as USER-ID KIND...
install_as ()
{
  printf 'echo %s\n' "$1" | program id
  shift
  PATH=$dir/bin sh "$top/packages/install" "$@" >>output 2>&1
}

# has TEXT, has_not TEXT: what was said and done.
has ()
{
  grep -qe "$1" output || fail "not there: $1"
}

has_not ()
{
  ! grep -qe "$1" output || fail "there: $1"
}

echo "The demo does not bring mdadm."
: >output
install_as 0 build demo
has "^Installing [0-9]* packages .* for: build demo$"
has "^  .* nbdkit "
has "^apt-get .* install .*gcc .*nbdkit "
has_not mdadm
has_not nbd-client

echo "The tests do, and that is said before, with what it means."
: >output
install_as 0
has "for: build demo test$"
has "^apt-get .* install .* mdadm "
grep -n "mdadm is among them" output | grep -q ^ || fail "mdadm is not said"
said=$(grep -n "udev rule" output | cut -d: -f1)
done=$(grep -n "^apt-get .* install" output | cut -d: -f1)
test "$said" -lt "$done" || fail "said after it was done"

echo "What the archive lacks is left out, and said."
has "^No package fio here"
! grep "^apt-get .* install" output | grep -qw fio || fail "fio was asked for"

echo "Without rights: nothing is done; there is one line to paste."
: >output
! install_as 1000 build demo || fail "status 0"
has "^  apt-get update && apt-get install --no-install-recommends gcc .* e2fsprogs$"
has_not "^apt-get .* install"
has_not mdadm
