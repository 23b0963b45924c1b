/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-plant: bugs on purpose, for the tests of the tests.
 *
 * They are what a wrong engine would look like from its legs, or a disk that
 * does not keep its word.  The recording has the truth, the engine is told
 * that all went well.
 */
#include <string.h>

#include "crash-holes.h"
#include "crash-plant.h"
#include "crash-store.h"
#include "ground/util.h"
#include "sim-stamp.h"

enum crash_plant crash_plant;
const char *const crash_plant_names[CRASH_PLANTS] = {
  [PLANT_NONE] = "none",
  [PLANT_FLUSH] = "flush",
  [PLANT_BITMAP_LOST] = "bitmap-lost",
  [PLANT_SUPER_LOST] = "super-lost",
  [PLANT_CLEAR] = "clear",
  [PLANT_DATA_LOST] = "data-lost",
  [PLANT_DATA_MOVED] = "data-moved",
  [PLANT_EARLY] = "early",
  [PLANT_EVENTS] = "events",
  [PLANT_READ] = "read",
  [PLANT_STRAY] = "stray",
  [PLANT_SCRIBBLE] = "scribble",
  [PLANT_NO_BITS] = "no-bits",
  [PLANT_NO_RECORD] = "no-record",
  [PLANT_NO_FLUSH] = "no-flush",
  [PLANT_FLUSH_ERROR] = "flush-error",
  [PLANT_WRONG_COPY] = "wrong-copy",
  [PLANT_UNSYNCED_READ] = "unsynced-read",
  [PLANT_OLD_FLUSH] = "old-flush",
  [PLANT_TOO_MUCH] = "too-much",
  [PLANT_NO_LOCK] = "no-lock",
  [PLANT_SHORT_LOCK] = "short-lock",
  [PLANT_ONE_PAGE] = "one-page",
  [PLANT_OTHER_PAGE] = "other-page",
  [PLANT_PAGE_LEFT] = "page-left",
  [PLANT_KEEP_OTHER] = "keep-other",
  [PLANT_KEEP_MERGED] = "keep-merged",
  [PLANT_FIRST_WINDOW] = "first-window",
  [PLANT_REST_DROPPED] = "rest-dropped",
  [PLANT_AHEAD] = "ahead",
  [PLANT_RECONNECTS] = "reconnects",
  [PLANT_OWES_NOTHING] = "owes-nothing",
  [PLANT_NO_QUARANTINE] = "no-quarantine",
  [PLANT_TRUSTED] = "trusted",
  [PLANT_BELIEVED] = "believed",
};

static bool
is_about (const struct crash_leg_run *l, const struct child *child,
          enum crash_place place)
{
  return child->op != CHILD_FLUSH
         && shape_place_real (l->shape, l->number, child->offset / SECTOR_SIZE)
              == place;
}

/* Is nothing of it to happen? */
static bool
is_swallowed (struct crash_leg_run *l, const struct child *child)
{
  switch (crash_plant) {
  case PLANT_FLUSH:
    return child->op == CHILD_FLUSH;
  case PLANT_BITMAP_LOST:
    return l->number == 0 && is_about (l, child, PLACE_BITMAP);
  case PLANT_SUPER_LOST:
    return l->number == 0 && is_about (l, child, PLACE_SUPER);
  case PLANT_DATA_LOST:
    return l->number == 0 && is_about (l, child, PLACE_DATA)
           && random_one_in (&l->drive.chance, 8);
  default:
    return false;
  }
}

static void
turn_back (struct crash_leg_run *l, uint8_t *block)
{
  struct sb1 sb;

  if (sb1_decode (l->shape->version, block, &sb) && sb.events > 3) {
    sb.events -= 3;
    sb1_encode (&sb, block);
  }
}

/* Other bytes, or another place. */
static void
twist (struct crash_leg_run *l, struct child *child, uint8_t *bytes)
{
  uint64_t block = l->shape->block * SECTOR_SIZE;

  if (crash_plant == PLANT_CLEAR && is_about (l, child, PLACE_BITMAP)
      && shape_sector (l->shape, l->number, child->offset / SECTOR_SIZE)
           == l->shape->leg[l->number].bitmap.first)
    memset (bytes + BITMAP_HEAD_SIZE, 0,
            MIN (child->length - BITMAP_HEAD_SIZE,
                 (uint64_t)l->shape->regions / 8));
  if (crash_plant == PLANT_EVENTS && l->number == 0
      && is_about (l, child, PLACE_SUPER)
      && random_one_in (&l->drive.chance, 4))
    turn_back (l, bytes);
  if (crash_plant == PLANT_DATA_MOVED && is_about (l, child, PLACE_DATA)
      && random_one_in (&l->drive.chance, 16)
      && child->offset + child->length + block <= l->leg.caps.size)
    child->offset += block;
  if (crash_plant == PLANT_STRAY && is_about (l, child, PLACE_SUPER))
    child->offset += SB1_BLOCK_SIZE;
}

uint32_t
crash_plant_record (struct crash_leg_run *l, const struct child *child)
{
  static _Alignas (16) uint8_t bytes[1024 * 1024];
  struct child twisted = *child;
  bool stable = l->drive.stable || (child->flags & CHILD_FUA);

  if (!crash_plant_twists ())
    return record_submit (l->record, l->number, child, stable);
  if (is_swallowed (l, child))
    return RECORD_NEVER;
  if (child->op == CHILD_WRITE) {
    assert (child->length <= sizeof bytes);
    memcpy (bytes, child->buffer, child->length);
    twisted.buffer = bytes;
    twist (l, &twisted, bytes);
  }
  return record_submit (l->record, l->number, &twisted, stable);
}

bool
crash_plant_twists (void)
{
  return crash_plant != PLANT_NONE && crash_plant < PLANT_SCRIBBLE;
}

void
crash_plant_finish (struct crash_leg_run *l, const struct child *child)
{
  if (crash_plant == PLANT_SCRIBBLE && child->op == CHILD_WRITE
      && is_about (l, child, PLACE_BITMAP))
    *(uint8_t *)child->buffer ^= 1;
}

bool
crash_plant_is_early (struct crash_leg_run *l, const struct child *child)
{
  return crash_plant == PLANT_EARLY && is_about (l, child, PLACE_DATA)
         && random_one_in (&l->drive.chance, 8);
}

uint32_t
crash_plant_read (struct crash_leg_run *l, uint32_t sector)
{
  uint8_t bytes[STAMP_SECTOR];
  uint32_t lba = l->shape->leg[l->number].lba[sector];

  if (crash_plant != PLANT_READ || l->number != 0 || lba == CRASH_LBA_NONE
      || !random_one_in (&l->drive.chance, 8))
    return l->image[sector];
  stamp_write (bytes, lba, shape_initial (l->shape, 0));
  return store_put (bytes);
}
