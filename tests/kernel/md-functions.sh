# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154
# md-functions.sh: for tests in which a kernel and the mirror take turns with
# md arrays.  Both sides are Python, with mdlab.py and mdguest.py or mdhost.py.

. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"

MIRROR_SO=$(realpath "${MIRROR_SO:-./mirror.so}")
NBDMIRROR=$(realpath "${NBDMIRROR:-./nbdmirror}")
PYTHON=${PYTHON:-/usr/bin/python3}
MIRROR_SEED=${MIRROR_SEED:-$RANDOM}
PYTHONPATH=$kernel_dir PYTHONDONTWRITEBYTECODE=1
export MIRROR_SO NBDMIRROR PYTHON MIRROR_SEED PYTHONPATH \
  PYTHONDONTWRITEBYTECODE
command -v mdadm >/dev/null || { echo "mdadm is not installed"; exit 77; }
command -v nbdkit >/dev/null || { echo "nbdkit is not installed"; exit 77; }
"$PYTHON" -c 'import nbd' 2>/dev/null ||
  { echo "no libnbd for $PYTHON"; exit 77; }
echo "MIRROR_SEED=$MIRROR_SEED"

# What failed fails the test at its end, when everything else was tried, too.
md_status=0
failed ()
{
  md_status=1
}

md_end ()
{
  exit "$md_status"
}

# host <SCRIPT
host ()
{
  cat >"$scratch/host.py"
  "$PYTHON" "$scratch/host.py" || failed
}

# guest <SCRIPT: in a kernel of its own.
guest ()
{
  guest_start
  kernel_wait || failed
}

guest_start ()
{
  cat >"$scratch/guest.py"
  kernel_start <<'GUEST'
module md-mod raid1 raid10 loop
"$PYTHON" "$scratch/guest.py"
GUEST
}
