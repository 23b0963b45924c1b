/* SPDX-License-Identifier: BSD-3-Clause */
/* assemble: N superblocks -> one verdict.
 *
 * Pure: no I/O, no locks, no allocation.  Calls sb1-codec, layout.
 *
 * Only a member's own superblock says that it is being rebuilt; only the
 * others' say that it failed, because nothing is written to a failed member
 * any more.  So a member's own word counts for what it lacks, and the
 * authority's for whether it belongs.
 */
#include <inttypes.h>
#include <stdio.h>

#include "ground/util.h"
#include "logic/assemble-internal.h"

#define NOBODY UINT32_MAX

/* ------------------------------------------------ 2. who is the authority? */

/* Does @a's table have @b where @b says it is? */
static bool
lists (const struct sb1 *a, const struct sb1 *b)
{
  return sb1_role (a, b->dev_number) == sb1_own_role (b);
}

/* With the same events, who knows that the other is gone knows more: the
 * other got the same number for an update that it was the only one to get,
 * then all stopped, and later the first was started without it.  And a
 * member being rebuilt is no authority while there is another.
 */
static bool
outranks (const struct sb1 *a, const struct sb1 *b)
{
  if (a->events != b->events)
    return a->events > b->events;
  if (lists (a, b) != lists (b, a))
    return !lists (a, b);
  return !(a->features & SB1_FEATURE_RECOVERY_OFFSET)
         && (b->features & SB1_FEATURE_RECOVERY_OFFSET);
}

static unsigned
find_authority (const struct assemble_work *work, int keep)
{
  const struct sb1 *kept = keep < 0 ? NULL : assemble_good (work, keep);
  unsigned best = NOBODY;

  assert (keep < 0 || kept != NULL);
  for (unsigned i = 0; i < work->count; i++) {
    const struct sb1 *sb = assemble_good (work, i);

    if (sb == NULL || !assemble_has_slot (sb) || work->members[i].is_out)
      continue;
    if (kept != NULL && !(lists (kept, sb) && lists (sb, kept)))
      continue;
    if (best == NOBODY || outranks (sb, work->members[best].sb))
      best = i;
  }
  return best;
}

/* -------------------------------------------------------- 3. who is fresh? */

/* Fresh as far as one member and the authority can tell.  Who missed the
 * last update may not have heard of a member that was new in it.
 */
static bool
is_fresh (const struct sb1 *authority, const struct sb1 *sb)
{
  bool is_new = (authority->features & SB1_FEATURE_RECOVERY_OFFSET) != 0;

  if (!assemble_has_slot (sb) || sb->events + 1 < authority->events)
    return false;
  return sb->events <= authority->events && (is_new || lists (sb, authority))
         && sb1_role (authority, sb->dev_number) < SB1_ROLE_SLOTS;
}

static enum part
fresh_part (const struct sb1 *sb)
{
  if (sb->features & SB1_FEATURE_REPLACEMENT)
    return PART_REPLACEMENT;
  if (sb->features & SB1_FEATURE_RECOVERY_OFFSET)
    return PART_RECOVERING;
  return PART_IN_SYNC;
}

/* @kept: nobody is who does not know it, though the authority be new; or NULL.
 */
static void
judge_fresh (struct assemble_work *work, const struct sb1 *authority,
             const struct sb1 *kept)
{
  for (unsigned i = 0; i < work->count; i++) {
    const struct sb1 *sb = assemble_good (work, i);
    struct assemble_part *part = &work->ret->part[i];

    if (sb == NULL || work->members[i].is_out || !is_fresh (authority, sb)
        || (kept != NULL && kept != sb && !lists (sb, kept)))
      continue;
    part->part = fresh_part (sb);
    part->slot = sb1_role (authority, sb->dev_number);
    if (part->part != PART_IN_SYNC) {
      part->recovery_offset
        = sb->features & SB1_FEATURE_RECOVERY_OFFSET ? sb->recovery_offset
                                                     : sb->size;
      part->by_bitmap = (sb->features & SB1_FEATURE_RECOVERY_BITMAP) != 0;
    }
  }
}

/* --------------------------------------------------- 5. can it be started? */

static bool
check_bitmaps (struct assemble_work *work)
{
  for (unsigned i = 0; i < work->count; i++) {
    const struct assemble_member *member = &work->members[i];

    if (assemble_good (work, i) == NULL
        || !assemble_part_is_fresh (work->ret->part[i].part))
      continue;
    if (member->bitmap_verdict == BITMAP_DAMAGED
        || member->bitmap_verdict == BITMAP_UNSUPPORTED) {
      assemble_refuse (work, ASSEMBLE_REFUSED, i, "%s", member->bitmap_why);
      return false;
    }
  }
  return true;
}

static void
sum_up (struct assemble_work *work, const struct sb1 *authority)
{
  struct assembly *ret = work->ret;

  ret->events = authority->events;
  ret->resync_from = authority->resync_offset;
  for (unsigned i = 0; i < work->count; i++) {
    const struct assemble_member *member = &work->members[i];
    const struct assemble_part *part = &ret->part[i];

    if (assemble_good (work, i) == NULL || !assemble_part_is_fresh (part->part))
      continue;
    ret->present |= UINT32_C (1) << part->slot;
    if (part->part != PART_IN_SYNC) {
      ret->recovering = true;
      continue;
    }
    ret->in_sync |= UINT32_C (1) << part->slot;
    /* They cannot differ through any order of updates that we know: then
     * the least that any of them promises.
     */
    if (member->sb->events == authority->events)
      ret->resync_from = MIN (ret->resync_from, member->sb->resync_offset);
    ret->bitmap |= member->bitmap_verdict != BITMAP_NONE;
    if (member->bitmap_verdict == BITMAP_GOOD
        && member->bitmap_events >= authority->events) {
      ret->bitmap_good = true;
      ret->events_cleared = MAX (ret->events_cleared, member->events_cleared);
    }
  }
  ret->dirty = ret->resync_from != SB1_CLEAN;
  for (unsigned slot = 0; slot < ret->layout.slots; slot++)
    ret->degraded |= !(ret->in_sync >> slot & 1);
}

