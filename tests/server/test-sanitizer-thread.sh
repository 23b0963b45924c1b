#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Under ThreadSanitizer: no two threads use the same memory at once without a
# lock.

. "$(dirname "$0")/functions.sh"
. "$server_dir/instrumented.sh"
requires_filter error
requires_libnbd
requires setarch

tsan=$(preload tsan)
build_plugin -O1 -fno-omit-frame-pointer -fsanitize=thread
# The sanitizer wants addresses where it expects them.
setarch -R true || skip "address randomisation cannot be switched off"
work stay setarch -R env LD_PRELOAD="$tsan" TSAN_OPTIONS=exitcode=66
said 0 ThreadSanitizer
