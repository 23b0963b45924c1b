#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A start that fails for want of open files says so: nbdkit is silent about the
# last step of it.  Fewer and fewer files are allowed, until nbdkit does not
# come to that step any more.

. "$(dirname "$0")/functions.sh"

disk 1M a.img b.img

# start FILES: a start with so many open files allowed.
start ()
{
  rm -f limited.sock
  (
    ulimit -n "$1"
    exec timeout -k 5 "$hang_limit" nbdkit -v -f -U "$dir/limited.sock" \
      "$MIRROR_SO" disk=a.img disk=b.img --run true
  ) >limited.messages 2>&1 || :
}

failed=0
for ((files = 32; files > 4; files--)); do
  start "$files"
  grep -q "debug: mirror: after_fork" limited.messages || continue
  grep -q "^nbdkit: mirror: serving" limited.messages && continue
  test "$(grep -c "^nbdkit: error: .*cannot be started: Too many open files" \
    limited.messages)" = 1 || fail "with $files files it fails silently"
  failed=$((failed + 1))
done
test "$failed" -gt 0 || skip "no number of files stops it at that step"
