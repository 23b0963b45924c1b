#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The same as test-nbd-client-attach.sh with two connections of the kernel, so
# that a flush on one must cover the writes of the other.

CONNECTIONS=2 exec "$(dirname "$0")/test-nbd-client-attach.sh"
