#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# One disk under two names is refused, and both are named: loop devices of one
# file, a file and its loop device, a partition and its disk, one export under
# two URIs.  Different parts of one thing are two disks; that they fail together
# is said.

. "$(dirname "$0")/functions.sh"
requires_filter exportname

disk 16M a.img b.img
before=$(sums a.img b.img)

# same DISK DISK [PATTERN]: in either order, by the server and by the tool.
same ()
{
  local one=${1//[+?]/.} two=${2//[+?]/.}
  refused "disk $two is the same as disk $one.*${3:-}.*needs different disks" \
    "$1" "$2"
  refused "disk $one is the same as disk $two.*${3:-}.*needs different disks" \
    "$2" "$1"
  "$NBDMIRROR" create --yes "$1" "$2" 2>tool && fail "created"
  grep -F "$2: given-twice: is the same disk as $1" tool
  test "$(sums a.img b.img)" = "$before"
}

# shared DISK DISK NAME: two disks, which fail together.
shared ()
{
  : >mirror.messages
  serve_mirror "$1" "$2"
  said 1 "nbdkit: mirror: disk $2: is on $3, as is disk $1: if that fails, both"
  stop mirror
}

# Loop devices.
if loop_device a.img; then
  whole=$loop
  loop_device a.img
  second=$loop
  ln a.img hardlink.img
  ln -s a.img symlink.img
  same "$dir/a.img" "$whole" "same bytes of $dir/a.img"
  same "$dir/hardlink.img" "$whole"
  same "$dir/symlink.img" "$second"
  same "$whole" "$second" "same bytes of $dir/a.img"
  # A loop device of a loop device.
  loop_device "$second"
  same "$dir/a.img" "$loop"
  same "$whole" "$loop"

  # Ranges of one file: with and without bytes in common.
  loop_device b.img --sizelimit $((4 << 20))
  low=$loop
  loop_device b.img --offset $((4 << 20)) --sizelimit $((4 << 20))
  middle=$loop
  loop_device b.img --offset $((6 << 20)) --sizelimit $((4 << 20))
  high=$loop
  same "$middle" "$high" "same bytes of $dir/b.img"
  same "$dir/b.img" "$high"
  shared "$low" "$middle" "$dir/b.img"
  shared "$low" "$high" "$dir/b.img"

  # A file that is gone still is one file.
  cp a.img gone.img
  loop_device gone.img
  whole=$loop
  loop_device gone.img
  rm gone.img
  same "$whole" "$loop" "same bytes"

  # Partitions: of the disk, which the kernel keeps apart, and beside.
  if command -v sfdisk >/dev/null; then
    disk 16M parts.img
    printf '%s\n' 'label: dos' '2048,8192' '10240,8192' >table
    sfdisk -q parts.img <table
    loop_device parts.img --partscan
    if test -b "${loop}p2"; then
      same "${loop}p1" "$dir/parts.img" "same bytes of $dir/parts.img"
      refused "disk $loop: is in use|disk $loop is the same" "${loop}p1" "$loop"
      : >mirror.messages
      shared "${loop}p1" "${loop}p2" "$loop"
    fi
  fi
fi

# Exports: other spellings of one, and what only looks alike.
serve a --filter=exportname file a.img exportname-list=explicit \
  exportname-strict=false
serve b file b.img
mkdir other
ln -s "$dir/b.sock" other/a.sock
ln "$dir/a.sock" hard.sock
unix="nbd+unix:///x?socket="
same "$unix$dir/a.sock" "$unix$dir/./a.sock"
same "$unix$dir/a.sock" "$unix$dir/hard.sock"
same "$unix$dir/a.sock" "$unix$dir/a%2Esock"
same "nbd+unix:///x?socket=$dir/b.sock" "nbd+unix:///x?socket=$dir/other/a.sock"
nbdkit_once "$MIRROR_SO" "$unix$dir/a.sock" "$unix$dir/b.sock" --run true
nbdkit_once "$MIRROR_SO" "$unix$dir/a.sock" \
  "nbd+unix:///y?socket=$dir/a.sock" --run true
serve_tcp tcp file a.img
# shellcheck disable=SC2154
same "nbd://localhost:$port/" "nbd://127.0.0.1:$port"
same "nbd://127.0.0.1:$port/" "nbd://127.1:$port/"
