#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A disk that may not be read is refused by name.

. "$(dirname "$0")/functions.sh"
without_root

disk 1M a.img b.img
chmod 666 a.img
chmod 000 b.img
refused "disk $dir/b.img: cannot be opened: Permission denied" a.img b.img
refused "disk $dir/b.img: cannot be opened: Permission denied" b.img a.img
