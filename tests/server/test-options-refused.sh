#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every wrong parameter is refused before anything is served: status 1, one
# line that names the parameter and says what to do, and nothing is written.

. "$(dirname "$0")/functions.sh"

random_disk 1M a.img b.img c.img d.img
before=$(sha256sum ./*.img)

# How many disks, and which level.
refused "at least two disks, and none was given"
refused "at least two disks, and only one was given" a.img
# shellcheck disable=SC2046
refused "disk extra.img.*one too many.*32" \
  $(printf 'd%s.img ' {1..32}) extra.img
refused "level=raid5.*raid1 or raid10" a.img b.img c.img level=raid5

# The layout of raid10.
raid10=(a.img b.img c.img d.img level=raid10)
refused "layout=left.*n2.*f2.*o2" "${raid10[@]}" layout=left
refused "layout=n.*n2" "${raid10[@]}" layout=n
refused "layout=n2f2.*n2" "${raid10[@]}" layout=n2f2
refused "layout=2.*n2" "${raid10[@]}" layout=2
refused "layout=n1 with 4 disks: .*only one copy.*another layout=" "${raid10[@]}" layout=n1
refused "layout=n5 with 4 disks: .*more copies than.*another layout=" "${raid10[@]}" layout=n5
refused "layout=f3 with 2 disks: .*more copies than.*disks" a.img b.img level=raid10 layout=f3
refused "layout= is for raid10 only.*level=raid10" a.img b.img layout=n2
refused "chunk= is for raid10 only.*level=raid10" a.img b.img chunk=64K
refused "chunk=100K.*power of two" "${raid10[@]}" chunk=100K
refused "chunk=2K.*from 4K" "${raid10[@]}" chunk=2K
refused "chunk=2G.*to 1024M" "${raid10[@]}" chunk=2G
refused "chunk.*lots" "${raid10[@]}" chunk=lots
refused "a.img: is too small.*smaller chunk" "${raid10[@]}" chunk=2M

# The rest.
refused "pool=0.*one for each disk" a.img b.img pool=0
refused "pool=1 is too small: 2 disks need at least 2 \(" a.img b.img pool=1
refused "pool=70000 is too large: at most 65536" a.img b.img pool=70000
refused "pool" a.img b.img pool=many
refused "cache=foo.*page.*none" a.img b.img cache=foo
refused "timeout=0.*1 to 3600" a.img b.img timeout=0
refused "timeout=3601.*1 to 3600" a.img b.img timeout=3601
refused "flush-timeout=0.*1 to 14400" a.img b.img flush-timeout=0
refused "flush-timeout=14401.*1 to 14400" a.img b.img flush-timeout=14401
refused "flush-timeout=soon.*1 to 14400" a.img b.img flush-timeout=soon
refused "flush-timeout=9 is less than timeout=10" a.img b.img flush-timeout=9 \
  timeout=10
refused "flush-timeout=29 is less than timeout=30" a.img b.img flush-timeout=29
for wrong in -1 3601 long 10s; do
  refused "resync-budget=$wrong: must be 0 to 3600" a.img b.img \
    resync-budget=$wrong
done
for wrong in 0 17 -1 many 2K; do
  refused "connections=$wrong: must be 1 to 16" a.img b.img connections=$wrong
done
for key in state control event-program; do
  refused "$key=: names no file; give its path" a.img b.img $key=
done
refused "no-leg-timeout=5: is for md arrays, and for state=" a.img b.img \
  no-leg-timeout=5
refused "no-leg-timeout=5: waits for a disk that comes back.*reconnect=no" \
  a.img b.img state=state no-leg-timeout=5 reconnect=no
for twice in level=raid1 layout=n2 chunk=64K pool=64 cache=page timeout=5 \
             flush-timeout=60 connections=1 metadata=none degraded=yes \
             on-split-brain=leg:0 sync_min=1M sync_max=1G no-leg-timeout=0 \
             reconnect=5 spare-delay=1 resync-budget=1 state=state \
             control=none event-program=true metrics=unix:metrics; do
  refused "$twice: ${twice%%=*}= is given twice, and takes one value" \
    a.img b.img "$twice" "$twice"
done
refused "unknown parameter 'colour'.*--help" a.img b.img colour=blue
refused "unknown parameter 'x'.*\./x=c.img" a.img b.img x=c.img

test "$(sha256sum ./*.img)" = "$before"
