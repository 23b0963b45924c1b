#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The manual pages are proper POD.

set -euo pipefail
: "${top_srcdir:=$(cd "$(dirname "$0")/.." && pwd)}"

command -v podchecker >/dev/null || { echo "podchecker is missing"; exit 77; }
podchecker -warnings -warnings "$top_srcdir"/man/*.pod
