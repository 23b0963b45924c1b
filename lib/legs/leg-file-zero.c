/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-file-zero: make a range of a file or block device read as zeroes.
 *
 * Called by leg-file.c from any thread.  Holds no lock.  May block on the
 * disk.
 *
 * Two abilities, learned and remembered apart:
 *
 *                 may give space back      must keep it
 *   punch hole    first choice             never
 *   zero range    second choice            only choice
 *   neither       -EOPNOTSUPP: the issuer writes zeroes
 *
 * A file that must keep its space is not punched and then allocated again:
 * the second step may fail when the space is already gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>

#include "ground/util.h"
#include "legs/leg-file-internal.h"

/* 0, -EOPNOTSUPP (now known not to work) or another -errno. */
static int
allocate (struct leg_file *file, int mode, _Atomic enum ability *ability,
          uint64_t offset, uint64_t length)
{
  enum ability unknown = ABILITY_UNKNOWN;
  int r;

  if (atomic_load (ability) == ABILITY_NO)
    return -EOPNOTSUPP;
  do
    r = fallocate (file->fd, mode | FALLOC_FL_KEEP_SIZE, offset, length);
  while (r == -1 && errno == EINTR);
  if (r == 0) {
    atomic_compare_exchange_strong (ability, &unknown, ABILITY_YES);
    return 0;
  }
  if (errno != EOPNOTSUPP && errno != ENOSYS && errno != ENODEV)
    return -errno;
  atomic_store (ability, ABILITY_NO);
  return -EOPNOTSUPP;
}

static int
zero_range (struct leg_file *file, uint32_t flags, uint64_t offset,
            uint64_t length)
{
  int r = -EOPNOTSUPP;

  if (flags & CHILD_MAY_TRIM)
    r = allocate (file, FALLOC_FL_PUNCH_HOLE, &file->punch, offset, length);
  if (r == -EOPNOTSUPP && (file->fast_zero || !(flags & CHILD_FAST)))
    r = allocate (file, FALLOC_FL_ZERO_RANGE, &file->ranges, offset, length);
  return r;
}

/* Less than a block at the edge of a device's range, in small writes. */
static int
write_zeroes (struct leg_file *file, uint64_t offset, uint64_t length)
{
  static char zeroes[512];
  int r = 0;

  for (uint64_t done = 0; r == 0 && done < length; done += sizeof zeroes)
    r = leg_file_transfer (
      file, true, zeroes, MIN (sizeof zeroes, length - done), offset + done, 0);
  return r;
}

/* A device zeroes whole blocks only; the page cache takes any byte. */
static int
zero_device (struct leg_file *file, const struct child *child)
{
  uint64_t block = file->logical_block;
  uint64_t start = child->offset, end = child->offset + child->length;
  uint64_t first = MIN (round_up (start, block), end);
  uint64_t last = MAX (round_down (end, block), first);
  int r = 0;

  if (last > first)
    r = zero_range (file, child->flags, first, last - first);
  if (r == 0)
    r = write_zeroes (file, start, first - start);
  if (r == 0)
    r = write_zeroes (file, last, end - last);
  return r;
}

int
leg_file_zero (struct leg_file *file, const struct child *child)
{
  int r;

  if (file->block_device)
    r = zero_device (file, child);
  else
    r = zero_range (file, child->flags, child->offset, child->length);
  if (r == 0 && (child->flags & CHILD_FUA))
    r = leg_file_sync (file);
  return r;
}

/* Punching after the end of a file frees nothing: a question that costs
 * nothing.  There is no such question for zero ranges, which would allocate.
 */
static enum ability
probe_punch (struct leg_file *file)
{
  struct stat st;
  int r;

  if (fstat (file->fd, &st) == -1)
    return ABILITY_NO;
  do
    r = fallocate (file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                   round_up (st.st_size, 65536), 65536);
  while (r == -1 && errno == EINTR);
  return r == 0 ? ABILITY_YES : ABILITY_NO;
}

bool
leg_file_can_zero (struct leg *leg, uint32_t flags)
{
  struct leg_file *file = leg_file_of (leg);
  enum ability ranges = atomic_load (&file->ranges);
  enum ability unknown = ABILITY_UNKNOWN;

  if (leg->caps.readonly)
    return false;
  if ((flags & CHILD_MAY_TRIM) && !file->block_device
      && atomic_load (&file->punch) == ABILITY_UNKNOWN)
    /* Never over a "no" that another thread's child has just learned. */
    atomic_compare_exchange_strong (&file->punch, &unknown, probe_punch (file));
  if ((flags & CHILD_MAY_TRIM) && atomic_load (&file->punch) == ABILITY_YES)
    return true;
  if (flags & CHILD_FAST)
    return file->fast_zero && ranges == ABILITY_YES;
  return ranges != ABILITY_NO;
}
