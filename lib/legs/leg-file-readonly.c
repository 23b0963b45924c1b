/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-file-readonly: is an open file or block device read-only although open
 * gave it out for writing?
 *
 * The kernel lets a read-only device (losetup -r, blockdev --setro, a switch on
 * the card) and a sealed memory file be opened for writing, and refuses every
 * write later.  Calls nothing but the kernel.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "legs/leg-file-internal.h"

static bool
has_attribute (int fd, uint64_t attributes)
{
  struct statx stx;

  return statx (fd, "", AT_EMPTY_PATH, 0, &stx) == 0
         && (stx.stx_attributes & attributes);
}

const char *
leg_file_why_readonly (int fd)
{
  int readonly = 0, seals;

  /* Fails on what is no device. */
  if (ioctl (fd, BLKROGET, &readonly) == 0 && readonly)
    return "its device is set read-only";
  seals = fcntl (fd, F_GET_SEALS);
  if (seals != -1 && (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
    return "the file is sealed against writing";
  /* Root, too, cannot open these for writing; but others ask who have not
   * tried.
   */
  if (has_attribute (fd, STATX_ATTR_IMMUTABLE))
    return "the file is immutable";
  if (has_attribute (fd, STATX_ATTR_APPEND))
    return "the file can only be appended to";
  return NULL;
}
