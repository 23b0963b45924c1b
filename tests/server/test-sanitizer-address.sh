#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Under AddressSanitizer, with UndefinedBehaviorSanitizer: no memory is used
# wrongly, none is lost, and nothing undefined happens.

. "$(dirname "$0")/functions.sh"
. "$server_dir/instrumented.sh"
requires_filter error
requires_libnbd

asan=$(preload asan)
build_plugin -O1 -fno-omit-frame-pointer -fsanitize=address,undefined \
  -fno-sanitize-recover=all
# A client that stayed would be memory that nbdkit itself never frees.
work leave env LD_PRELOAD="$asan" ASAN_OPTIONS=detect_leaks=1
