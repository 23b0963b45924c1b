#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The help of nbdmirror, and of each of its commands, fits 80 columns;
# "help COMMAND" is "COMMAND --help".

set -euo pipefail
NBDMIRROR=${NBDMIRROR:-./nbdmirror}
failed=0

fits ()
{
  local wide
  wide=$(awk 'length > 80' <<< "$2")
  if [ -n "$wide" ]; then
    printf '%s: wider than 80 columns:\n%s\n' "$1" "$wide"
    failed=1
  fi
}

all=$("$NBDMIRROR" --help)
fits nbdmirror "$all"
commands=$(sed '1,/^Commands/d' <<< "$all" | awk '{ print $1 }')
[ -n "$commands" ]
for command in $commands; do
  text=$("$NBDMIRROR" "$command" --help)
  fits "$command" "$text"
  if [ "$("$NBDMIRROR" help "$command")" != "$text" ]; then
    echo "help $command is not $command --help"
    failed=1
  fi
done
exit $failed
