/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-disk: the contents of a simulated disk and what can go wrong. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ground/ground.h"
#include "ground/util.h"
#include "ground-sim.h"
#include "sim-disk.h"
#include "sim-marks.h"
#include "sim-stamp.h"

void
disk_reset (struct disk *disk, uint64_t initial)
{
  bool hole = false;

  disk->caps.exact_size = disk->caps.size;
  disk->sectors = disk->caps.size / STAMP_SECTOR;
  assert (disk->sectors <= DISK_SECTORS_MAX);
  for (uint64_t i = 0; i < disk->sectors; i++) {
    if (random_one_in (&disk->chance, 8))
      hole = !hole;
    disk->value[i] = disk->lba[i] == LBA_NONE ? VALUE_ZERO : initial;
    disk->hole[i] = initial == VALUE_ZERO && disk->tells_holes && hole;
    disk->done_value[i] = disk->durable_value[i] = disk->value[i];
    disk->done_version[i] = disk->durable_version[i] = 0;
    disk->lost_version[i] = UINT64_MAX;
    disk->odd[i] = false;
  }
  disk->version = 0;
}

static bool
touches (const struct trouble *trouble, const struct child *child)
{
  return trouble->count == 0 || child->op == CHILD_FLUSH
         || ranges_overlap (trouble->first * STAMP_SECTOR,
                            trouble->count * STAMP_SECTOR, child->offset,
                            child->length);
}

/* Errors that are nobody's fault. */
static int
decide_harmless (struct disk *disk, const struct child *child)
{
  struct disk_faults *faults = &disk->faults;

  switch (child->op) {
  case CHILD_WRITE:
    return random_chance (&disk->chance, faults->odd_write) ? faults->odd_error
                                                            : 0;
  case CHILD_READ:
    return random_chance (&disk->chance, faults->odd_read) ? faults->odd_error
                                                           : 0;
  case CHILD_FLUSH:
    if (disk->flush_mode == FLUSH_NONE)
      SOMETIMES (FLUSH_UNSUPPORTED);
    return disk->flush_mode == FLUSH_ODD && random_one_in (&disk->chance, 4)
             ? faults->odd_error
             : 0;
  case CHILD_ZERO:
    disk->zeroes++;
    if (disk->zero_mode == ZERO_ODD)
      return random_one_in (&disk->chance, 4) ? -EINVAL : 0;
    if (disk->tired || disk->zero_mode == ZERO_NEVER
        || disk->zero_mode == ZERO_FIRST_FAILS
        || (disk->zero_mode == ZERO_TIRES && disk->zeroes > 2)) {
      disk->tired = true;
      return disk->zero_error;
    }
    return 0;
  default:
    return 0;
  }
}

static void
mark_error (const struct child *child, bool is_hard)
{
  switch (child->op) {
  case CHILD_READ:
    is_hard ? SOMETIMES (FAULT_READ) : SOMETIMES (ODD_READ);
    break;
  case CHILD_WRITE:
    is_hard ? SOMETIMES (FAULT_WRITE) : SOMETIMES (ODD_WRITE);
    break;
  case CHILD_ZERO:
    is_hard ? SOMETIMES (FAULT_ZERO) : SOMETIMES (ZERO_UNSUPPORTED);
    break;
  case CHILD_FLUSH:
    is_hard ? SOMETIMES (FAULT_FLUSH) : SOMETIMES (ODD_FLUSH);
    break;
  case CHILD_EXTENTS:
  case CHILD_CACHE:
    SOMETIMES (FAULT_HINT);
    break;
  }
}

int
disk_decide (struct disk *disk, const struct child *child, uint64_t now_ns)
{
  struct trouble *trouble = &disk->faults.on[child->op];
  int error;

  if (now_ns >= disk->faults.from_ns && now_ns < disk->faults.until_ns
      && trouble->budget > 0 && touches (trouble, child)
      && random_chance (&disk->chance, trouble->chance)) {
    trouble->budget--;
    mark_error (child, true);
    return trouble->error;
  }
  error = decide_harmless (disk, child);
  if (error != 0)
    mark_error (child, false);
  return error;
}

static void
write_sector (struct disk *disk, const struct child *child, uint64_t i)
{
  uint64_t sector = child->offset / STAMP_SECTOR + i;
  uint64_t value = VALUE_ZERO;

  if (child->op == CHILD_WRITE
      && !stamp_read ((const char *)child->buffer + i * STAMP_SECTOR,
                      disk->lba[sector], &value))
    sim_fail ("slot %u: sector %llu, which is LBA %llu, is written with what "
              "no client sent there",
              disk->slot, (unsigned long long)sector,
              (unsigned long long)disk->lba[sector]);
  disk->value[sector] = value;
  disk->hole[sector] = child->op == CHILD_ZERO && disk->tells_holes
                       && (child->flags & CHILD_MAY_TRIM);
}

