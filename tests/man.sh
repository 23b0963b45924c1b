#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The manual pages are proper POD, and name the version that they describe, as
# NEWS does.

set -euo pipefail
: "${top_srcdir:=$(cd "$(dirname "$0")/.." && pwd)}"
cd "$top_srcdir"

command -v podchecker >/dev/null || { echo "podchecker is missing"; exit 77; }
podchecker -warnings -warnings man/*.pod

version=$(sed -n 's/^AC_INIT(.*\[\([0-9.]*\)\])$/\1/p' configure.ac)
test -n "$version"
grep -qx "This page describes version $version\." man/nbdkit-mirror-plugin.pod ||
  { echo "nbdkit-mirror-plugin(1) is not of version $version"; exit 1; }
grep -m 1 '^[0-9]' NEWS | grep -q "^$version " ||
  { echo "NEWS does not begin with version $version"; exit 1; }
