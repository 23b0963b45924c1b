#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# nbdmirror whatif: whether a disk may go, how many copies there would be of
# what, and which disks could then not be spared; and nothing happens.

. "$(dirname "$0")/online-functions.sh"

# answers TEXT: said last, its lines put together.
answers ()
{
  { local -; set +x; } 2>/dev/null
  grep -qF -e "$1" <(tr -s ' \n' ' ' <said) || fail "it does not say: $1"
}

does 3 whatif fail 1
does 2 whatif
does 2 whatif fail
does 2 whatif replace 1
does 2 whatif fail a b c

# Who asks brings nothing about: the rebuild that waits for a client goes on
# waiting.
md_array --name=vm a.img b.img
leave_behind a.img
serve mirror "$MIRROR_SO" a.img b.img
controlled mirror
does 1 whatif fail 0
answers " answer: refused: last-copy now: 1 copy of all data; survives no failure then: no copy of all data; "
grep -q "^nbdmirror: vm: last-copy: " complaint
does 1 whatif remove a.img
does 0 whatif fail 1
answers " now: 1 copy of all data; survives no failure then: 1 copy of all data; "
does 0 fail --dry-run 1
does 5 status
grep -q "  action: *none needed; it begins when" said
does 1 whatif fail 5
grep -q "^nbdmirror: vm: unknown-member:" complaint
stop mirror

# Of raid10 each set of slots that holds something together counts by itself.
rm mirror.messages
for i in 0 1 2 3; do disk 8M r$i.img; done
"$NBDMIRROR" create --yes --assume-clean --level=raid10 --name=ten r?.img
serve mirror "$MIRROR_SO" r?.img
controlled mirror
does 0 whatif fail ten r1.img
answers " answer: allowed what: disk $dir/r1.img is failed"
answers " now: 2 copies of all data; survives 1 failure, whichever disk then: 1 copy of 1/2 of the data, on slots 0, 1; 2 copies of 1/2 of the data, on slots 2, 3; survives no failure needed: slot 0: "
does 0 whatif remove ten 1
does 0 status --check
does 0 fail --yes 1
does 1 whatif fail 0
answers "refused: last-copy "
does 1 whatif fail 1
answers "refused: already "
does 0 --json whatif fail 2
python <<'END'
import json

answer = json.load(open("said"))
assert answer["allowed"] and answer["code"] is None, answer
assert answer["now"] == {"survives": 0, "needed": [0], "groups": [
    {"slots": [0, 1], "copies": 1}, {"slots": [2, 3], "copies": 2}]}, answer
assert answer["then"]["needed"] == [0, 3], answer
END
does 1 --json whatif fail 0
grep -q '"code" : "last-copy"' said
stop mirror

# Far and offset copies, where each disk shares something with every other one.
rm mirror.messages r?.img
for i in 0 1 2; do disk 8M r$i.img; done
"$NBDMIRROR" create --yes --assume-clean --level=raid10 --layout=f2 r?.img
serve mirror "$MIRROR_SO" r?.img
controlled mirror
does 0 whatif fail 1
answers " then: 1 copy of 2/3 of the data, on slots 0, 1, 2; 2 copies of 1/3 of the data, on slots 0, 2; survives no failure needed: slots 0, 2: each "
stop mirror
