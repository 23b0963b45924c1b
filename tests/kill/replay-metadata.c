/* SPDX-License-Identifier: BSD-3-Clause */
/* replay-metadata: superblocks and bitmaps. */

#include <inttypes.h>

#include "replay.h"

static uint32_t
in_sync (const struct replay *replay)
{
  return replay->verdict.in_sync & replay->present;
}

static bool
is_one_leg (uint32_t legs)
{
  return (legs & (legs - 1)) == 0;
}

void
replay_judge (struct replay *replay)
{
  const uint8_t *image[RECLOG_LEGS] = { 0 };

  for (unsigned leg = 0; leg < replay->geometry->legs; leg++)
    if (replay->present >> leg & 1)
      image[leg] = replay->cache[leg].current;
  members_judge (replay->geometry, image, &replay->verdict);
}

/* Is this true of every superblock that a power cut may leave on @leg? */
static bool
says_durably (const struct replay *replay, unsigned leg,
              bool (*says) (const struct md_super *super, unsigned about),
              unsigned about)
{
  const struct cache *cache = &replay->cache[leg];
  unsigned position = 0;
  const uint8_t *sector;
  struct md_super super;

  while ((sector
          = cache_possible (cache, replay->geometry->super_at, &position))
         != NULL)
    if (!md_read (sector, &super) || !says (&super, about))
      return false;
  return true;
}

static bool
says_dirty (const struct md_super *super, unsigned about)
{
  (void)about;
  return super->resync_offset != MD_CLEAN;
}

static bool
says_out (const struct md_super *super, unsigned about)
{
  return super->roles[about] >= super->disks;
}

static bool
says_recovering (const struct md_super *super, unsigned about)
{
  (void)about;
  return (super->features & MD_RECOVERING) != 0;
}

bool
is_recorded_out (struct replay *replay, unsigned leg)
{
  uint32_t others = in_sync (replay) & ~(1u << leg) & ~replay->suspect;

  if (!replay->geometry->md)
    return replay->suspect >> leg & 1;
  if (says_durably (replay, leg, says_recovering, 0))
    return true;
  for (unsigned other = 0; other < replay->geometry->legs; other++)
    if (others >> other & 1 && !says_durably (replay, other, says_out, leg))
      return false;
  return others != 0;
}

/* ----------------------------------------------------------------------- L1 */

static bool
bit_is_durable (const struct replay *replay, unsigned leg, uint64_t region)
{
  uint64_t at = replay->geometry->bitmap_at + 256 + region / 8;
  uint64_t sector = at / SECTOR * SECTOR;
  unsigned position = 0;
  const uint8_t *data;

  while ((data = cache_possible (&replay->cache[leg], sector, &position))
         != NULL)
    if (!(data[at - sector] >> (region % 8) & 1))
      return false;
  return true;
}

static void
check_bits (struct replay *replay, unsigned leg)
{
  const struct event *event = replay->event;
  const struct geometry *geometry = replay->geometry;
  const uint32_t *sectors = geometry->array_sector[event->leg];
  uint64_t first = (event->offset - geometry->data_at) / SECTOR;
  uint64_t checked = UINT64_MAX;

  for (uint64_t i = first; i < first + event->length / SECTOR; i++) {
    uint64_t region = sectors[i] / geometry->region;

    if (sectors[i] == NO_SECTOR || region == checked)
      continue;
    checked = region;
    if (!bit_is_durable (replay, leg, region))
      replay_fail (replay, "L1", "leg %u gets data of region %" PRIu64
                   ", whose bit is not durable on leg %u", event->leg, region,
                   leg);
  }
}

void
check_intent (struct replay *replay)
{
  uint32_t legs = in_sync (replay) & ~replay->suspect;
  unsigned target = replay->event->leg;

  if (!replay->geometry->md || !(in_sync (replay) >> target & 1))
    return;
  for (unsigned leg = 0; leg < replay->geometry->legs; leg++) {
    if (!(legs >> leg & 1))
      continue;
    if (!is_one_leg (in_sync (replay))
        && !says_durably (replay, leg, says_dirty, 0))
      replay_fail (replay, "L1", "leg %u gets data while leg %u is not durably"
                   " dirty", target, leg);
    if (replay->geometry->bitmap_at != 0)
      check_bits (replay, leg);
  }
}

/* ------------------------------------------------------------- L5, L6, states */

