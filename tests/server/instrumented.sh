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

# preload NAME: what the server must have loaded before anything else to run
# with this sanitizer: its library, and one that makes it initialise itself
# first of all.  Else it may do so from a malloc in the constructor of
# p11-kit (gnutls needs that), in the middle of newlocale, where its search
# for a symbol leaves the locale lock behind broken: the process hangs at exit.
preload ()
{
  local file
  file=$($CC -print-file-name="lib$1.so")
  # The name alone means that there is none.
  test "$file" != "lib$1.so" || skip "$CC has no lib$1"
  $CC -shared -fPIC -Wl,-z,initfirst -o first.so -x c - <<'END'
#include <stdlib.h>
static void __attribute__ ((constructor))
first (void)
{
  void *volatile memory = malloc (1);
  free (memory);
}
END
  echo "$file:$dir/first.so"
}

# work stay|leave COMMAND...: nbdkit after this command serves all kinds of
# legs through our plugin, as a plain array and as an md array that is being
# resynced; one fails, one dies, and in the end the server is stopped: before
# the clients leave, or after.
work ()
{
  local kind cache disks shape clients=$1
  shift
  for kind in page,plain none,plain page,md none,md; do
    cache=${kind%,*}
    rm -f [abcd].img
    disk 8M {a,b,c,d}.img
    shape="level=raid10 layout=n2 chunk=64K"
    if test "${kind#*,}" = md; then
      "$NBDMIRROR" create --yes --level raid10 --layout n2 --chunk 64K \
        --bitmap-chunk 64K {a,c,b,d}.img >created.messages
      shape="sync_max=4M"
    fi
    disks=(a.img "$(uri c)" b.img "$(uri d)")
    if test "${ring:-yes}" = no; then   # a single local disk needs none
      disks[2]=$(uri b)
      serve b file b.img
    fi
    serve c --filter=error file c.img error-pwrite-rate=100% \
      error-file="$dir/broken"
    serve d file d.img
    # shellcheck disable=SC2086
    started mirror "$@" nbdkit -f -P "$dir/mirror.pid" \
      -U "$dir/mirror.sock" "$MIRROR_SO" "${disks[@]}" \
      $shape cache=$cache pool=8 timeout=20
    client env PYTHONPATH="$server_dir" \
      "$PYTHON" "$server_dir/workload.py" "$clients" "${server[mirror]}" \
      "${server[d]}"
    ended mirror
    killed d
    stop c
    test -z "${server[b]:-}" || stop b
    rm broken
  done
}
