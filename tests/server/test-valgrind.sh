#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Under valgrind's memcheck the plugin as it ships, with all its libraries:
# nothing uninitialised is used, and no memory is lost.

. "$(dirname "$0")/functions.sh"
. "$server_dir/instrumented.sh"
requires_filter error
requires_libnbd
requires valgrind

unset MALLOC_PERTURB_   # memcheck knows better what nobody has initialised
# Valgrind 3.19 does not know that waiting for a ring blocks: all threads
# would wait for ever.
ring=no
work leave valgrind --quiet --leak-check=full --show-leak-kinds=definite \
  --errors-for-leak-kinds=definite --error-exitcode=119 \
  --suppressions="$server_dir/valgrind.supp"
