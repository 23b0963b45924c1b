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
refused "disk nbd\+unix://.*socket= path is empty" a.img "nbd+unix:///?socket="
refused "disk nbd\+unix://.*a.sock: cannot connect.*server running" \
  a.img "nbd+unix:///?$socket"
refused "disk nbds://localhost/: TLS needs tls-certificates=.*or tls-psk" \
  a.img nbds://localhost/
refused "disk nbds\+unix://.*TLS needs tls-psk-file=" \
  a.img "nbds+unix:///?$socket"
# Its own files are missing, not its server.
mkdir certificates
refused "disk nbds://.*: the file $dir/keys.psk \(tls-psk-file=\) cannot be read: \
No such file.*; check its name" a.img "nbds://localhost/?tls-psk-file=keys.psk"
refused "disk nbds\+unix://.*: the file $dir/certificates \(tls-psk-file=\) .*\
a directory" a.img "nbds+unix:///?$socket&tls-psk-file=certificates"
refused "disk nbds://.*: the file $dir/certificates/ca-cert.pem \
\(tls-certificates=\) cannot be read: No such file" \
  a.img "nbds://localhost/?tls-certificates=certificates"

# Not URIs: what other programs call a disk.
refused "disk nbd:localhost:10809: .*nbd://HOST:PORT/EXPORT" \
  a.img nbd:localhost:10809
refused "disk nbd:unix:$dir/a.sock: .*nbd\+unix:///EXPORT\?socket=PATH" \
  a.img "nbd:unix:$dir/a.sock"
refused "disk nbd:///localhost: .*names no host" a.img nbd:///localhost
refused "disk nbd:///\?socket=.*nbd\+unix:///EXPORT" a.img "nbd:///?$socket"
refused "disk file:$dir/b.img: .*the path alone" a.img "file:$dir/b.img"
refused "disk json:.*a path or an NBD URI" a.img 'json:{"driver":"nbd"}'
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
