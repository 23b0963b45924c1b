/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-fault: what a leg in memory does with a child, and when it fails. */
#include <errno.h>
#include <string.h>

#include "crash-holes.h"
#include "crash-leg-internal.h"
#include "crash-marks.h"
#include "crash-plant.h"
#include "crash-store.h"
#include "ground-sim.h"
#include "ground/util.h"

static bool
is_in_scope (const struct crash_leg_run *l, const struct child *child)
{
  enum crash_place place;

  if (l->drive.scope == SCOPE_ALL || child->op == CHILD_FLUSH)
    return true;
  place = shape_place_real (l->shape, l->number, child->offset / SECTOR_SIZE);
  return (place == PLACE_DATA) == (l->drive.scope == SCOPE_DATA);
}

static bool
is_meant (const struct crash_leg_run *l, const struct child *child)
{
  bool writes = child->op == CHILD_WRITE || child->op == CHILD_ZERO;

  switch (l->drive.fault) {
  case FAULT_WRITE_ONCE:
  case FAULT_WRITE:
    return writes && is_in_scope (l, child);
  case FAULT_FLUSH_ONCE:
  case FAULT_FLUSH:
    return child->op == CHILD_FLUSH;
  case FAULT_ODD:
    return (writes || child->op == CHILD_FLUSH) && is_in_scope (l, child);
  case FAULT_DIE:
    return true;
  default:
    return false;
  }
}

/* Those that are kept of what @child asks for: before *@ret_end. */
static void
sectors_of (const struct crash_leg_run *l, const struct child *child,
            uint32_t *ret_first, uint32_t *ret_end)
{
  uint64_t first = child->offset / SECTOR_SIZE;

  *ret_first = shape_sector (l->shape, l->number, first);
  *ret_end
    = shape_sector (l->shape, l->number, first + child->length / SECTOR_SIZE);
}

static bool
meets_bad_sector (const struct crash_leg_run *l, const struct child *child)
{
  uint32_t first, end;

  if (l->drive.fault != FAULT_READ || child->op != CHILD_READ)
    return false;
  sectors_of (l, child, &first, &end);
  return ranges_overlap (first, end - first, l->drive.bad, l->drive.bad_count);
}

int
crash_fault_decide (struct crash_leg_run *l, const struct child *child)
{
  const struct crash_drive *drive = &l->drive;

  if (child->op == CHILD_EXTENTS
      || (child->op == CHILD_ZERO && !drive->zeroes))
    return -EOPNOTSUPP;
  if (child->op == CHILD_FLUSH && drive->stable)
    return 0;
  if (meets_bad_sector (l, child)) {
    SOMETIMES (FAULT_READ);
    return -EIO;
  }
  if (!is_meant (l, child) || l->spared++ < drive->after
      || l->spared > drive->after + drive->times)
    return 0;
  if (drive->fault == FAULT_ODD)
    SOMETIMES (FAULT_ODD);
  else if (drive->fault == FAULT_DIE)
    SOMETIMES (FAULT_DIE);
  else if (child->op == CHILD_FLUSH)
    SOMETIMES (FAULT_FLUSH);
  else
    SOMETIMES (FAULT_WRITE);
  return drive->error;
}

static void
read_image (struct crash_leg_run *l, const struct child *child)
{
  const uint32_t *real = l->shape->leg[l->number].real;
  uint32_t first, end;

  sectors_of (l, child, &first, &end);
  if (end - first < child->length / SECTOR_SIZE)
    memset (child->buffer, 0, child->length);
  for (uint32_t i = first; i < end; i++)
    memcpy ((char *)child->buffer
              + ((uint64_t)real[i] * SECTOR_SIZE - child->offset),
            store_bytes (crash_plant_read (l, i)), SECTOR_SIZE);
}

/* What was recorded when it was sent: what lies in the first @count sectors of
 * the disk that it is for.  So many of them are kept.
 */
static uint32_t
write_image (struct crash_leg_run *l, const struct crash_io *io, uint32_t count)
{
  const struct record_io *what;
  uint32_t end;

  if (io->record == RECORD_NEVER)
    return 0;
  what = &l->record->ios[io->record];
  end = shape_sector (l->shape, l->number,
                      io->child->offset / SECTOR_SIZE + (uint64_t)count);
  count = MIN (end, what->first + what->count) - MIN (end, what->first);
  for (uint32_t i = 0; i < count; i++)
    l->image[what->first + i] = l->record->contents[what->contents + i];
  return count;
}

void
crash_fault_transfer (struct crash_leg_run *l, struct crash_io *io)
{
  const struct child *child = io->child;
  uint32_t count = child->length / SECTOR_SIZE;
  bool writes = child->op == CHILD_WRITE || child->op == CHILD_ZERO;

  io->is_done = true;
  io->error = crash_fault_decide (l, child);
  if (io->error != 0) {
    if (child->op == CHILD_READ)
      memset (child->buffer, 0xee, child->length);
    /* A hard error says nothing about how much was done; whole blocks. */
    if (writes && !leg_error_is_harmless (io->error)
        && !leg_error_is_gone (io->error)) {
      count = round_down (random_between (&l->drive.chance, 0, count),
                          l->shape->block);
      io->effective = write_image (l, io, count);
    }
    return;
  }
  switch (child->op) {
  case CHILD_READ:
    read_image (l, child);
    break;
  case CHILD_WRITE:
  case CHILD_ZERO:
    write_image (l, io, UINT32_MAX);
    break;
  default:
    break;
  }
}
