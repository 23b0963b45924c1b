# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# What nbdmirror assemble --dry-run says of disks, and what the server does with
# them, in the same words.  Before ../server/functions.sh, which leaves the folder.

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
        begun = member["state"] in ("recovering", "replacement")
        words.append(name + (":begun" if begun else
                             ":" + member["rebuild"] if member["rebuild"]
                             else ""))
print(" ".join(words))'
}

# served [-r] PARAMETER-OR-DISK...: the same, as the server shows.
served ()
{
  local disk name words="start"
  rm -f mirror.messages
  if ! nbdkit_once "$MIRROR_SO" "$@" --run true 2>mirror.messages; then
    echo refused
    return
  fi
  ! grep -q 'nbdkit -r$' mirror.messages || words+=", read only"
  words+=":"
  for disk; do
    name=${disk##*/}
    case $disk in
      nbd*) ;;
      *=*) continue ;;
      *) test -e "$disk" || continue ;;
    esac
    if grep -q "disk .*/$name: is not used" mirror.messages; then
      continue
    elif grep -q "disk .*/$name: .*it will be rebuilt with the bitmap" \
      mirror.messages; then
      words+=" $name:bitmap"
    elif grep -q "disk .*/$name: .*it will be rebuilt" mirror.messages; then
      words+=" $name:full"
    elif grep -q "slot [0-9]*: [^;]*/$name, which is being rebuilt" \
      mirror.messages; then
      words+=" $name:begun"
    elif grep -q "disk .*/$name: is to replace the other disk" \
      mirror.messages; then
      words+=" $name:begun"
    else
      words+=" $name"
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
      nbd*) options+=("$word") ;;
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
