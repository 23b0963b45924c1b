/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-lint-meta: L5, L6 and L11, when metadata go to a leg. */
#include <string.h>

#include "crash-holes.h"
#include "crash-lint-internal.h"
#include "crash-marks.h"
#include "crash-store.h"
#include "ground/util.h"

/* What @io leaves of the @count sectors from @first on of its leg. */
static void
after (const struct lint *lint, const struct record_io *io, uint32_t first,
       uint32_t count, uint32_t *ret)
{
  memcpy (ret, lint->replay.leg[io->leg].kept + first, count * sizeof *ret);
  for (uint32_t i = 0; i < io->count; i++)
    if (io->first + i - first < count)
      ret[io->first + i - first] = lint->record->contents[io->contents + i];
}

/* Are data of @leg on the way to stable storage, in LBAs from @first to
 * @end - 1?  @copies: only those that no client wrote.
 */
static bool
is_pending (const struct lint *lint, unsigned leg, uint32_t first,
            uint64_t end, bool copies)
{
  const struct crash_leg *l = &lint->life->shape->leg[leg];
  const struct replay_leg *replay = &lint->replay.leg[leg];

  for (unsigned i = 0; i < replay->count; i++) {
    const struct record_io *io = &lint->record->ios[replay->pending[i].io];

    if (!lint_is_data (lint, io)
        || (copies && lint_client (lint, io) != NULL))
      continue;
    for (uint32_t j = io->first; j < io->first + io->count; j++)
      if (l->lba[j] >= first && l->lba[j] < end)
        return true;
  }
  return false;
}

/* --- L5 --- */

/* Are all copies of the region durable, and the same? */
static bool
is_settled (struct lint *lint, uint32_t region)
{
  const struct crash_shape *shape = lint->life->shape;
  uint32_t first = shape->first[region], end = shape->first[region + 1];

  for (unsigned leg = 0; leg < shape->slots; leg++)
    if (is_pending (lint, leg, first, end, false))
      return LINT_FAIL (lint, "L5: the bit of region %u is cleared before its "
                        "data are durable on leg %u", region, leg);
  for (uint32_t lba = first; lba < end; lba++)
    for (unsigned i = 1; i < shape->copies; i++) {
      const struct crash_copy *a = &shape->copy[lba][0];
      const struct crash_copy *b = &shape->copy[lba][i];

      if (lint->replay.leg[a->leg].durable[a->sector]
          != lint->replay.leg[b->leg].durable[b->sector])
        return LINT_FAIL (lint, "L5: the bit of region %u is cleared, but legs "
                          "%u and %u differ at LBA %u", region, a->leg, b->leg,
                          lba);
    }
  return true;
}

/* Does @leg say that all are there and current? */
static bool
is_complete (struct lint *lint, unsigned leg)
{
  const struct crash_shape *shape = lint->life->shape;

  for (unsigned slot = 0; slot < shape->slots; slot++)
    if (lint_is_out (lint, 1u << leg, slot) || lint_is_rebuilt (lint, slot))
      return false;
  return true;
}

/* How its pages go together: @set, @cleared are those in which @io changes
 * bits.
 */
static void
mark_pages (const struct lint *lint, const struct record_io *io, uint32_t set,
            uint32_t cleared)
{
  const struct crash_area *area = &lint->life->shape->leg[io->leg].bitmap;
  uint32_t pages = set | cleared;

  if (__builtin_popcount (set) > 1)
    SOMETIMES (PAGES_SET);
  if (__builtin_popcount (cleared) > 1)
    SOMETIMES (PAGES_CLEARED);
  if ((pages & 7) == 5 && io->first == area->first && io->count == area->count)
    SOMETIMES (PAGE_BETWEEN);
}

static bool
check_bitmap (struct lint *lint, const struct record_io *io)
{
  const struct crash_shape *shape = lint->life->shape;
  const struct crash_leg *l = &shape->leg[io->leg];
  const uint32_t *kept = lint->replay.leg[io->leg].kept + l->bitmap.first;
  uint8_t before[META_BITS_SIZE], bits[META_BITS_SIZE];
  uint32_t sectors[META_BITMAP_SECTORS];
  uint32_t set = 0, cleared = 0;

  after (lint, io, l->bitmap.first, l->bitmap.count, sectors);
  meta_bits (shape, kept, before);
  meta_bits (shape, sectors, bits);
  for (uint32_t i = 0; i < shape->regions; i++) {
    uint32_t page = 1u << (BITMAP_HEAD_SIZE + shape->bit[i] / 8)
                            / BITMAP_PAGE_SIZE;

    if (bitmap_get (before, i) == bitmap_get (bits, i))
      continue;
    if (bitmap_get (bits, i)) {
      set |= page;
      continue;
    }
    if (lint_is_given_up (lint, io->leg))
      continue;
    cleared |= page;
    if (!is_complete (lint, io->leg))
      return LINT_FAIL (lint, "L5: leg %u: the bit of region %u is cleared, "
                        "but somebody missed something", io->leg, i);
    if (!is_settled (lint, i))
      return false;
  }
  mark_pages (lint, io, set, cleared);
  if (cleared && !lint->stopping)
    SOMETIMES (IDLE_CLEAR);
  return true;
}

