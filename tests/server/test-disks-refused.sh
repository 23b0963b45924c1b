#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Every disk that cannot be one is refused before anything is served: status
# 1, one line that names the disk and says what to do, and nothing is written.

. "$(dirname "$0")/functions.sh"

random_disk 1M a.img b.img
ln b.img hardlink.img
ln -s b.img symlink.img
disk 0 empty.img
mkdir directory
before=$(sha256sum ./*.img)

refused "disk $dir/missing.img: does not exist; check the name" a.img missing.img
refused "disk $dir/directory: is a directory.*name a file" a.img directory
refused "disk $dir/empty.img: is empty.*size" a.img empty.img
refused "disk /dev/null: is neither.*name one" a.img /dev/null
refused "disk .*value is empty" a.img disk=

# One disk twice.
refused "disk $dir/a.img: is in use.*given twice" a.img a.img
refused "disk $dir/./a.img: is in use.*given twice" a.img ./a.img
refused "disk $dir/hardlink.img: is in use.*twice" b.img hardlink.img
refused "disk $dir/symlink.img: is in use.*twice" b.img symlink.img

# URIs.
socket="socket=$dir/a.sock"
refused "disk http://example.com/.*only nbd" a.img http://example.com/
refused "disk nbd\+unix://.*needs socket=" a.img nbd+unix:///
refused "disk nbd\+unix://.*socket= path must be absolute" \
  a.img "nbd+unix:///?socket=a.sock"
refused "disk nbd\+unix://.*a.sock: cannot connect.*server running" \
  a.img "nbd+unix:///?$socket"
refused "disk nbds://localhost/: TLS needs tls-certificates=.*or tls-psk" \
  a.img nbds://localhost/
refused "disk nbds\+unix://.*TLS needs tls-psk-file=" \
  a.img "nbds+unix:///?$socket"
refused "disk nbds://.*tls-psk-file= path must be absolute" \
  a.img "nbds://localhost/?tls-psk-file=keys.psk"
refused "disk nbds\+unix://.*certificates.*over TCP only.*tls-psk-file=" \
  a.img "nbds+unix:///?$socket&tls-certificates=$dir"
refused "disk nbds://.*tls-verify-peer=" \
  a.img "nbds://localhost/?tls-certificates=$dir&tls-verify-peer=false"

# Servers that have nothing to offer.
serve a --filter=exportname null 1M exportname-list=explicit \
  exportname-strict=true exportname=right
refused "disk nbd\+unix:///wrong.*: cannot connect.*export name" \
  a.img "nbd+unix:///wrong?$socket"
serve empty null 0
refused "disk nbd.*empty.sock: the export is empty" a.img "$(uri empty)"
refused "disk nbd\+.*a.sock is the same as disk nbd\+.*a.sock; .*different" \
  "nbd+unix:///right?$socket" "nbd+unix:///right?$socket"

test "$(sha256sum ./*.img)" = "$before"