static const uint8_t *
at_place (const uint8_t *image, const struct geometry *geometry,
          const struct place *place)
{
  return image + geometry->data_at + place->sector * (uint64_t)SECTOR;
}

/* The first sector from @first on, before @end, that is not the same on all of
 * @legs; or @end.
 */
static uint64_t
first_difference (const struct replay *replay, uint32_t legs, uint64_t first,
                  uint64_t end, bool durable)
{
  const struct geometry *geometry = replay->geometry;

  for (uint64_t s = first; s < end; s++) {
    const uint8_t *one = NULL;

    for (unsigned copy = 0; copy < geometry->copies; copy++) {
      const struct place *place = geometry_copy (geometry, copy, s);
      const struct cache *cache = &replay->cache[place->leg];
      const uint8_t *sector;

      if (!(legs >> place->leg & 1))
        continue;
      sector = at_place (durable ? cache->durable : cache->current, geometry,
                         place);
      if (one != NULL && memcmp (one, sector, SECTOR) != 0)
        return s;
      one = sector;
    }
  }
  return end;
}

/* Resync has written it once more. */
static bool
is_durable_anyway (const struct cache *cache, const struct cache_write *write,
                   uint64_t at)
{
  return write->data != NULL
         && memcmp (write->data + (at - write->offset), cache->durable + at,
                    SECTOR) == 0;
}

/* Is something there not durable, or in flight? */
static bool
find_volatile (const struct replay *replay, uint32_t legs, uint64_t first,
               uint64_t end, unsigned *ret_leg, uint64_t *ret_event)
{
  const struct geometry *geometry = replay->geometry;

  for (unsigned leg = 0; leg < geometry->legs; leg++) {
    const struct cache *cache = &replay->cache[leg];

    for (unsigned i = 0; legs >> leg & 1 && i < cache->count; i++) {
      const struct cache_write *write = &cache->writes[i];

      for (uint32_t k = 0; k < write->length; k += SECTOR) {
        uint64_t at = write->offset + k;
        uint64_t s;

        if (at < geometry->data_at
            || at >= geometry->data_at + geometry->data_size)
          continue;
        s = geometry->array_sector[leg][(at - geometry->data_at) / SECTOR];
        if (s < first || s >= end
            || !cache_is_volatile (cache, write, at, SECTOR)
            || is_durable_anyway (cache, write, at))
          continue;
        *ret_leg = leg;
        *ret_event = write->submitted;
        return true;
      }
    }
  }
  return false;
}

/* Durable and equal on @legs: sectors @first ... @end - 1. */
static void
check_settled (struct replay *replay, const char *lint, uint32_t legs,
               uint64_t first, uint64_t end)
{
  unsigned leg;
  uint64_t event, s;

  if (find_volatile (replay, legs, first, end, &leg, &event))
    replay_fail (replay, lint, "sectors %" PRIu64 "..%" PRIu64
                 ": the write of event %" PRIu64
                 " to leg %u is not durable yet", first, end - 1, event, leg);
  s = first_difference (replay, legs, first, end, false);
  if (s < end)
    replay_fail (replay, lint, "sector %" PRIu64 " is not equal on all legs",
                 s);
  s = first_difference (replay, legs, first, end, true);
  if (s < end)
    replay_fail (replay, lint, "sector %" PRIu64
                 " is not durably equal on all legs", s);
}

void
check_super_write (struct replay *replay)
{
  const struct event *event = replay->event;
  const uint8_t *data = event_payload (event);
  uint64_t skip = replay->geometry->super_at - event->offset;
  struct md_super super, old;
  uint32_t legs = in_sync (replay);

  replay->wrote_super = true;
  if (event->offset > replay->geometry->super_at)
    return;
  if (!md_read (data + skip, &super)) {
    replay_fail (replay, "I7", "leg %u gets an invalid superblock",
                 event->leg);
    return;
  }
  if (md_read (replay->cache[event->leg].current + replay->geometry->super_at,
               &old)
      && super.events < old.events)
    replay_fail (replay, "I7", "leg %u: events go back from %" PRIu64
                 " to %" PRIu64, event->leg, old.events, super.events);
  if (!(legs >> event->leg & 1))
    return;
  for (unsigned leg = 0; leg < replay->geometry->legs; leg++)
    if (super.roles[leg] >= super.disks)
      legs &= ~(1u << leg);
  if (super.resync_offset != 0)
    check_settled (replay, "L6", legs, 0,
                   MIN (super.resync_offset, replay->geometry->sectors));
}