static bool
check_enough (struct assemble_work *work)
{
  struct assembly *ret = work->ret;
  uint32_t groups[LEGS_MAX];
  unsigned count = layout_groups (&ret->layout, groups);

  for (unsigned i = 0; i < count; i++)
    if (!(groups[i] & ret->in_sync)) {
      int used = snprintf (ret->why, sizeof ret->why,
                           "too few members are in sync: of slots");

      for (unsigned slot = 0; slot < ret->layout.slots; slot++)
        if (groups[i] >> slot & 1)
          used += snprintf (ret->why + used, sizeof ret->why - used, " %u",
                            slot);
      snprintf (ret->why + used, sizeof ret->why - used, ", one is needed");
      ret->result = ASSEMBLE_FAILED;
      return false;
    }
  return true;
}

static void
refuse_split (struct assemble_work *work, unsigned member)
{
  uint64_t own = work->members[member].sb->events;
  char others[64] = "other members that have as many";

  if (own != work->ret->events)
    snprintf (others, sizeof others, "the members that have events %" PRIu64,
              work->ret->events);
  assemble_refuse (work, ASSEMBLE_SPLIT, member,
                   "events %" PRIu64 ": split brain, it ran without %s, and "
                   "they without it; choose the member whose data is to be "
                   "kept", own, others);
}

static bool
check_split (struct assemble_work *work, int keep)
{
  for (unsigned i = 0; i < work->count && keep < 0; i++)
    if (work->ret->part[i].part == PART_SPLIT) {
      refuse_split (work, i);
      return false;
    }
  return true;
}

static void
judge (struct assemble_work *work, int keep)
{
  struct assembly *ret = work->ret;
  const struct sb1 *authority;

  *ret = (struct assembly){ .culprit = work->count };
  for (unsigned i = 0; i < ASSEMBLE_MEMBERS_MAX; i++)
    ret->part[i] = (struct assemble_part){ .part = PART_UNUSABLE,
                                           .slot = ASSEMBLE_NO_SLOT };
  if (!assemble_check_kinds (work))
    return;

  ret->authority = find_authority (work, keep);
  if (ret->authority == NOBODY) {
    assemble_refuse (work, ASSEMBLE_FAILED, work->count, "none of the members "
                     "has a slot: spares and failed ones make no array");
    return;
  }
  authority = work->members[ret->authority].sb;
  if (sb1_layout (authority, &ret->layout) != NULL) {
    assemble_refuse (work, ASSEMBLE_REFUSED, ret->authority,
                     "has no geometry");
    return;
  }
  judge_fresh (work, authority, keep < 0 ? NULL : assemble_good (work, keep));
  if (!assemble_check_fresh (work, authority))
    return;
  sum_up (work, authority);
  assemble_judge_others (work, authority);
  if (!check_split (work, keep) || !check_enough (work))
    return;
  /* Nobody can write safely beside a bitmap that is not understood. */
  ret->readable = !check_bitmaps (work);
  if (!ret->readable)
    ret->result = ASSEMBLE_START;
}

/* Did somebody whom it had beside it go on without it?  Then its history is
 * not at its end with it, whatever others did.
 */
static bool
was_left_behind (const struct assemble_work *work, unsigned member)
{
  const struct sb1 *sb = work->members[member].sb;

  for (unsigned i = 0; i < work->count; i++) {
    const struct sb1 *other = assemble_good (work, i);

    if (other != NULL && !work->members[i].is_out && assemble_has_slot (other)
        && other->events > sb->events
        && lists (sb, other) && !lists (other, sb))
      return true;
  }
  return false;
}

/* Is there a choice, and is it one?  With too few in sync the authority may be
 * one that is being rebuilt in a history that is not to be kept, and whose
 * sources are in the other one by now.
 */
static bool
can_be_kept (const struct assemble_work *work, unsigned member)
{
  const struct sb1 *sb = assemble_good (work, member);
  enum part part = work->ret->part[member].part;

  if (work->ret->result == ASSEMBLE_FAILED)
    return sb != NULL && assemble_has_slot (sb);
  return work->ret->result == ASSEMBLE_SPLIT
         && (part == PART_SPLIT || assemble_part_is_fresh (part));
}

void
assemble (const struct assemble_member *members, unsigned count, int keep,
          struct assembly *ret)
{
  struct assemble_work work
    = { .members = members, .count = count, .ret = ret };

  assert (count >= 1 && count <= ASSEMBLE_MEMBERS_MAX);
  assert (keep < (int)count);
  judge (&work, -1);

  /* Asked for long ago, perhaps: it decides between histories, and never
   * makes a member that was merely left behind the authority.
   */
  if (keep >= 0 && can_be_kept (&work, keep) && !was_left_behind (&work, keep))
    judge (&work, keep);
}
