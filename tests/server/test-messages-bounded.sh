#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Clients try again and again what fails each time: people are told why, once
# for each cause, and the messages do not grow with every request.

. "$(dirname "$0")/functions.sh"
requires_filter error
requires_filter protect
requires_libnbd

# storm CALL...: 2000 times each; each fails, and now and then something else
# succeeds, so that nobody can take it for the same failure.
storm ()
{
  python "$@" <<'END_OF_CLIENT'
from nbdtest import *

h = connect()
calls = {
    "write": lambda: h.pwrite(b"3" * 4096, 4 * MiB),
    "zero": lambda: h.zero(4096, 4 * MiB),
    "read": lambda: h.pread(4096, 0),
    "flush": lambda: h.flush(),
}
for call in sys.argv[1:]:
    for i in range(2000):
        try:
            calls[call]()
            assert False, "succeeded"
        except nbd.Error:
            pass
END_OF_CLIENT
}

# Lines, beside those of start and stop.
quiet_enough ()
{
  test "$(grep -cv "serving\|plain" mirror.messages)" -le 8
  said 0 "OUT OF THE MIRROR"
  stop mirror || :
  stop a
  stop b
  rm -f ./*.img mirror.messages broken
}

# legs KIND ERROR: all that they are asked for fails while there is "broken".
legs ()
{
  disk 8M a.img b.img
  test "$1" = plain || md_array a.img b.img
  for leg in a b; do
    serve $leg --filter=error file $leg.img error="$2" \
      error-pwrite-rate=100% error-zero-rate=100% error-pread-rate=100% \
      error-file="$dir/broken"
  done
  serve_mirror "$(uri a)" "$(uri b)"
}

for error in ENOSPC EINVAL EIO; do
  legs plain $error
  touch broken
  storm write zero read
  said 1 "a write failed on every disk that holds the data: "
  said 1 "a read failed on every disk that holds the data: "
  quiet_enough
done

# It is their metadata that cannot be written.
legs md ENOSPC
touch broken
storm write
said 1 "its metadata cannot be written: No space left on device"
quiet_enough

# A place that takes no other data, but all else works: each failure brings a
# resync, in which something is read and written.
disk 8M a.img b.img
md_array a.img b.img
from=$(($(md_data a.img) + 4194304))
for leg in a b; do
  serve $leg --filter=protect file $leg.img protect=$from-$((from + 4095))
done
serve_mirror "$(uri a)" "$(uri b)"
storm write
said 1 "a write failed on every disk that holds the data: "
quiet_enough

# A flush is refused for ever.
requires_plugin eval
disk 1M a.img b.img
serve_with_flush a 'echo EIO broken >&2; exit 1'
serve_with_flush b 'echo EIO broken >&2; exit 1'
serve_mirror "$(uri a)" "$(uri b)"
storm flush
said 1 "every flush fails"
quiet_enough
