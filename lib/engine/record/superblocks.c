/* SPDX-License-Identifier: BSD-3-Clause */
/* superblocks: what the members' superblocks say next.
 *
 * Locks held on entry: the turn.  Does not block.
 */
#include <string.h>

#include "engine/array-internal.h"
#include "engine/record/superblocks.h"
#include "ground/util.h"

/* The entry of a slot that nobody current has: failed while we ran, or not
 * there when we began.  So Linux writes it, too.
 */
static uint16_t
role_of_gone (const struct metadata *md, unsigned slot)
{
  return md->seen & 1u << slot ? SB1_ROLE_FAULTY : SB1_ROLE_SPARE;
}

static uint16_t
next_role (const struct array *array, const struct view *view, uint32_t number)
{
  const struct metadata *md = array->md;
  uint16_t role = sb1_role (&md->truth, number);

  for (uint32_t left = view->targets; left != 0; left &= left - 1) {
    const struct member *member = view->member[__builtin_ctz (left)];

    if (member->super.sb.dev_number == number)
      return view_slot (view, member);
  }
  for (uint32_t left = view->spares; left != 0; left &= left - 1)
    if (view->member[__builtin_ctz (left)]->super.sb.dev_number == number)
      return SB1_ROLE_SPARE;
  /* Whoever had a slot and is no target. */
  if (role < SB1_ROLE_SLOTS)
    return role < view->layout.slots ? role_of_gone (md, role)
                                      : SB1_ROLE_SPARE;
  return role;
}

bool
superblocks_roles_change (const struct array *array, const struct view *view)
{
  const struct sb1 *truth = &array->md->truth;

  for (uint32_t number = 0; number < truth->max_dev; number++)
    if (next_role (array, view, number) != sb1_role (truth, number))
      return true;
  return false;
}

static void
next_truth (struct array *array, const struct view *view, bool dirty,
            const struct checkpoint *checkpoint)
{
  struct sb1 *truth = &array->md->truth;
  uint64_t now = ground_utc_us ();

  for (uint32_t left = view->targets | view->spares; left != 0;
       left &= left - 1) {
    uint32_t number
      = view->member[__builtin_ctz (left)]->super.sb.dev_number;

    truth->max_dev = MAX (truth->max_dev, number + 1);
  }
  for (uint32_t number = 0; number < truth->max_dev; number++)
    truth->roles[number] = next_role (array, view, number);
  truth->raid_disks = view->layout.slots;
  truth->events++;
  truth->utime = SB1_TIME (now / 1000000, now % 1000000);
  truth->resync_offset = dirty ? 0 : checkpoint->resync_offset;
}

/* What is the array's. */
static void
take_truth (const struct metadata *md, struct sb1 *sb)
{
  const struct sb1 *truth = &md->truth;

  sb->events = truth->events;
  sb->utime = truth->utime;
  sb->resync_offset = truth->resync_offset;
  sb->size = truth->size;
  sb->raid_disks = truth->raid_disks;
  memcpy (sb->name, truth->name, sizeof sb->name);
  sb->max_dev = truth->max_dev;
  for (unsigned i = 0; i < SB1_ROLES_MAX; i++)
    sb->roles[i] = truth->roles[i];
  sb->features &= ~(uint32_t)(SB1_FEATURE_BITMAP
                              | SB1_FEATURE_RECOVERY_OFFSET
                              | SB1_FEATURE_RECOVERY_BITMAP
                              | SB1_FEATURE_REPLACEMENT);
  if (md->has_bitmap) {
    sb->features |= SB1_FEATURE_BITMAP;
    sb->bitmap_offset = truth->bitmap_offset;
  }
  sb->recovery_offset = 0;
}

/* What is the array's from the truth, what is the member's own stays. */
static void
next_super (const struct array *array, const struct view *view,
            unsigned place, const struct checkpoint *checkpoint)
{
  const struct metadata *md = array->md;
  struct member *member = view->member[place];
  struct sb1 *sb = &member->super.sb;
  uint64_t recovered = sb->recovery_offset;
  bool rebuilt = !(view->in_sync & 1u << place) && member != md->joining;

  take_truth (md, sb);
  sb->devflags &= (uint8_t)~SB1_WRITE_MOSTLY;
  if (view->write_mostly & 1u << place)
    sb->devflags |= SB1_WRITE_MOSTLY;
  if (view->heir[view_slot (view, member)] == (int)place)
    sb->features |= SB1_FEATURE_REPLACEMENT;
  if (rebuilt) {
    sb->features |= SB1_FEATURE_RECOVERY_OFFSET;
    if (member->by_bitmap)
      sb->features |= SB1_FEATURE_RECOVERY_BITMAP;
    sb->recovery_offset
      = checkpoint != NULL ? checkpoint->recovered[place] / SECTOR_SIZE
                           : recovered;
  }
  sb1_encode (sb, member->super.block);
}

void
superblocks_next (struct array *array, const struct view *view, bool dirty,
                  const struct checkpoint *checkpoint)
{
  struct metadata *md = array->md;

  assert (dirty || checkpoint != NULL);
  next_truth (array, view, dirty, checkpoint);
  for (uint32_t left = view->targets; left != 0; left &= left - 1)
    next_super (array, view, __builtin_ctz (left), checkpoint);
  if (md->has_bitmap) {
    md->head.events = md->truth.events;
    ground_mutex_lock (&md->lock);
    bitmap_encode (&md->head, md->bitmap.image);
    ground_mutex_unlock (&md->lock);
  }
}

void
superblocks_again (struct array *array, const struct view *view,
                   uint32_t places)
{
  for (uint32_t left = places; left != 0; left &= left - 1)
    next_super (array, view, __builtin_ctz (left), &array->md->checkpoint);
}

void
superblocks_spares (struct array *array, const struct view *view,
                    uint32_t places)
{
  const struct metadata *md = array->md;

  for (uint32_t left = places; left != 0; left &= left - 1) {
    struct member_super *super = &view->member[__builtin_ctz (left)]->super;

    take_truth (md, &super->sb);
    sb1_encode (&super->sb, super->block);
  }
}
