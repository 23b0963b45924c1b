#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# nbdkit --dump-plugin tells programs which version this is and what it can
# do; it opens no disk.

. "$(dirname "$0")/functions.sh"

nbdkit --dump-plugin "$MIRROR_SO" | tee dump
for line in "name=mirror" "version=[0-9.]+" "magic_config_key=disk" \
            "mirror_levels=raid1,raid10" "mirror_layouts=near,far,offset" \
            "mirror_disks_max=32" "mirror_pool_default=128" \
            "mirror_pool_minimum=2" "mirror_chunk_default=524288" \
            "mirror_timeout_default=30" "mirror_flush_timeout_default=120" \
            "mirror_metadata=1\.0,1\.1,1\.2" \
            "mirror_degraded_default=wait:30" \
            "mirror_sync_min_default=1024000" \
            "mirror_sync_max_default=204800000" "mirror_request_memory=[0-9]+" \
            "mirror_request_memory_md=[0-9]+" \
            "mirror_io_uring=(yes|no-kernel|no-permission|not-built)" \
            "mirror_libnbd_version=[0-9.]+" "mirror_libnbd_tls=[01]" \
            "mirror_libnbd_uri=[01]"; do
  grep -qxE "$line" dump || fail "no $line"
done

# An nbdkit that any client can stop is told so, there and at the start.
fault=1
if printf '%s\n' 1.34 "$(nbdkit --version | grep -oE '[0-9]+[.][0-9]+' | head -1)" \
  | sort -VC; then
  fault=0
fi
grep -qx "mirror_nbdkit_client_can_stop=$fault" dump
disk 1M a.img b.img
nbdkit_once "$MIRROR_SO" a.img b.img --run true 2>messages
test "$(grep -c "^nbdkit: mirror: this nbdkit is older than 1.34.*nbdkit -t 1" \
  messages)" = $fault

# With parameters: what they would need.
nbdkit --dump-plugin "$MIRROR_SO" no-1 no-2 no-3 no-4 | tee dump4
grep -qx "mirror_pool_minimum=4" dump4
memory () { sed -n 's/^mirror_request_memory=//p' "$1"; }
nbdkit --dump-plugin "$MIRROR_SO" cache=none >dump-direct
test "$(memory dump-direct)" -gt "$(memory dump)"

# Any array has 19 buffers of 1 MiB for rebuilds; an md array has little
# besides.
memory_md () { sed -n 's/^mirror_request_memory_md=//p' "$1"; }
test "$(memory dump)" -gt $((19 << 20))
more=$(($(memory_md dump) - $(memory dump)))
test "$more" -gt $((16 << 10))
test "$more" -lt $((512 << 10))

# The manual says so.
test "$(memory dump)" -lt $((20 << 20))
test "$(memory_md dump)" -lt $((21 << 20))