/* --- L6 --- */

/* Durable wherever somebody counts, up to where @sb says so? */
static bool
check_clean (struct lint *lint, const struct sb1 *sb)
{
  uint32_t end = shape_lba (lint->life->shape, sb->resync_offset);

  for (uint32_t left = lint_targets (lint); left != 0; left &= left - 1) {
    unsigned leg = __builtin_ctz (left);
    bool current = lint->event->in_sync >> leg & 1;

    if (end > 0 && is_pending (lint, leg, 0, end, false)
        && (current || !is_pending (lint, leg, 0, end, true)))
      return LINT_FAIL (lint, "L6: the array is to be clean, but leg %u has "
                        "not stored everything", leg);
  }
  return true;
}

/* With a superblock @sb, will @lba be brought together anyway? */
static bool
is_marked (struct lint *lint, const struct sb1 *sb, unsigned leg, uint32_t lba)
{
  const struct crash_shape *shape = lint->life->shape;

  return shape->real[lba] >= sb->resync_offset
         && (!shape->has_bitmap
             || meta_bit (shape, lint_says (lint, leg)->bits, lba));
}

/* Does a superblock @sb vouch for some sector of @io, a copy?  @end: for those
 * of the leg's data before this.
 */
static bool
is_vouched (struct lint *lint, const struct record_io *io,
            const struct sb1 *sb, uint64_t end)
{
  const struct crash_shape *shape = lint->life->shape;
  const struct crash_leg *l = &shape->leg[io->leg];

  for (uint32_t i = io->first; i < io->first + io->count; i++)
    if (l->lba[i] != CRASH_LBA_NONE && shape_offset (shape, io->leg, i) < end
        && !is_marked (lint, sb, io->leg, l->lba[i]))
      return true;
  return false;
}

/* A leg that is rebuilt: up to where @sb says, or all of it. */
static bool
check_rebuilt (struct lint *lint, const struct record_io *super,
               const struct sb1 *sb)
{
  const struct replay_leg *replay = &lint->replay.leg[super->leg];
  bool ends = !(sb->features & SB1_FEATURE_RECOVERY_OFFSET);
  uint64_t end = ends ? UINT64_MAX : sb->recovery_offset;

  if (!lint_is_rebuilt (lint, super->leg))
    return true;
  for (unsigned i = 0; i < replay->count; i++) {
    const struct record_io *io = &lint->record->ios[replay->pending[i].io];

    if (lint_is_data (lint, io) && lint_client (lint, io) == NULL
        && is_vouched (lint, io, sb, end))
      return LINT_FAIL (lint, "L6: leg %u is to be %s, but has not stored "
                        "sectors %u to %u", super->leg,
                        ends ? "in sync" : "rebuilt up to there", io->first,
                        io->first + io->count - 1);
  }
  return true;
}

/* --- L11 --- */

static bool
check_super (struct lint *lint, const struct record_io *io)
{
  const struct crash_shape *shape = lint->life->shape;
  const struct crash_leg *l = &shape->leg[io->leg];
  struct lint_leg *leg = &lint->leg[io->leg];
  uint32_t sectors[SB1_BLOCK_SIZE / SECTOR_SIZE];
  char why[MESSAGE_MAX];
  static struct sb1 sb;

  after (lint, io, l->super.first, l->super.count, sectors);
  if (meta_superblock (shape, io->leg, sectors, &sb, why) != SB1_GOOD)
    return LINT_FAIL (lint, "L11: leg %u: the superblock is not good: %.200s",
                      io->leg, why);
  if (sb.events < leg->events)
    return LINT_FAIL (lint, "L11: leg %u: events go from %llu to %llu", io->leg,
                      (unsigned long long)leg->events,
                      (unsigned long long)sb.events);
  leg->events = sb.events;
  return check_clean (lint, &sb) && check_rebuilt (lint, io, &sb);
}

bool
lint_metadata (struct lint *lint, const struct record_io *io)
{
  if (shape_place (lint->life->shape, io->leg, io->first) == PLACE_SUPER)
    return check_super (lint, io);
  return check_bitmap (lint, io);
}
