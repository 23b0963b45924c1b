#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# nbdmirror get and set: what can be changed while an array is served is listed,
# is changed as a whole or not at all, and a key that there is not is told with
# those that there are.

. "$(dirname "$0")/online-functions.sh"

# complains TEXT
complains ()
{
  { local -; set +x; } 2>/dev/null
  grep -qF -e "$1" complaint || fail "it does not say: $1"
  test "$(wc -l <complaint)" = 1
}

keys="rebuild-rate-min, rebuild-rate-max, event-program, spare-delay, write-mostly"
does 3 get
does 3 set rebuild-rate-min=1M
for words in "" vm "vm rebuild-rate-min" "vm 1 rebuild-rate-min=1M" \
  "write-mostly=yes" "1 write-mostly=yes rebuild-rate-min=1M" \
  "1 write-mostly=maybe" "rebuild-rate-min=0" "rebuild-rate-min=fast" \
  "rebuild-rate-max=" "event-program=" \
  "spare-delay=soon" "spare-delay=86401"; do
  # shellcheck disable=SC2086
  does 2 set $words
done
does 2 set vm speed=1
complains "usage: unknown-key: speed is no key; there are: $keys"
does 2 get vm speed
complains "usage: unknown-key: speed is no key; there are: $keys"
does 2 get vm 1 rebuild-rate-min
does 2 get write-mostly

md_array --name=vm a.img b.img
serve mirror "$MIRROR_SO" a.img b.img sync_min=1M sync_max=8M
controlled mirror
does 0 get
cmp said - <<END
rebuild-rate-min  1048576 (1 MiB) a second
rebuild-rate-max  8388608 (8 MiB) a second
event-program     none
spare-delay       0 s
write-mostly      no  $dir/a.img
write-mostly      no  $dir/b.img
END

# Of two rates that only fit together neither is taken alone.
does 1 set vm rebuild-rate-min=9M
complains "vm: bad-argument: rebuild-rate-min would be 9437184, more than rebuild-rate-max, 8388608: set both"
does 0 set --dry-run rebuild-rate-max=20M rebuild-rate-min=9M
grep -q "^plan: rebuild-rate-min is set to 9437184 (9 MiB) a second$" said
does 0 get rebuild-rate-max
test "$(cat said)" = 8388608
does 0 set rebuild-rate-max=20M rebuild-rate-min=9M
does 0 get vm rebuild-rate-min
test "$(cat said)" = 9437184
does 0 set rebuild-rate-min=9M
does 10 set --error-if-unchanged rebuild-rate-min=9M
complains "vm: unchanged:"
does 1 set rebuild-rate-min=1M event-program=none.sh
complains "vm: bad-argument: event-program=$dir/none.sh: cannot be called:"
does 1 set rebuild-rate-min=1M event-program=/tmp
complains "vm: bad-argument: event-program=/tmp: cannot be called: Is a directory"
does 0 get rebuild-rate-min
test "$(cat said)" = 9437184
does 1 set rebuild-rate-min=90M event-program=/bin/true
does 0 get event-program
test "$(cat said)" = none

# What cannot be said in JSON is refused with the reason.
for words in "set event-program=" "spare --yes " "rename --yes "; do
  # shellcheck disable=SC2086
  does 1 $words$'x\xff'
  complains "vm: bad-request: it is no UTF-8;"
done

# Events are told to the program, and no longer.
for name in first second; do
  printf '#!/bin/sh\necho "$1" >>%s\n' "$dir/$name.calls" >$name.sh
  chmod +x $name.sh
done
does 0 set event-program=first.sh
does 0 get event-program
test "$(cat said)" = "$dir/first.sh"
does 0 fail --yes 1
wait_until grep -qx Fail first.calls
does 0 set event-program=second.sh
does 0 readd --yes 1
does 0 wait
wait_until grep -qx SpareActive second.calls
does 0 set event-program=none
does 0 fail --yes 1
does 0 readd --yes 1
does 0 wait
if grep -q Fail second.calls; then fail "it was called again"; fi
test "$(cat first.calls)" = Fail

# Of a member.
does 0 set vm "$dir/b.img" write-mostly=yes
does 0 set b.img write-mostly=yes
does 10 set 1 write-mostly=yes --error-if-unchanged
does 0 get vm 1 write-mostly
test "$(cat said)" = yes
does 0 --json get
python <<'END'
from control import *

answer = json.load(open("said"))
validate(answer["settings"], RESULTS["get"])
expect("members", [member["write-mostly"] for member in answer["members"]],
       [False, True])
control = Control("run/nbdmirror/vm.sock")
for args in ({"rebuild-rate-min": "1"}, {"rebuild-rate-min": -1},
             {"rebuild-rate-min": None}, {"rebuild-rate-max": 1.5},
             {"spare-delay": -1}, {"spare-delay": 86401}, {"spare-delay": None},
             {"event-program": "x"}, {"event-program": 1}, {"speed": 1}):
    expect(args, control.refused("set", **args), "bad-argument")
expect("nothing", control.ask("set"), control.ask("get"))
expect("read-only", Control("run/nbdmirror/vm.ro").refused("set"), "read-only")
END

# It stays so when the disk was away, also when nobody but the disk knows.
does 0 fail --yes 1
does 0 readd --yes 1
does 0 wait
does 0 get 1 write-mostly
test "$(cat said)" = yes
does 0 remove --yes 1
does 0 add --yes b.img
does 0 wait
does 0 get 1 write-mostly
test "$(cat said)" = yes
does 0 set 1 write-mostly=no
does 0 get 1 write-mostly
test "$(cat said)" = no
does 1 set 7 write-mostly=no
complains "vm: unknown-member:"

# A spare that waits for another day steps in at once.
disk 8M c.img
does 0 set spare-delay=86400
does 0 spare --yes c.img
does 0 explain c.img
grep -q "  state:   spare: it holds no data, and steps in when a slot has no disk" said
does 0 remove --yes 1
does 4 status
grep -q "  spare  .*" said
does 0 set spare-delay=0
does 0 wait
does 0 explain c.img
grep -q "  state:   in-sync: " said
stop mirror
