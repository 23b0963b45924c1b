/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-check: images against superblocks, bitmaps and legal values. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "crash-check.h"
#include "crash-holes.h"
#include "crash-marks.h"
#include "crash-store.h"
#include "ground/util.h"

#define FAIL(check, ...) crash_objects ((check)->why, __VA_ARGS__)

const char *crash_only;

static struct crash_meta full, part;

bool
crash_objects (char *why, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  vsnprintf (why, CRASH_WHY_MAX, format, arguments);
  va_end (arguments);
  return crash_only != NULL
         && (strncmp (why, crash_only, strlen (crash_only)) != 0
             || why[strlen (crash_only)] != ':');
}

bool
check_is_enough (const struct crash_shape *shape, uint32_t legs)
{
  uint32_t groups[LEGS_MAX];
  unsigned count = layout_groups (&shape->layout, groups);

  for (unsigned i = 0; i < count; i++)
    if (!(groups[i] & legs))
      return false;
  return true;
}

static bool
check_metadata (const struct crash_check *check, const struct crash_meta *meta)
{
  for (unsigned leg = 0; leg < check->shape->slots; leg++) {
    const struct meta_member *member = &meta->member[leg];

    if (!(meta->present >> leg & 1))
      continue;
    if (member->verdict != SB1_GOOD)
      return FAIL (check, "O1: leg %u: the superblock is not good: %.200s", leg,
                   member->why);
    if (member->bitmap_verdict == BITMAP_DAMAGED
        || member->bitmap_verdict == BITMAP_UNSUPPORTED)
      return FAIL (check, "O1: leg %u: the bitmap is not good: %.200s", leg,
                   member->bitmap_why);
  }
  return true;
}

static bool
check_legal (const struct crash_check *check, uint32_t lba, unsigned leg,
             uint32_t content)
{
  uint64_t value;

  if (check->legal == NULL)
    return true;
  if (!store_value (content, lba, &value))
    return FAIL (check, "O2: leg %u: LBA %u holds %s", leg, lba,
                 store_text (content, lba));
  if (!legal_value (check->legal, lba, value))
    return FAIL (check, "O2: leg %u, which is current: LBA %u holds %s, which "
                 "it must not hold any more, or not yet", leg, lba,
                 store_text (content, lba));
  return true;
}

/* May the copy of @lba on @leg differ from the current ones? */
static bool
may_differ (const struct crash_check *check, const struct crash_meta *meta,
            uint32_t lba, const struct crash_copy *copy)
{
  const struct crash_shape *shape = check->shape;
  const struct assemble_part *how = &meta->part[copy->leg];
  uint32_t offset = shape_offset (shape, copy->leg, copy->sector);
  const struct meta_member *member = &meta->member[copy->leg];
  bool bit = !meta->bits_count || meta_bit (shape, meta->bits, lba);

  /* Who is brought up to date by bitmap adds what its own one says. */
  if (member->bitmap_verdict == BITMAP_GOOD)
    bit |= meta_bit (shape, member->bits, lba);
  switch (how->part) {
  case PART_IN_SYNC:
    return meta_is_marked (shape, meta, lba);
  case PART_RECOVERING:
    if (offset >= how->recovery_offset)
      return !how->by_bitmap || bit;
    return meta_is_marked (shape, meta, lba);
  case PART_STALE_BITMAP:
    return bit;
  default:
    return true;
  }
}

static bool
check_sector (const struct crash_check *check, const struct crash_meta *meta,
              uint32_t lba)
{
  const struct crash_shape *shape = check->shape;
  uint32_t first = UINT32_MAX;
  unsigned first_leg = 0;

  for (unsigned i = 0; i < shape->copies; i++) {
    const struct crash_copy *copy = &shape->copy[lba][i];
    uint32_t content = check->images->sector[copy->leg][copy->sector];

    if (!meta_is_current (shape, meta, copy))
      continue;
    if (!check_legal (check, lba, copy->leg, content))
      return false;
    if (first == UINT32_MAX && (meta->in_sync >> copy->leg & 1)) {
      first = content;
      first_leg = copy->leg;
    }
  }
  for (unsigned i = 0; i < shape->copies && first != UINT32_MAX; i++) {
    const struct crash_copy *copy = &shape->copy[lba][i];
    uint32_t content = check->images->sector[copy->leg][copy->sector];

    if (!(meta->present >> copy->leg & 1) || content == first
        || may_differ (check, meta, lba, copy))
      continue;
    return FAIL (check, "O3a: LBA %u: leg %u holds %s, leg %u (%s) holds %s, "
                 "but the array is %s and the bit is %s", lba, first_leg,
                 store_text (first, lba), copy->leg,
                 assemble_part_text (meta->part[copy->leg].part),
                 store_text (content, lba), meta->dirty ? "dirty" : "clean",
                 !meta->bits_count ? "not looked at"
                 : meta_bit (shape, meta->bits, lba) ? "set" : "clear");
  }
  return true;
}

static bool
check_sectors (const struct crash_check *check, const struct crash_meta *meta)
{
  for (uint32_t lba = 0; lba < check->shape->sectors; lba++)
    if (!check_sector (check, meta, lba))
      return false;
  return true;
}

static bool
check_full (const struct crash_check *check)
{
  if (!check_metadata (check, &full))
    return false;
  if (meta_are_apart (check->shape, &full))
    return true;
  if (full.assembly.result != ASSEMBLE_START)
    return FAIL (check, "O1: the array does not start: %.300s",
                 full.assembly.why);
  if (full.dirty)
    SOMETIMES (STATE_DIRTY);
  else
    SOMETIMES (STATE_CLEAN);
  if (full.assembly.degraded)
    SOMETIMES (STATE_DEGRADED);
  return check_sectors (check, &full);
}

bool
check_all (const struct crash_check *check)
{
  meta_look (check->shape, check->images, check->present, check->keep,
             &full);
  if (check_full (check))
    return true;
  meta_print (check->shape, &full);
  return false;
}

/* Some copies of everything are current, and so it has to start. */
static bool
check_part (const struct crash_check *check, uint32_t subset)
{
  int keep = check->keep;

  meta_look (check->shape, check->images, check->present, check->keep,
             &full);
  if (full.assembly.result != ASSEMBLE_START || !(subset & full.in_sync))
    return true;
  /* One that was kept and has been left behind since then is not chosen again:
   * that would be to give up what came later.
   */
  if (keep != CRASH_KEEP_NONE && !(full.in_sync >> keep & 1))
    keep = CRASH_KEEP_NONE;
  meta_look (check->shape, check->images, subset, keep, &part);
  if (part.assembly.result == ASSEMBLE_START) {
    SOMETIMES (SUBSET_STARTS);
    return check_sectors (check, &part);
  }
  SOMETIMES (SUBSET_FAILS);
  /* The choice names a leg that is not there, so there is none. */
  if (check->keep != CRASH_KEEP_NONE && !(subset >> check->keep & 1))
    return true;
  if (!check_is_enough (check->shape, subset & full.in_sync)
      || meta_are_apart (check->shape, &part))
    return true;
  return FAIL (check, "O1: the array does not start: %.300s",
               part.assembly.why);
}

bool
check_subset (const struct crash_check *check, uint32_t subset)
{
  char why[CRASH_WHY_MAX];

  if (check_part (check, subset))
    return true;
  memcpy (why, check->why, sizeof why);
  snprintf (check->why, CRASH_WHY_MAX, "%.400s; only legs 0x%x of 0x%x came "
            "back", why, subset, check->present);
  meta_print (check->shape, &full);
  meta_print (check->shape, &part);
  return false;
}
