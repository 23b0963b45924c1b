#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The example which attaches a mirror as a disk of the machine works as printed.

. "$(dirname "$0")/functions.sh"

MIRROR_SO=$(realpath "${MIRROR_SO:-./mirror.so}")
example=$kernel_dir/../../examples/attach-nbd-client.sh
export MIRROR_SO example

kernel_run <<'GUEST'
module nbd
"$example"
GUEST
