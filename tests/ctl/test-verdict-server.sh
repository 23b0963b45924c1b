#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# What assemble --dry-run tells is what the server does: does it start, who is
# used, who is rebuilt and how.  Both are asked and compared.

. "$(dirname "$0")/../server/functions.sh"
requires_libnbd

# verdict OPTION-OR-DISK...: in one line, e.g. "start: a.img b.img:full"
verdict ()
{
  # Its status tells more than success.
  { "$NBDMIRROR" --json assemble --dry-run "$@" 2>/dev/null || :; } |
    "$PYTHON" -c '
import json, sys
said = json.load(sys.stdin)
status, result = said["status"], said["result"]
if result != "start" or status == 6:
    print("refused")
    sys.exit()
words = ["start" + (", read only" if said["why_readonly"] else "") + ":"]
for member in said["members"]:
    name = member["disk"].split("/")[-1]
    if member.get("used"):
        words.append(name + (":" + member["rebuild"]
                             if member["rebuild"] else ""))
print(" ".join(words))'
}

# served [-r] PARAMETER-OR-DISK...: the same, as the server shows.
served ()
{
  local disk words="start"
  rm -f mirror.messages
  if ! nbdkit -U - "$MIRROR_SO" "$@" --run true 2>mirror.messages; then
    echo refused
    return
  fi
  ! grep -q 'nbdkit -r$' mirror.messages || words+=", read only"
  words+=":"
  for disk; do
    case $disk in *=*) continue ;; esac
    test -e "$disk" || continue
    if grep -q "disk $dir/$disk: is not used" mirror.messages; then
      continue
    elif grep -q "disk $dir/$disk: .*it will be rebuilt with the bitmap" \
      mirror.messages; then
      words+=" $disk:bitmap"
    elif grep -q "disk $dir/$disk: .*it will be rebuilt$" mirror.messages; then
      words+=" $disk:full"
    else
      words+=" $disk"
    fi
  done
  echo "$words"
}

# same WANTED DISK-OR-PARAMETER...: both say that.
same ()
{
  local wanted=$1 word ours theirs options=()
  shift
  for word; do
    case $word in
      *=*) options+=("--$word") ;;
      *) options+=("$word") ;;
    esac
  done
  ours=$(verdict "${options[@]}")
  theirs=$(served "$@")
  if test "$ours" != "$wanted" || test "$theirs" != "$wanted"; then
    tail mirror.messages
    fail "$*: nbdmirror '$ours', server '$theirs', expected '$wanted'"
  fi
}

# alone DATA DISK...: something is written while only these are there.
alone ()
{
  local data=$1
  shift
  serve_mirror "$@"
  data=$data python <<'END'
from nbdtest import *

connect().pwrite(os.environ["data"].encode() * 1024, 1 * MiB)
END
  stop mirror
}

# with_and_without_bitmap KIND HOW: one of two has missed writes.
with_and_without_bitmap ()
{
  rm -f ./*.img
  md_array a.img b.img --bitmap="$1"
  alone both a.img b.img
  same "start: a.img b.img" a.img b.img
  same "start: a.img" a.img
  same "start: a.img" a.img gone.img degraded=yes
  same refused a.img gone.img degraded=no
  alone one a.img
  same "start: a.img b.img:$2" a.img b.img
  same "start: b.img:$2 a.img" b.img a.img
  same refused a.img b.img degraded=no
  # Split brain; then there is nothing to choose any more.
  same "start: b.img" b.img
  alone other b.img
  same refused a.img b.img
  same "start: a.img b.img:full" a.img b.img on-split-brain=leg:0
  same "start: a.img:full b.img" a.img b.img on-split-brain=leg:1
  same refused gone.img a.img b.img on-split-brain=leg:0
}

with_and_without_bitmap internal bitmap
with_and_without_bitmap none full

# A third takes the place of one that was lost: that one has none any more.
rm -f ./*.img
md_array a.img b.img c.img --level=raid10 --layout=n2 --chunk=64K
alone all a.img b.img c.img
cp b.img old.img
same refused a.img b.img c.img old.img        # a copy
same "start: a.img c.img" a.img c.img
same refused b.img
same refused a.img b.img c.img /dev/null

# Members and others do not mix.
rm -f ./*.img
md_array a.img b.img
same "start: a.img b.img" a.img b.img
disk 8M plain.img
same refused a.img plain.img
same refused plain.img gone.img
