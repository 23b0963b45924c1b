#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every source and every test is in the list of some Makefile.inc: a test that
# nobody runs is worse than none.  And no test leaves something behind where
# run-test.sh does not look, depends on chance that no seed repeats, or keeps a
# processor busy while it waits.  And the files that the documents name exist.

set -euo pipefail
: "${top_srcdir:=$(cd "$(dirname "$0")/.." && pwd)}"

# unlisted DIRECTORY: the files of that tree which no list names.  A program
# of check_PROGRAMS is listed without its .c.
unlisted ()
(
  cd "$1"
  words=$(cat Makefile.am ./*/Makefile.inc | tr -s '[:blank:]' '\n' | sort -u)
  find lib plugin ctl tests examples man -name '*.[ch]' -o -name '*.sh' \
    -o -name '*.py' -o -name '*.pod' |
    sort |
    while read -r file; do
      grep -qxF -e "$file" -e "${file%.c}" <<<"$words" || echo "$file"
    done
)

# nameless DIRECTORY: tests in which nbdkit names its socket itself.
nameless ()
{
  grep -rlE --include='*.sh' --include='*.py' --exclude=lists.sh \
    --exclude=run-test.sh -e 'nbdkit.* -U - ' -e '"-U", "-"' "$1/tests" || :
}

# unseeded DIRECTORY: lines of tests with chance that MIRROR_SEED does not
# choose.  unit.h asks for it where nobody gave a seed, and prints it.
unseeded ()
(
  cd "$1"
  grep -rnE --include='*.sh' --include='*.py' --include='*.[ch]' \
    --exclude=lists.sh --exclude=unit.h --exclude-dir=bench \
    -e '/dev/u?random|\bRANDOM\b|\bgetrandom \(|\bs?rand(om)? \(' \
    -e 'urandom\(|uuid[14]\(|SystemRandom|\bshuf\b' tests |
    grep -v MIRROR_SEED | cut -d: -f1,2 || :
)

# spinning DIRECTORY: tests with a loop that does nothing until something else
# has happened.
spinning ()
(
  cd "$1"
  find tests -name '*.sh' -o -name '*.py' | sort | while read -r file; do
    grep -qPzo '(^|\n) *(while|until) [^\n]*(:\n *(pass|continue)|; do( :|\n *:))\n' \
      "$file" && echo "$file"
  done
  true
)

# absent DIRECTORY: files that the documents name and that do not exist.  THING
# in a name stands for many.
absent ()
(
  cd "$1"
  places='lib|plugin|ctl|tests|examples|packages'
  grep -ohE "\b($places)/[[:alnum:]_/-]+\.[[:alnum:]]+" -- *.md tests/*.md lib/engine/*.md 2>/dev/null |
    grep -v THING | sort -u |
    while read -r file; do
      test -e "$file" || echo "$file"
    done
)

# unproved DIRECTORY: rows of RULES.md whose last column names no bug, and bugs
# that are in none of the files named beside them.
unproved ()
(
  cd "$1"
  grep -E '^\| [A-Z]*[0-9]+[a-z]? \|' tests/RULES.md |
    while IFS='|' read -r _ rule _ _ bugs _; do
      files=(/dev/null) words=()
      while read -r name; do
        case $name in
          */*) files+=("$name") ;;
          ?*) words+=("$name") ;;
        esac
      done < <(grep -o '`[^`]*`' <<<"$bugs" | tr -d '`')
      if [ "${#words[@]}" = 0 ] && [[ $bugs != " none"* ]]; then
        echo "rule $rule: no bug"
      fi
      for word in "${words[@]}"; do
        grep -qsF -e "$word" -- "${files[@]}" || echo "rule $rule: $word"
      done
    done
)

