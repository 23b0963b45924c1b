/* SPDX-License-Identifier: BSD-3-Clause */
/* assemble-others: who is not of today: spare, failed, left behind, or gone
 * its own way.
 *
 * Pure: no I/O, no locks, no allocation.  Calls sb1-codec.
 */
#include "ground/util.h"
#include "logic/assemble-internal.h"

/* Has the member recorded that number @other, whom it knew, is gone? */
static bool
knows_as_gone (const struct sb1 *sb, uint32_t other)
{
  uint32_t known = sb->raid_disks;

  /* Numbers are given in ascending order: below the highest in use, an entry
   * without a slot is not one that nobody had yet.
   */
  for (uint32_t i = known; i < sb->max_dev; i++)
    if (sb1_role (sb, i) < SB1_ROLE_SLOTS)
      known = i + 1;
  return other < known && sb1_role (sb, other) >= SB1_ROLE_SLOTS;
}

/* Did the member go on without all of the fresh ones whose data count?  One
 * that is being rebuilt may have stood beside it in another history, and be
 * overwritten by this one.  When a member is left behind its own table is the
 * last in which the others stand beside it; when it leaves the others behind,
 * it records that they are gone.  Who took their slots later stands for them.
 * Its own slot says nothing: that may be filled by who replaced it.  But one
 * that was to replace another stood beside that in this slot.
 */
static bool
ran_apart (const struct assemble_work *work, const struct sb1 *sb)
{
  unsigned own = sb1_own_role (sb);
  bool shares = sb->features & SB1_FEATURE_REPLACEMENT;
  bool others = false, beside = false;

  for (unsigned i = 0; i < work->count; i++) {
    const struct assemble_part *part = &work->ret->part[i];

    if (assemble_good (work, i) == NULL || part->part != PART_IN_SYNC
        || (part->slot == own && !shares))
      continue;
    others = true;
    beside |= sb1_slot_is_taken (sb, part->slot)
              && !knows_as_gone (sb, work->members[i].sb->dev_number);
  }
  if (others)
    return !beside;
  for (unsigned slot = 0; slot < sb->raid_disks; slot++)
    if (slot != own && sb1_slot_is_taken (sb, slot))
      return false;
  return true;
}

/* Does the member say that somebody is gone who has a slot today?  It may have
 * run in another history, beside one that was overwritten since: its bitmap
 * and the array's are not of one history, even if its table looks like that.
 */
static bool
excludes_any (const struct sb1 *authority, const struct sb1 *sb)
{
  for (uint32_t i = 0; i < authority->max_dev; i++)
    if (sb1_role (authority, i) < SB1_ROLE_SLOTS && knows_as_gone (sb, i))
      return true;
  return false;
}

/* May member @member, @sb, come back with only the regions that the bitmap has
 * set?  GAP_NONE, or why not.
 */
static enum gap
find_gap (const struct assemble_work *work, const struct sb1 *authority,
          unsigned member, const struct sb1 *sb)
{
  unsigned slot = sb1_own_role (sb);

  if (!work->ret->bitmap_good)
    return work->ret->bitmap ? GAP_OUTDATED : GAP_NO_BITMAP;
  if (sb->events < work->ret->events_cleared)
    return GAP_EVENTS;
  if (!work->members[member].is_ours && excludes_any (authority, sb))
    return GAP_HISTORY;
  if ((sb->raid_disks != authority->raid_disks
       && authority->level != LEVEL_RAID1)
      || sb->size != authority->size)
    return GAP_SHAPE;
  if ((sb->features & SB1_FEATURE_REPLACEMENT)
      || ((sb->features & SB1_FEATURE_RECOVERY_OFFSET)
          && !(sb->features & SB1_FEATURE_RECOVERY_BITMAP)))
    return GAP_INCOMPLETE;
  for (unsigned i = 0; i < work->count; i++)
    if (assemble_good (work, i) != NULL && work->ret->part[i].slot == slot
        && assemble_part_is_fresh (work->ret->part[i].part))
      return GAP_TAKEN;
  /* Somebody else got its number or its slot since. */
  if (sb1_role (authority, sb->dev_number) >= SB1_ROLE_SLOTS
        ? sb1_slot_is_taken (authority, slot)
        : sb1_role (authority, sb->dev_number) != slot)
    return GAP_TAKEN;
  return GAP_NONE;
}

void
assemble_judge_others (struct assemble_work *work, const struct sb1 *authority)
{
  for (unsigned i = 0; i < work->count; i++) {
    const struct sb1 *sb = assemble_good (work, i);
    struct assemble_part *part = &work->ret->part[i];

    /* Or found to have another history already. */
    if (sb == NULL || assemble_part_is_fresh (part->part)
        || part->part == PART_SPLIT)
      continue;
    if (!assemble_has_slot (sb))
      part->part = sb1_own_role (sb) == SB1_ROLE_SPARE ? PART_SPARE
                                                       : PART_FAULTY;
    /* Nobody is ahead of the authority but by a choice of the user: who got
     * that far did so in another history, even if the one that stood beside it
     * there was overwritten by this one since.
     */
    else if (sb->events > authority->events
             || (!work->members[i].is_ours && ran_apart (work, sb))) {
      part->part = PART_SPLIT;
      part->slot = sb1_own_role (sb);
    }
    else {
      uint16_t known = sb1_role (authority, sb->dev_number);

      part->slot = sb1_own_role (sb);
      part->gap = find_gap (work, authority, i, sb);
      if (part->gap == GAP_NONE)
        part->part = PART_STALE_BITMAP;
      else if (sb->events + 1 >= authority->events
               && known == SB1_ROLE_FAULTY)
        part->part = PART_FAULTY;
      else
        part->part = PART_STALE;
    }
  }
}
