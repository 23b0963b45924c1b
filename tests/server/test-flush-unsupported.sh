#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# With a leg whose server knows no flush, flush and FUA succeed and reach the
# leg that does.  That this leg may lose them is said: once at the start, and in
# the export's description; of plain and md arrays.

. "$(dirname "$0")/functions.sh"
requires_plugin eval
requires_filter log
requires_libnbd

# no_flush NAME WORD...: NAME.img behind a server without flush.
no_flush ()
{
  image=$dir/$1.img serve "$1" eval get_size='stat -c %s "$image"' \
    can_write='exit 0' can_flush='exit 3' "${@:2}" \
    pread='dd if="$image" iflag=skip_bytes,count_bytes skip=$4 count=$3' \
    pwrite='dd of="$image" oflag=seek_bytes conv=notrunc seek=$4'
}

# used DESCRIPTION: flush and FUA work, and the description is that.
used ()
{
  python "$1" <<'END'
from nbdtest import *

h = connect()
h.pwrite(b"1" * 4096, 0)
h.flush()
assert " Flush id=" in open("b.log").read()
h.pwrite(b"2" * 4096, 4096, nbd.CMD_FLAG_FUA)
assert h.get_export_description() == sys.argv[1], h.get_export_description()
END
  said 0 "OUT OF THE MIRROR"
}

disk 1M a.img b.img
no_flush a
serve b --filter=log file b.img logfile=b.log
serve_mirror "$(uri a)" "$(uri b)"
used "mirror, 2 of 2 disks in sync; 1 cannot flush"
said 1 "cannot flush"
said 1 "nbdkit: mirror: disk [^ ]*a.sock (slot 0): cannot flush.*, or write with FUA, may be lost"
cmp a.img b.img
stop mirror

# Where nothing is written there is nothing to lose.
: >mirror.messages
serve read -r file a.img
serve_mirror "$(uri a)" "$(uri read)"
said 0 "cannot flush"
stop mirror
stop a

# FUA is passed on.
: >mirror.messages
no_flush a can_fua='echo native'
serve_mirror "$(uri a)" "$(uri b)"
used "mirror, 2 of 2 disks in sync; 1 cannot flush"
said 1 "a.sock (slot 0): cannot flush.*so what clients flush may be lost"
stop mirror
stop a
stop b

# md arrays, their superblocks included.
rm a.img b.img b.log
disk 8M a.img b.img
no_flush a
"$NBDMIRROR" create --yes --assume-clean "$(uri a)" b.img 2>created
test "$(grep -c "a.sock: no-flush: its server cannot flush" created)" = 1
serve b --filter=log file b.img logfile=b.log
: >mirror.messages
serve_mirror "$(uri a)" "$(uri b)"
used "mirror, 2 of 2 disks in sync; 1 cannot flush"
said 1 "disk [^ ]*a.sock (slot 0): cannot flush"
said 1 "cannot flush"
stop mirror

# All can flush: nothing is said.
: >mirror.messages
serve_mirror a.img "$(uri b)"
used "mirror, 2 of 2 disks in sync"
said 0 "cannot flush"
