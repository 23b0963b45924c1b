# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154
# instrumented.sh: a plugin that is made a second time, with a sanitizer in
# it, and work that takes many ways through the code.
#
# Sourced after functions.sh.

CC=${CC:-cc}
top_builddir=${top_builddir:-$(dirname "$MIRROR_SO")}

# build_plugin FLAG...: from here on $MIRROR_SO is one of our own.
build_plugin ()
{
  test -f "$top_builddir/Makefile" || skip "not configured: $top_builddir"
  env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$top_builddir" \
    -j2 -f Makefile -f "$server_dir/instrumented.mk" \
    CC="$CC" OUT="$dir" FLAGS="$*" "$dir/mirror.so"
  MIRROR_SO=$dir/mirror.so
}

# runtime NAME: the sanitizer's library, which the server must have loaded
# before anything else.
runtime ()
{
  local file
  file=$($CC -print-file-name="lib$1.so")
  # The name alone means that there is none.
  test "$file" != "lib$1.so" || skip "$CC has no lib$1"
  echo "$file"
}

# work COMMAND...: nbdkit after this command serves all kinds of legs through
# our plugin; one fails, one dies, and in the end the server is stopped while
# a client is connected.
work ()
{
  local cache disks
  for cache in page none; do
    rm -f [abcd].img
    disk 8M {a,b,c,d}.img
    disks=(a.img "$(uri c)" b.img "$(uri d)")
    serve c --filter=error file c.img error-pwrite-rate=100% \
      error-file="$dir/broken"
    serve d file d.img
    started mirror "$@" nbdkit -f -P "$dir/mirror.pid" \
      -U "$dir/mirror.sock" "$MIRROR_SO" "${disks[@]}" \
      level=raid10 layout=n2 chunk=64K cache=$cache pool=8 timeout=20
    CLIENT_LIMIT=300 client env PYTHONPATH="$server_dir" \
      "$PYTHON" "$server_dir/workload.py" "${server[mirror]}" "${server[d]}"
    ended mirror
    { ended d; } 2>/dev/null || :
    stop c
    rm broken
  done
}