# unmapped DIRECTORY: rows of MD-BEHAVIOUR.md that name no test and do not say
# that there is none, names that are in none of the files beside them, and
# missing numbers of its first table.
unmapped ()
(
  cd "$1"
  grep -E '^\| [0-9]+(, [0-9]+)* \|' tests/MD-BEHAVIOUR.md |
    while IFS='|' read -r _ number _ tests _; do
      files=(/dev/null) words=()
      while read -r name; do
        case $name in
          */*) files+=("$name") ;;
          ?*) words+=("$name") ;;
        esac
      done < <(grep -o '`[^`]*`' <<<"$tests" | tr -d '`')
      case $tests in
        " cannot exist here"* | " no test"*) ;;
        *) test "${#files[@]}" -gt 1 || echo "row $number: no test" ;;
      esac
      for word in "${words[@]}"; do
        grep -qsF -e "$word" -- "${files[@]}" || echo "row $number: $word"
      done
    done
  rows=$(sed '/^## What went wrong/,$d' tests/MD-BEHAVIOUR.md)
  for ((i = 1; i <= 61; i++)); do
    grep -q "^| $i |" <<<"$rows" || echo "row $i: missing"
  done
)

# This checker can fail.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch"/{lib,plugin,ctl,tests/unit,examples,man}
echo 'UNIT_TESTS = tests/unit/test-listed' >"$scratch/tests/Makefile.inc"
touch "$scratch"/{Makefile.am,lib/lost.c,tests/test-lost.sh} \
  "$scratch/tests/unit/test-listed.c"
if [ "$(unlisted "$scratch" | xargs)" != "lib/lost.c tests/test-lost.sh" ]; then
  echo "the checker is broken: $(unlisted "$scratch" | xargs)"
  exit 1
fi

echo 'nbdkit -r -U - null --run true' >>"$scratch/tests/test-lost.sh"
if [ "$(nameless "$scratch")" != "$scratch/tests/test-lost.sh" ]; then
  echo "the checker is broken: $(nameless "$scratch")"
  exit 1
fi

printf '%s\n' 'x=$((RANDOM % 7))' 'y=$RANDOM' 'z=${MIRROR_SEED:-$RANDOM}' \
  'head -c 4 /dev/urandom' >"$scratch/tests/test-lost.sh"
found=$(unseeded "$scratch" | xargs)
if [ "$found" != "tests/test-lost.sh:1 tests/test-lost.sh:2 tests/test-lost.sh:4" ]; then
  echo "the checker is broken: $found"
  exit 1
fi

printf '%s\n' 'while nothing_yet; do :' 'done' >"$scratch/tests/test-lost.sh"
printf '%s\n' 'import os' 'while not seen():' '    pass' \
  >"$scratch/tests/test-spins.py"
printf '%s\n' 'while not seen():' '    time.sleep(0.02)' \
  >"$scratch/tests/test-waits.py"
found=$(spinning "$scratch" | xargs)
if [ "$found" != "tests/test-lost.sh tests/test-spins.py" ]; then
  echo "the checker is broken: $found"
  exit 1
fi

echo 'See lib/lost.c and lib/logic/gone.h.' >"$scratch/README.md"
if [ "$(absent "$scratch")" != "lib/logic/gone.h" ]; then
  echo "the checker is broken: $(absent "$scratch")"
  exit 1
fi

printf '%s\n' '| 1 | it holds | a test | `lost` in `lib/lost.c` |' \
  '| P2 | it holds | a test | none: it cannot |' \
  '| L3a | it holds | a test | nothing |' \
  '| 4 | it holds | a test | `found`, `gone` in `lib/found.c` |' \
  >"$scratch/tests/RULES.md"
echo 'found = 1;' >"$scratch/lib/found.c"
found=$(unproved "$scratch" | xargs)
if [ "$found" != "rule 1 : lost rule L3a : no bug rule 4 : gone" ]; then
  echo "the checker is broken: $found"
  exit 1
fi

{
  for ((i = 1; i <= 61; i++)); do
    test "$i" = 9 || echo "| $i | text | no test |"
  done
  echo '## What went wrong once'
  echo '| 3 | text | nothing |'
  echo '| 4, 5 | text | `here`, `lost` in `tests/unit/test-bugs.c` |'
} >"$scratch/tests/MD-BEHAVIOUR.md"
found=$(unmapped "$scratch" | xargs)
if [ "$found" != "row 3 : no test row 4, 5 : here row 4, 5 : lost row 9: missing" ]
then
  echo "the checker is broken: $found"
  exit 1
fi

if ! bash "$top_srcdir/tests/run-test.sh" 600 true ||
   bash "$top_srcdir/tests/run-test.sh" 600 mktemp >/dev/null; then
  echo "run-test.sh does not see what a test leaves behind"
  exit 1
fi

lost=$(unlisted "$top_srcdir")
if [ -n "$lost" ]; then
  echo "Not in any list; add each to the Makefile.inc of its folder:"
  echo "$lost"
  exit 1
fi

found=$(nameless "$top_srcdir")
if [ -n "$found" ]; then
  echo "nbdkit -U - leaves a folder in /tmp when it does not start; give the"
  echo "socket a name (nbdkit_once of tests/server/functions.sh):"
  echo "$found"
  exit 1
fi

found=$(unseeded "$top_srcdir")
if [ -n "$found" ]; then
  echo "Chance that no seed repeats; use noise of functions.sh, or MIRROR_SEED:"
  echo "$found"
  exit 1
fi

found=$(spinning "$top_srcdir")
if [ -n "$found" ]; then
  echo "A loop that waits without sleeping:"
  echo "$found"
  exit 1
fi

found=$(unproved "$top_srcdir")
if [ -n "$found" ]; then
  echo "tests/RULES.md: rules without a bug that is found, or that is gone:"
  echo "$found"
  exit 1
fi

found=$(unmapped "$top_srcdir")
if [ -n "$found" ]; then
  echo "tests/MD-BEHAVIOUR.md: rows whose test is not there:"
  echo "$found"
  exit 1
fi

gone=$(absent "$top_srcdir")
if [ -n "$gone" ]; then
  echo "Named in a document, but there is no such file:"
  echo "$gone"
  exit 1
fi
