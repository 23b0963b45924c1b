/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-judge: the members at rest. */
#include <stdio.h>
#include <string.h>

#include "crash-check.h"
#include "crash-judge.h"
#include "crash-marks.h"
#include "crash-meta.h"
#include "crash-replay.h"
#include "crash-store.h"
#include "ground/util.h"
#include "logic/todo.h"

#define FAIL(why, ...) crash_objects ((why), __VA_ARGS__)

static struct crash_meta begin, end;

static bool
has_writers (const struct crash_life *life)
{
  for (uint32_t i = 0; i < life->record.ops_count; i++)
    if (life->record.ops[i].kind != OP_READ
        && life->record.ops[i].kind != OP_STOP)
      return true;
  return false;
}

/* --- O6 --- */

/* Is any of the block of @lba?  Regions may be smaller than that.  A region
 * with the checkpoint in it is done from its beginning.
 */
static bool
is_marked (const struct crash_shape *shape, uint32_t lba)
{
  uint32_t first = round_down (lba, shape->block);

  if (shape->is_wide && begin.dirty && begin.dirty_from < shape->sectors
      && shape->region_of[lba] == shape->region_of[begin.dirty_from])
    lba = first = MAX (lba, begin.dirty_from);
  for (uint32_t i = first; i < first + shape->block && i < shape->sectors; i++)
    if (meta_is_marked (shape, &begin, i))
      return true;
  return false;
}

static bool
check_io (const struct crash_life *life, const struct record_io *io, char *why)
{
  const struct crash_shape *shape = life->shape;
  uint32_t window = TODO_WINDOW / SECTOR_SIZE;

  for (uint32_t i = 0; i < io->count; i++) {
    uint32_t lba = shape->leg[io->leg].lba[io->first + i];

    if (lba == CRASH_LBA_NONE)
      continue;
    /* Without a bitmap it goes by windows. */
    if (!begin.bits_count && !shape->has_holes)
      lba = MIN (round_down (lba, window) + window - 1, shape->sectors - 1);
    if (!is_marked (shape, lba))
      return FAIL (why, "O6: leg %u was written at LBA %u, which was not "
                   "marked", io->leg, lba);
  }
  SOMETIMES (RESYNCED);
  return true;
}

static bool
check_only_marked (const struct crash_life *life, char *why)
{
  const struct record *record = &life->record;

  if (life->in_sync != life->present || life->was_ordered
      || life->record.cuts_count > 0
      || has_writers (life))
    return true;
  for (uint32_t i = 0; i < record->ios_count; i++)
    if (record_io_writes (&record->ios[i])
        && shape_place (life->shape, record->ios[i].leg, record->ios[i].first)
             == PLACE_DATA
        && !check_io (life, &record->ios[i], why))
      return false;
  return true;
}

/* --- O3b --- */

static bool
check_alike (const struct crash_life *life, const struct crash_images *images,
             char *why)
{
  const struct crash_shape *shape = life->shape;

  for (uint32_t lba = 0; lba < shape->sectors; lba++) {
    const struct crash_copy *first = NULL;
    uint32_t held = 0;

    for (unsigned i = 0; i < shape->copies; i++) {
      const struct crash_copy *copy = &shape->copy[lba][i];
      uint32_t content;

      if (!(end.in_sync >> copy->leg & 1))
        continue;
      content = images->sector[copy->leg][copy->sector];
      if (first == NULL) {
        first = copy;
        held = content;
      }
      if (content != held)
        return FAIL (why, "O3b: at rest, LBA %u: leg %u holds %s, leg %u %s",
                     lba, first->leg, store_text (held, lba), copy->leg,
                     store_text (content, lba));
    }
  }
  return true;
}

/* Was any superblock written in this life? */
static bool
has_changed (const struct crash_life *life)
{
  bool changed = false;

  for (unsigned leg = 0; leg < life->shape->slots; leg++)
    if (life->present >> leg & 1)
      changed |= begin.member[leg].sb.events != end.member[leg].sb.events;
  return changed;
}

static bool
check_clean (const struct crash_life *life, char *why)
{
  const struct crash_shape *shape = life->shape;
  uint64_t events = end.assembly.events;

  /* A clean one that nobody wrote to keeps the bits that it had. */
  if ((!begin.dirty && !has_changed (life)) || life->gave_up)
    return true;
  if (end.dirty)
    return FAIL (why, "O3b: at rest, the array is dirty from sector %u on",
                 end.dirty_from);
  for (unsigned leg = 0; leg < shape->slots; leg++) {
    const struct meta_member *member = &end.member[leg];

    if (!(end.in_sync >> leg & 1)
        || (member->sb.events == events
            && (member->bitmap_verdict == BITMAP_NONE
                || member->bitmap.events >= events)))
      continue;
    return FAIL (why, "O3b: at rest, leg %u has events %llu, its bitmap %llu, "
                 "the array %llu", leg, (unsigned long long)member->sb.events,
                 (unsigned long long)member->bitmap.events,
                 (unsigned long long)events);
  }
  if (!end.assembly.degraded && end.bits_count
      && bitmap_count (end.bits, shape->regions) != 0)
    return FAIL (why, "O3b: at rest, %u bits are set",
                 (unsigned)bitmap_count (end.bits, shape->regions));
  return true;
}

/* Did a member have another history, which is gone? */
static bool
has_overwritten (const struct crash_life *life)
{
  for (unsigned leg = 0; leg < life->shape->slots; leg++)
    if (begin.part[leg].part == PART_SPLIT && (end.in_sync >> leg & 1))
      return true;
  return false;
}

static bool
check_rest (const struct crash_life *life, const struct crash_images *images,
            bool waited, char *why)
{
  meta_look (life->shape, images, life->present, life->keep, &end);
  if (meta_are_apart (life->shape, &end))
    return true;
  if (end.assembly.result != ASSEMBLE_START)
    return FAIL (why, "O3b: at rest, the array does not start: %.300s",
                 end.assembly.why);
  if (life->shape->is_wide && end.dirty
      && end.assembly.resync_from % life->shape->region != 0)
    SOMETIMES (LEFT_IN_REGION);
  if (!waited || !life->no_fault)
    return true;
  if (end.in_sync != life->present)
    return FAIL (why, "O3b: at rest, only legs 0x%x of 0x%x are in sync",
                 end.in_sync, life->present);
  if (life->in_sync != life->present)
    SOMETIMES (REBUILT);
  if (has_overwritten (life))
    SOMETIMES (KEPT_COPIED);
  return check_alike (life, images, why) && check_clean (life, why);
}

bool
judge_life (const struct crash_life *life, bool waited, char *why)
{
  static struct replay replay;
  static struct crash_images images;
  bool good;

  if (life->at_rest == 0)
    return true;
  meta_look (life->shape, &life->start, life->present, life->keep,
             &begin);
  replay_init (&replay, life);
  replay_to (&replay, life->at_rest);
  for (unsigned leg = 0; leg < CRASH_LEGS_MAX; leg++)
    memcpy (images.sector[leg], replay.leg[leg].durable,
            sizeof images.sector[leg]);
  replay_free (&replay);
  good = check_rest (life, &images, waited, why)
         && check_only_marked (life, why);
  if (!good) {
    meta_print (life->shape, &begin);
    meta_print (life->shape, &end);
  }
  return good;
}