/* The bitmap as it will be when this write is done. */
static bool
bit_after (const struct replay *replay, const struct event *event,
           uint64_t region)
{
  uint64_t at = replay->geometry->bitmap_at + 256 + region / 8;
  const uint8_t *data = event_payload (event);

  if (at >= event->offset && at < event->offset + event->length)
    return data[at - event->offset] >> (region % 8) & 1;
  return replay->cache[event->leg].current[at] >> (region % 8) & 1;
}

void
check_bitmap_write (struct replay *replay)
{
  const struct event *event = replay->event;
  const struct geometry *geometry = replay->geometry;
  const uint8_t *area
      = replay->cache[event->leg].current + geometry->bitmap_at;
  uint32_t all = (1u << geometry->legs) - 1;

  replay->wrote_bitmap = true;
  if (!(in_sync (replay) >> event->leg & 1))
    return;
  for (uint64_t region = 0; region * geometry->region < geometry->sectors;
       region++) {
    uint64_t first = region * geometry->region;

    if (!bitmap_bit (area, region) || bit_after (replay, event, region))
      continue;
    if (in_sync (replay) != all)
      replay_fail (replay, "L5", "leg %u: the bit of region %" PRIu64
                   " is cleared although a leg is missing", event->leg,
                   region);
    check_settled (replay, "L5", all, first,
                   MIN (first + geometry->region, geometry->sectors));
  }
}

/* ------------------------------------------------------------ O3a and the end */

static bool
has_bit (const struct replay *replay, unsigned leg, uint64_t s)
{
  const struct geometry *geometry = replay->geometry;

  return geometry->bitmap_at == 0
         || bitmap_bit (replay->cache[leg].current + geometry->bitmap_at,
                        s / geometry->region);
}

/* All legs were there when it happened, whatever comes next. */
void
check_crash_state (struct replay *replay)
{
  const struct geometry *geometry = replay->geometry;
  uint32_t legs = in_sync (replay);
  uint64_t s = 0;
  struct md_super super;

  if (!geometry->md || legs == 0)
    return;
  md_read (replay->cache[replay->verdict.freshest].current
               + geometry->super_at, &super);
  while ((s = first_difference (replay, legs, s, geometry->sectors, false))
         < geometry->sectors) {
    if (super.resync_offset > s)
      replay_fail (replay, "O3a", "sector %" PRIu64
                   " differs, but leg %u says that it is clean or synced", s,
                   replay->verdict.freshest);
    for (unsigned leg = 0; leg < geometry->legs; leg++)
      if (legs >> leg & 1 && !has_bit (replay, leg, s))
        replay_fail (replay, "O3a", "sector %" PRIu64
                     " differs, but its bit is clear on leg %u", s, leg);
    s++;
  }
}

static void
check_end_of_leg (struct replay *replay, unsigned leg)
{
  const struct geometry *geometry = replay->geometry;
  struct md_super super;

  md_read (replay->cache[leg].current + geometry->super_at, &super);
  if (replay->wrote_super && super.resync_offset != MD_CLEAN)
    replay_fail (replay, "END", "leg %u is not clean", leg);
  if (replay->wrote_super && super.events != replay->verdict.events)
    replay_fail (replay, "END", "leg %u has other events", leg);
  for (uint64_t s = 0; replay->wrote_bitmap && s < geometry->sectors;
       s += geometry->region)
    if (has_bit (replay, leg, s))
      replay_fail (replay, "END", "leg %u: the bit of sector %" PRIu64
                   " is still set", leg, s);
}

void
check_end_state (struct replay *replay)
{
  const struct geometry *geometry = replay->geometry;
  uint32_t legs = in_sync (replay);

  if (geometry->md && legs != replay->present)
    replay_fail (replay, "END", "not all legs are in sync: %x of %x", legs,
                 replay->present);
  if (geometry->md && !replay->verdict.clean)
    replay_fail (replay, "END", "leg %u, the freshest, is not clean",
                 replay->verdict.freshest);
  for (unsigned leg = 0; geometry->md && leg < geometry->legs; leg++)
    if (legs >> leg & 1)
      check_end_of_leg (replay, leg);
  check_settled (replay, "END", legs, 0, geometry->sectors);
}
