#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# nbdmirror fail, remove, add, readd, replace: a disk's life while a client
# writes; the plan comes first, and nothing is done before it was agreed to.

. "$(dirname "$0")/online-functions.sh"

does 3 fail 1
does 2 fail
does 2 replace 1
does 2 add a b c

md_array --name=vm a.img b.img
disk 8M c.img d.img
serve mirror "$MIRROR_SO" a.img b.img
controlled mirror
hold_mirror
python <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"1" * (4 << 20), 0)
h.flush()
h.shutdown()
END

# Without a terminal and --yes there is only the plan.
does 1 fail 1
grep -q ^plan: said
grep -q "^nbdmirror: vm: not-confirmed:" complaint
does 0 fail --dry-run vm 1
states in-sync in-sync
does 1 fail --yes 7
grep -q "^nbdmirror: vm: unknown-member:" complaint
does 1 add --yes c.img
grep -q "^nbdmirror: vm: no-free-slot:" complaint

# A disk that is there need not come back.
does 1 readd --yes 1
grep -q "^nbdmirror: vm: already: disk $dir/b.img: is in sync already; there is nothing to do$" complaint

# Nor of any other one.
before=$(sha256sum c.img d.img)
for words in "remove 1" "write-mostly 1" "read-as-others 1" "replace 1 c.img" \
  "spare c.img"; do
  # shellcheck disable=SC2086
  case $words in
    read-as-others*) does 1 $words ;; # it is so already
    *)
      does 1 $words
      grep -q ^plan: said
      grep -q "^nbdmirror: vm: not-confirmed:" complaint
      does 0 --dry-run $words
      grep -q ^plan: said ;;
  esac
done
states in-sync in-sync
test "$before" = "$(sha256sum c.img d.img)"

does 0 write-mostly --yes 1
does 1 write-mostly --yes 1
does 0 read-as-others --yes vm 1
does 0 fail --yes vm b.img
states in-sync failed
does 0 history
grep -qE ' info +Fail +disk .*b.img is failed, by order$' said
does 1 fail --yes 0
grep -q "^nbdmirror: vm: last-copy:" complaint
does 1 remove --yes "$dir/a.img"
grep -q "^nbdmirror: vm: last-copy:" complaint
does 1 readd 1
grep -q "^nbdmirror: vm: not-confirmed:" complaint
does 0 readd --dry-run 1
states in-sync failed
does 0 readd --yes 1
does 0 wait
states in-sync in-sync

does 0 fail --yes 1
does 0 remove --yes 1
states in-sync missing
does 1 add --yes none.img
# Blank disks need no leave; this one has something at its end.
printf x | dd of=c.img bs=1 seek=$((8 * 1024 * 1024 - 1)) conv=notrunc status=none
does 1 add --yes c.img
grep -q "^nbdmirror: vm: overwrites:" complaint
does 1 add --discard c.img
grep -q "^nbdmirror: vm: not-confirmed:" complaint
states in-sync missing
does 0 add --yes --discard c.img
does 0 wait
states in-sync in-sync
does 0 --json replace --yes c.img d.img
grep -q '"done":true' said
does 0 wait
does 0 stop --force
ended mirror
# All of that is no error.
if grep " error: " mirror.messages; then fail "it is told as an error"; fi
for disk in a d; do
  cmp <(head -c 4M /dev/zero | tr '\0' 1) \
    <(tail -c +$(($(md_data $disk.img) + 1)) $disk.img | head -c 4M)
done

# An order that hangs with its disks holds up no question; and whoever gave it
# may go.
md_array --name=far e.img f.img
serve leg file f.img
rm mirror.messages
serve mirror "$MIRROR_SO" e.img "$(uri leg)"
controlled mirror
freeze leg
python <<'END'
from control import *

path = "run/nbdmirror/far.sock"
first, gone, control = Control(path), Control(path), Control(path)
order = {"cmd": "fail", "args": {"member": 1}}
first.send({"id": 1, **order})
gone.send({"id": 2, **order})
gone.close()
for _ in range(20):
    control.ask("status")
for args in ({}, {"member": 0}, {"member": "1"}, {"member": 1 << 40},
             {"member": 1, "force": True}):
    expect(args, control.refused("fail", **args), "bad-argument")
expect("relative", control.refused("add", disk="c.img"), "bad-argument")
expect("read-only", Control("run/nbdmirror/far.ro").refused("fail", member=1),
       "read-only")
END
kill -CONT "${server[leg]}"
stop mirror
