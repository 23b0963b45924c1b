#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck disable=SC2154
# nbdkit --run: the process that waits for the command has every disk open, too.
# A disk that failed is free all the same, and can be taken back.

. "$(dirname "$0")/online-functions.sh"

md_array --name=vm a.img b.img
cat >life <<'END'
set -e
# The command may be there before the server is.
until test -S "$XDG_RUNTIME_DIR/nbdmirror/vm.sock"; do sleep 0.01; done
for ((i = 0; i < 2; i++)); do
  "$NBDMIRROR" fail --yes vm 1
  until "$NBDMIRROR" readd --yes vm 1 2>complaint; do
    grep -q "vm: still-closing:" complaint
  done
  "$NBDMIRROR" wait vm
done
END
client nbdkit -U "$dir/run.sock" "$MIRROR_SO" a.img b.img \
  --run "bash '$dir/life'" >said 2>&1 || fail "$(cat said complaint)"
