#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The completion of nbdmirror: it knows every command and every option that
# the program has, and no others.

set -euo pipefail
: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
NBDMIRROR=$(realpath "${NBDMIRROR:-./nbdmirror}")
# shellcheck source=/dev/null
. "$top_srcdir/ctl/nbdmirror-completion.bash"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
touch disk1.img disk2.img
mkdir folder

failed=0

# complete_is WANTED WORD...: what is offered for the last of these words.
complete_is ()
{
  local wanted=$1 seen
  shift
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  _nbdmirror
  seen=$(printf '%s\n' "${COMPREPLY[@]}" | sort | xargs)
  if [ "$seen" != "$wanted" ]; then
    echo "$*: offered '$seen', expected '$wanted'"
    failed=1
  fi
}

# options COMMAND: from its own help, short ones left out.
options ()
{
  # shellcheck disable=SC2086 # no command: no word
  "$NBDMIRROR" ${1:-} --help |
    grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+' |
    sort -u | xargs
}

commands=$("$NBDMIRROR" --help | sed '1,/^Commands/d' | awk '{ print $1 }' |
  sort | xargs)
[ -n "$commands" ]
complete_is "$commands" nbdmirror ""
complete_is "$(options)" nbdmirror --
for command in $commands; do
  complete_is "$(options "$command")" nbdmirror "$command" --
done

complete_is "erase events examine explain" nbdmirror --json e
complete_is "disk1.img disk2.img folder missing" nbdmirror create ""
complete_is "disk1.img disk2.img" nbdmirror examine --raw disk1.img d
complete_is "raid1 raid10" nbdmirror create --level r
complete_is "raid1 raid10" nbdmirror create -l ""
complete_is "raid10" nbdmirror create --level = raid10
complete_is "internal none" nbdmirror create --bitmap =
complete_is "disk1.img disk2.img folder" nbdmirror examine --bitmap ""
complete_is "folder" nbdmirror erase --backup-dir ""
complete_is "" nbdmirror create --name ""
complete_is "no" nbdmirror assemble --dry-run --degraded = n

# Arrays are known by the sockets of their servers.
export XDG_RUNTIME_DIR=$scratch/run
mkdir -p run/nbdmirror
python3 - <<'END'
import socket
for name in "db.sock", "vm.sock", "vm.ro":
    socket.socket(socket.AF_UNIX).bind("run/nbdmirror/" + name)
END
touch run/nbdmirror/vfile.sock
complete_is "vm" nbdmirror status v
complete_is "vm" nbdmirror wait --for sync v
complete_is "clean clients=0" nbdmirror wait --for c

# bash knows it under the program's name.
complete -p nbdmirror | grep -q _nbdmirror
exit "$failed"
