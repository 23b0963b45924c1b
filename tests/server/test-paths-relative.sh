#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Paths of disks, and in URIs, may be relative: they are taken from where nbdkit
# is started, also when it goes into the background, and from / on.

. "$(dirname "$0")/functions.sh"
requires psktool nbdcopy

mkdir "a folder & more%41"
cd "a folder & more%41"
psktool -u alice -p keys.psk
disk 4M a.img c.img
random_disk 4M data
client nbdkit -P b.pid -U b.sock memory 4M
client nbdkit -P c.pid -U c.sock --tls=require --tls-psk=keys.psk file c.img
wait_until test -s b.pid -a -s c.pid
trap 'kill $(cat *.pid); cleanup' EXIT

client nbdkit -P m.pid -U m.sock "$MIRROR_SO" ./a.img \
  "nbd+unix:///?socket=b.sock" \
  "nbds+unix://alice@/?socket=.%2Fc.sock&tls-psk-file=keys.psk"
wait_until test -s m.pid
client nbdcopy --flush data "nbd+unix:///?socket=m.sock"
client nbdcopy "nbd+unix:///?socket=b.sock" b.out
cmp data a.img
cmp data b.out
cmp data c.img

# One socket, by two names.
refused "disk nbd.* is the same as disk nbd" "nbd+unix:///?socket=b.sock" \
  "nbd+unix:///?socket=b.sock"
# nbdmirror takes them from where it is.
"$NBDMIRROR" examine "nbd+unix:///?socket=b.sock" >examined || :
grep "no md superblock\|b.sock" examined