void
disk_transfer (struct disk *disk, struct child *child, uint64_t begin,
               uint64_t end)
{
  uint64_t first = child->offset / STAMP_SECTOR;

  for (uint64_t i = begin; i < end; i++)
    if (child->op == CHILD_READ)
      stamp_write ((char *)child->buffer + i * STAMP_SECTOR,
                   disk->lba[first + i], disk->value[first + i]);
    else
      write_sector (disk, child, i);
}

static uint32_t
flags_of (const struct disk *disk, uint64_t offset, uint64_t unit)
{
  uint32_t flags = EXTENT_HOLE | EXTENT_ZERO;

  for (uint64_t i = offset / STAMP_SECTOR; i < (offset + unit) / STAMP_SECTOR;
       i++) {
    if (!disk->hole[i])
      flags &= ~EXTENT_HOLE;
    if (!disk->hole[i] && (!disk->tells_zeroes || disk->value[i] != VALUE_ZERO))
      flags = 0;
  }
  return flags;
}

void
disk_tell_extents (struct disk *disk, struct child *child)
{
  uint64_t unit = MAX (disk->caps.block_minimum, STAMP_SECTOR);
  uint64_t end = child->offset + child->length;
  struct extent *last = child->extents - 1;

  child->extents_count = 0;
  for (uint64_t at = child->offset; at < end; at += unit) {
    uint32_t flags = flags_of (disk, at, unit);

    if (child->extents_count > 0 && last->flags == flags) {
      last->length += unit;
      continue;
    }
    if (child->extents_count == child->extents_max
        || (child->extents_count > 0 && random_one_in (&disk->chance, 16))) {
      SOMETIMES (SHORT_EXTENTS);
      return;
    }
    *++last = (struct extent){ .length = unit, .flags = flags };
    child->extents_count++;
  }
}

/* Servers write first, and flush then. */
void
disk_cached (struct disk *disk, const struct child *child)
{
  uint64_t first = child->offset / STAMP_SECTOR;

  disk->version++;
  for (uint64_t i = first; i < first + child->length / STAMP_SECTOR; i++) {
    disk->done_version[i] = disk->version;
    disk->done_value[i] = disk->value[i];
  }
}

void
disk_done (struct disk *disk, const struct child *child)
{
  bool fua = child->flags & CHILD_FUA;
  uint64_t first = child->offset / STAMP_SECTOR;

  if (child->op != CHILD_WRITE && child->op != CHILD_ZERO)
    return;
  if (!fua)
    disk_cached (disk, child);
  if (child->op == CHILD_WRITE && disk->odd[first])
    SOMETIMES (ODD_AGAIN);
  for (uint64_t i = first; i < first + child->length / STAMP_SECTOR; i++) {
    disk->odd[i] = false;
    if ((fua && disk->lost_version[i] != disk->done_version[i])
        || disk->flush_mode == FLUSH_NONE) {
      disk->durable_version[i] = disk->done_version[i];
      disk->durable_value[i] = disk->done_value[i];
    }
  }
}

void
disk_take_snapshot (const struct disk *disk, struct disk_snapshot *ret)
{
  memcpy (ret->value, disk->done_value, disk->sectors * sizeof (uint64_t));
  memcpy (ret->version, disk->done_version, disk->sectors * sizeof (uint64_t));
}

void
disk_flushed (struct disk *disk, const struct disk_snapshot *snapshot)
{
  for (uint64_t i = 0; i < disk->sectors; i++)
    if (snapshot->version[i] > disk->durable_version[i]
        && snapshot->version[i] != disk->lost_version[i]) {
      disk->durable_version[i] = snapshot->version[i];
      disk->durable_value[i] = snapshot->value[i];
    }
}

void
disk_flush_failed (struct disk *disk, const struct disk_snapshot *snapshot)
{
  for (uint64_t i = 0; i < disk->sectors; i++)
    if (snapshot->version[i] > disk->durable_version[i])
      disk->lost_version[i] = snapshot->version[i];
}

/* "Try again", "invalid" and "not supported" count when they come a second time
 * for the same write.  Not for what was to be stable, and never for zeroing.
 */
void
disk_failed (struct disk *disk, const struct child *child, int error)
{
  uint64_t first = child->offset / STAMP_SECTOR;

  if (!leg_error_is_harmless (error))
    disk->may_be_out |= leg_error_is_gone (error) || child->op == CHILD_WRITE
                        || child->op == CHILD_ZERO || child->op == CHILD_FLUSH;
  if (child->op == CHILD_FLUSH
      || ((child->flags & CHILD_FUA) && !leg_error_may_pass (error)))
    disk->may_be_out = true;
  for (uint64_t i = first;
       child->op == CHILD_WRITE && leg_error_is_harmless (error)
       && i < first + child->length / STAMP_SECTOR;
       i++) {
    disk->may_be_out |= disk->odd[i];
    disk->odd[i] = true;
  }
}

bool
disk_can_zero (const struct disk *disk, uint32_t flags)
{
  if (disk->tired || disk->zero_mode == ZERO_NEVER)
    return false;
  return disk->zero_mode != ZERO_SLOWLY || !(flags & CHILD_FAST);
}
