#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Images that are not raw are served as they lie there; one line for each says
# so and what to do.

. "$(dirname "$0")/functions.sh"
requires qemu-img

# image KIND FORMAT OPTION...: as qemu-img makes it.
image ()
{
  local kind=$1 format=$2
  shift 2
  rm -f ./*.img mirror.messages
  qemu-img create -q -f "$format" "$@" a.img 8M
  cp a.img b.img
  serve_mirror a.img b.img
  stop mirror
  said 1 "disk .*/a.img: is a $kind image, and is served raw.*qemu-img convert"
  said 1 "disk .*/b.img: is a $kind image"
}

image qcow2 qcow2
image qcow2 qcow2 -o compat=0.10
image vmdk vmdk
image vmdk vmdk -o subformat=streamOptimized
image vdi vdi
image vhd vpc
image vhd vpc -o subformat=fixed
image vhdx vhdx
image qed qed

rm -f ./*.img mirror.messages
qemu-img create -q -f raw a.img 8M
cp a.img b.img
serve_mirror a.img b.img
stop mirror
said 0 image
