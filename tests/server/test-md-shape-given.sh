#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# level=, layout= and chunk= are checked against an md array one by one: what
# was not given is as the superblocks say.

. "$(dirname "$0")/functions.sh"

md_array a.img b.img
md_array c.img d.img e.img f.img --level=raid10 --layout=f2 --chunk=64K
raid1=(a.img b.img)
raid10=(c.img d.img e.img f.img)

accepted ()
{
  nbdkit_once -r "$MIRROR_SO" "$@" --run true
}
accepted "${raid1[@]}" level=raid1
accepted "${raid10[@]}" level=raid10
accepted "${raid10[@]}" layout=f2
accepted "${raid10[@]}" chunk=64K
accepted "${raid10[@]}" level=10 chunk=64K
accepted "${raid10[@]}" level=10 layout=f2 chunk=64K

refused "error: level=raid10: the md array .* has raid1; leave level= out" \
  "${raid1[@]}" level=raid10
refused "error: level=raid1: the md array .* has raid10; leave level= out" \
  "${raid10[@]}" level=raid1
refused "error: layout=n2: the md array .* has raid1; leave layout= out" \
  "${raid1[@]}" layout=n2
refused "error: layout=n2: the md array .* has f2; leave layout= out" \
  "${raid10[@]}" layout=n2
refused "error: layout=n2: the md array .* has f2; leave layout= out" \
  "${raid10[@]}" level=raid10 layout=n2 chunk=64K
refused "error: chunk=524288: the md array .* has 65536; leave chunk= out" \
  "${raid10[@]}" chunk=512K
refused "error: chunk=65536: the md array .* has 0; leave chunk= out" \
  "${raid1[@]}" chunk=64K
refused "layout= is for raid10 only" "${raid1[@]}" level=raid1 layout=n2
