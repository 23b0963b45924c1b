#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The storeys of the house hold: no file includes what its storey may not know,
# and the objects of logic and engine call nothing outside the lists below.
# First, planted breaches of every rule prove that this checker can fail.

set -euo pipefail
: "${top_srcdir:=$(cd "$(dirname "$0")/.." && pwd)}"
: "${top_builddir:=$PWD}"
: "${CC:=cc}"
: "${NM:=nm}"

# ------------------------------------------------------------------- includes

# may_include FILE HEADER: HEADER as written, with its quotes or brackets.
may_include ()
{
  case $2 in
    '<libnbd.h>') may_libnbd "$1" && return; return 1 ;;
    '<liburing.h>') [[ $1 == lib/legs/ring.c ]] && return; return 1 ;;
    '<blkid'*) [[ $1 == lib/look/look-blkid.c ]] && return; return 1 ;;
    '<nbdkit'*) [[ $1 == plugin/* ]] && return; return 1 ;;
  esac

  case $1 in
    lib/ground/*)
      case $2 in
        '"ground/'* | '<'*) no_glib "$2" ;;
        *) return 1 ;;
      esac ;;
    lib/logic/*)
      case $2 in
        '"logic/'*) ;;
        '"ground/util.h"' | '"ground/limits.h"' | '"ground/extent.h"') ;;
        '<stdbool.h>' | '<stddef.h>' | '<stdint.h>' | '<inttypes.h>') ;;
        '<limits.h>' | '<assert.h>' | '<string.h>' | '<stdarg.h>') ;;
        '<stdio.h>') ;;         # for snprintf; the symbols are checked too
        *) return 1 ;;
      esac ;;
    lib/legs/leg-open.c)        # what a text names is told by logic
      case $2 in
        '"legs/'* | '"logic/leg-spec.h"' | '"logic/leg-uri.h"') ;;
        '<errno.h>' | '<limits.h>') ;;
        *) return 1 ;;
      esac ;;
    lib/legs/*)
      case $2 in
        '"legs/'* | '"ground/'* | '<'*) no_glib "$2" ;;
        *) return 1 ;;
      esac ;;
    lib/look/*)
      case $2 in
        '"look/'* | '"logic/'* | '"ground/'* | '<'*) no_glib "$2" ;;
        *) return 1 ;;
      esac ;;
    lib/members/*)
      case $2 in
        '"members/'* | '"logic/'*) ;;
        '"ground/util.h"' | '"ground/limits.h"' | '"ground/log.h"') ;;
        '<stdbool.h>' | '<stdint.h>' | '<inttypes.h>' | '<errno.h>') ;;
        '<string.h>' | '<stdarg.h>') ;;
        '<stdlib.h>') ;;        # for memory; the symbols are checked too
        '<stdio.h>') ;;         # for snprintf; likewise
        *) return 1 ;;
      esac ;;
    lib/engine/*)
      case $2 in
        '"engine/'* | '"members/'* | '"logic/'*) ;;
        '"legs/leg.h"' | '"ground/'*) ;;
        '<stdbool.h>' | '<stddef.h>' | '<stdint.h>' | '<inttypes.h>') ;;
        '<limits.h>' | '<assert.h>' | '<string.h>') ;;
        '<errno.h>' | '<stdatomic.h>' | '<stdarg.h>') ;;
        '<stdlib.h>') ;;        # for memory; the symbols are checked too
        '<stdio.h>') ;;         # for snprintf; likewise
        *) return 1 ;;
      esac ;;
    lib/control/*)
      case $2 in
        '"control/'* | '"engine/array.h"' | '"logic/'* | '"ground/'*) ;;
        '<'*) ;;
        *) return 1 ;;
      esac ;;
    plugin/*) no_glib "$2" ;;
    ctl/*)
      case $2 in
        '"engine/'*) return 1 ;;
        '"control/json.h"' | '"control/place.h"') ;;
        '"control/'*) return 1 ;; # what is left is for a server
      esac ;;
    *) return 1 ;;              # a new room needs a rule
  esac
}

may_libnbd ()
{
  [[ $1 == lib/legs/leg-nbd*.c || $1 == lib/legs/leg-nbd-internal.h ]]
}

no_glib ()
{
  case $1 in
    '<glib'* | '<gio/'* | '<json-glib/'*) return 1 ;;
  esac
}

# bad_includes DIRECTORY: "FILE: HEADER" for each breach in that tree.
bad_includes ()
(
  cd "$1"
  find lib plugin ctl -name '*.[ch]' | sort | while read -r file; do
    sed -nE 's/^[[:space:]]*#[[:space:]]*include(_next)?[[:space:]]*//p' \
      "$file" | sed -E 's/[[:space:]]*(\/[*\/].*)?$//' |
      while read -r header; do
        may_include "$file" "$header" || echo "$file: $header"
      done
  done
)

# -------------------------------------------------------------------- symbols

# What the compiler may add on its own account: checks and instrumentation.
compiler='_GLOBAL_OFFSET_TABLE_|__stack_chk_fail|__[a-z]+_chk|__[a-z]+di2'
compiler+='|__(asan|ubsan|tsan|lsan|sanitizer|gcov|llvm)_.*'

memory='mem(cpy|set|cmp|move|chr)'
string='str(len|cmp|ncmp|chr|rchr|str|ncpy|nlen|spn|cspn)'
logic_may="$memory|$string|v?snprintf|__assert_fail|$compiler"
members_may="$memory|$string|v?snprintf|__assert_fail|$compiler"
members_may+='|malloc|calloc|free|log_.*'
engine_may="$memory|$string|v?snprintf|__assert_fail|$compiler"
engine_may+='|malloc|calloc|realloc|free|aligned_alloc|posix_memalign'
engine_may+='|ground_.*|worker_.*|log_.*|text_.*|leg_.*'

defined ()
{
  "$NM_COMMAND" -P --defined-only "$@" 2>/dev/null |
    awk 'NF > 1 && $2 ~ /^[A-Z]$/ { print $1 }' | sort -u
}

undefined ()
{
  "$NM_COMMAND" -P -u "$@" 2>/dev/null | awk 'NF > 1 { print $1 }' | sort -u
}

# bad_symbols ALLOWED-PATTERN FILE... [-- FILE...]: the undefined symbols of
# the first files that are in none of the files and do not match.
bad_symbols ()
{
  local allowed=$1 own=()
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    own+=("$1")
    shift
  done
  [ $# -eq 0 ] || shift
  comm -23 <(undefined "${own[@]}") <(defined "${own[@]}" "$@") |
    grep -vxE "$allowed" || true
}

# circles DIRECTORY: object files below it that call one another in a circle.
circles ()
(
  cd "$1"
  find . -name '*.o' ! -name 'tests_*' | sort | while read -r object; do
    defined "$object" | sed "s|\$| $object|"
  done | sort >"$scratch/owners"
  find . -name '*.o' ! -name 'tests_*' | sort | while read -r object; do
    join <(undefined "$object") "$scratch/owners" | cut -d' ' -f2 | sort -u |
      sed "s|^|$object |"
  done | tsort 2>&1 >/dev/null | grep -F .o || true
)

# calls DIRECTORY FROM TO: what the objects below FROM use of those below TO,
# both patterns of paths.
calls ()
(
  cd "$1"
  mapfile -t from < <(find . -name '*.o' ! -name 'tests_*' | grep -E "^\./($2)" || true)
  mapfile -t to < <(find . -name '*.o' ! -name 'tests_*' | grep -E "^\./($3)" || true)
  [ "${#from[@]}" -gt 0 ] || broken "no object matches $2"
  [ "${#to[@]}" -gt 0 ] || broken "no object matches $3"
  comm -12 <(undefined "${from[@]}") <(defined "${to[@]}")
)

# mapping FILE...: the symbols that map files.  If such a file shrinks, or its
# disk fails, there is SIGBUS instead of an error.
mapping ()
{
  undefined "$@" | grep -xE 'mmap(64)?' || true
}

# ---------------------------------------------------------- it is able to fail

NM_COMMAND=${NM%% *}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

broken ()
{
  echo "the checker is broken: $1"
  exit 1
}

# plant FILE HEADER: a tree with that one line must be found out.
plant ()
{
  rm -rf "$scratch/tree"
  mkdir -p "$scratch/tree"/{lib,plugin,ctl} "$scratch/tree/${1%/*}"
  echo "  # include $2 /* planted */" >"$scratch/tree/$1"
  [ "$(bad_includes "$scratch/tree")" = "$1: $2" ] ||
    broken "$1 may include $2"
}

plant lib/ground/log.c '"logic/layout.h"'
plant lib/ground/log.c '<glib.h>'
plant lib/logic/layout.c '"ground/ground.h"'
plant lib/logic/layout.c '"ground/log.h"'
plant lib/logic/layout.h '"legs/leg.h"'
plant lib/logic/layout.c '"engine/array.h"'
plant lib/logic/layout.c '"layout.h"'
plant lib/logic/layout.c '<time.h>'
plant lib/logic/layout.c '<stdlib.h>'
plant lib/legs/leg-file.c '"logic/layout.h"'
plant lib/legs/leg-file.c '"logic/leg-spec.h"'
plant lib/legs/leg-open.c '"logic/layout.h"'
plant lib/legs/leg-open.h '"logic/leg-spec.h"'
plant lib/legs/leg-file.c '"engine/array.h"'
plant lib/legs/leg-file.c '<libnbd.h>'
plant lib/legs/leg-file.c '<liburing.h>'
plant lib/legs/leg-nbd.h '<libnbd.h>'
plant lib/look/look.c '"legs/leg.h"'
plant lib/look/look.c '<blkid.h>'
plant lib/look/look.c '<glib.h>'
plant lib/members/read.c '"legs/leg.h"'
plant lib/members/read.c '"look/look.h"'
plant lib/members/judge.c '"engine/array.h"'
plant lib/members/fit.c '"engine/view.h"'
plant lib/members/members.c '"ground/ground.h"'
plant lib/members/members.c '<unistd.h>'
plant lib/logic/seats.c '"members/read.h"'
plant lib/look/look.c '"members/read.h"'
plant lib/engine/io/write.c '"look/look.h"'
plant lib/engine/io/write.c '"legs/leg-file.h"'
plant lib/engine/io/write.c '<pthread.h>'
plant lib/engine/io/write.c '<time.h>'
plant lib/engine/io/write.c '<unistd.h>'
plant lib/engine/io/write.c '<nbdkit-plugin.h>'
plant lib/engine/io/write.c '<glib.h>'
plant lib/engine/io/write.c '"control/control.h"'
plant lib/control/status.c '"engine/array-internal.h"'
plant lib/control/status.c '"legs/leg.h"'
plant lib/control/status.c '<nbdkit-plugin.h>'
plant plugin/serve.c '<libnbd.h>'
plant ctl/create.c '"engine/array.h"'
plant plugin/serve.c '<glib.h>'
plant ctl/create.c '"control/control.h"'
plant ctl/create.c '<nbdkit-plugin.h>'
plant ctl/create.c '<libnbd.h>'
plant ctl/signature.c '<blkid.h>'
plant lib/cellar/wine.c '<stdint.h>'

# compile NAME <SOURCE: $scratch/NAME.o
compile ()
{
  # shellcheck disable=SC2086 # CC may carry options
  $CC -x c -c -o "$scratch/$1.o" -
}

compile planted <<'E'
#include <time.h>
#include <stdio.h>
#include <sys/mman.h>
extern long engine_helper (void);
extern long ground_now (void);
long planted (void);
long
planted (void)
{
  printf ("%ld", (long) time (0));
  mmap (0, 1, PROT_READ, MAP_SHARED, 0, 0);
  return engine_helper () + ground_now ();
}
E
compile helper <<'E'
extern long engine_helper (void);
long engine_helper (void) { return 1; }
E

found=$(bad_symbols "$logic_may" "$scratch/planted.o" | xargs)
[ "$found" = "engine_helper ground_now mmap printf time" ] ||
  broken "in logic it found only: $found"
found=$(bad_symbols "$members_may" "$scratch/planted.o" -- \
  "$scratch/helper.o" | xargs)
[ "$found" = "ground_now mmap printf time" ] ||
  broken "in members it found only: $found"
found=$(bad_symbols "$engine_may" "$scratch/planted.o" -- \
  "$scratch/helper.o" | xargs)
[ "$found" = "mmap printf time" ] || broken "in engine it found only: $found"

mkdir -p "$scratch"/circle/{low,high}
mv "$scratch/helper.o" "$scratch/circle/low/helper.o"
cp "$scratch/planted.o" "$scratch/circle/high/planted.o"
[ -z "$(circles "$scratch/circle")" ] || broken "it sees a circle in a line"
[ "$(calls "$scratch/circle" high/ low/)" = engine_helper ] ||
  broken "high calls low, and it does not see it"
[ -z "$(calls "$scratch/circle" low/ high/)" ] || broken "low calls nothing"
compile circle/low/helper <<'E'
extern long engine_helper (void);
extern long planted (void);
long engine_helper (void) { return planted (); }
E
[ -n "$(circles "$scratch/circle")" ] || broken "it sees no circle"

[ "$(mapping "$scratch/planted.o")" = mmap ] || broken "it sees no mmap"

# ------------------------------------------------------------- the house itself

status=0

# complain TEXT LINES: nothing if there are no lines.
complain ()
{
  [ -n "$2" ] || return 0
  printf '%s\n%s\n' "$1" "$2"
  status=1
}

complain "Includes that the storey of the file may not know:" \
  "$(bad_includes "$top_srcdir")"

# archive NAME: the objects of one storey, as they go into the plugin.
archive ()
{
  local file=$top_builddir/lib/.libs/lib$1.a
  [ -s "$file" ] || { echo "$file is missing: run make first" >&2; exit 1; }
  [ -n "$(defined "$file")" ] ||
    { echo "$file: $NM_COMMAND sees no symbols" >&2; exit 1; }
  echo "$file"
}
logic=$(archive logic)
members=$(archive members)
engine=$(archive engine)

complain "Symbols that logic (pure) may not use:" \
  "$(bad_symbols "$logic_may" "$logic")"
complain "Symbols that members may not use:" \
  "$(bad_symbols "$members_may" "$members" -- "$logic")"
complain "Symbols that engine may not use:" \
  "$(bad_symbols "$engine_may" "$engine" -- "$members" "$logic")"

# Inside the engine arrows go down only, from room to room and from file to
# file.  What has to be woken above is woken through ground/worker.
rooms=$top_builddir/lib/engine
complain "Files of the engine that call one another in a circle:" \
  "$(circles "$rooms")"
members='array/\.libs/(failure|lost|member\.|view)'
above='array/\.libs/(leg|memory|[^flmv])'
io='io/\.libs/(bounce|extent|flush|pool|range|read|settle|stable|write)'
complain "array/view, member, lost and failure may call io/request and io/round only:" \
  "$(calls "$rooms" "$members" "$io|record/|sync/|life/|$above")"
complain "io/ may not call sync/ nor life/, nor array/ but view, member, lost, failure:" \
  "$(calls "$rooms" io/ "sync/|life/|$above")"
complain "record/ may not call sync/ nor life/, nor array/ but view, member, lost, failure:" \
  "$(calls "$rooms" record/ "sync/|life/|$above")"
complain "sync/ may not call life/, nor array/ but view, member, lost, failure:" \
  "$(calls "$rooms" sync/ "life/|$above")"

# The plugin is opened with RTLD_GLOBAL: what it exports may collide.
so=${MIRROR_SO:-$top_builddir/mirror.so}
if [ -e "$so" ]; then
  complain "Symbols that the plugin exports besides plugin_init:" \
    "$("$NM_COMMAND" -D -P --defined-only "$so" | awk '{ print $1 }' |
      grep -vxE 'plugin_init|mirror_debug_.*' || true)"
fi

complain "Files are read and written, not mapped:" \
  "$(mapping "$logic" "$members" "$engine" "$(archive legs)" \
    "$(archive look)" "$(archive ground)")"

exit "$status"
