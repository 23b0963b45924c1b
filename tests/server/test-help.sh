#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# nbdkit --help has a line for every parameter, with key= where the shell
# completion of nbdkit looks for it, and --version names the plugin.

. "$(dirname "$0")/functions.sh"

nbdkit "$MIRROR_SO" --help | tee help
grep -oE '^[-_a-z0-9]+=' help | sort | tr '\n' ' ' >keys
test "$(cat keys)" = "cache= chunk= connections= control= degraded= disk= event-program= flush-timeout= layout= level= metadata= metrics= no-leg-timeout= \
on-split-brain= pool= reconnect= resync-budget= spare-delay= state= sync_max= sync_min= timeout= "
nbdkit "$MIRROR_SO" --version | grep -E '^mirror [0-9]'
