/* SPDX-License-Identifier: BSD-3-Clause */
/* assemble-check: do these members belong together?
 *
 * Pure: no I/O, no locks, no allocation.  Calls sb1-codec.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ground/util.h"
#include "logic/assemble-internal.h"

void
assemble_refuse (struct assemble_work *work, enum assemble_result result,
                 unsigned culprit, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vsnprintf (work->ret->why, sizeof work->ret->why, format, args);
  va_end (args);
  work->ret->result = result;
  work->ret->culprit = culprit;
}

bool
assemble_same_sizes (const struct sb1 *a, const struct sb1 *b)
{
  struct layout x, y;

  return sb1_layout (a, &x) == NULL && sb1_layout (b, &y) == NULL
         && (x.level == LEVEL_RAID1 || x.slots == y.slots)
         && x.array_size == y.array_size && x.member_size == y.member_size;
}

/* Do the data of @sb's member lie where they lie in an array of @layout, though
 * it may be of another size?
 */
static bool
lies_alike (const struct layout *layout, const struct sb1 *sb)
{
  if (layout->level == LEVEL_RAID1)
    return true;
  return sb->raid_disks == layout->slots
         && (layout->far == 1 || layout->offset);
}

bool
assemble_can_follow (const struct assemble_member *authority,
                     const struct sb1 *sb)
{
  uint64_t area = 0;
  struct layout layout;

  if (sb1_layout (authority->sb, &layout) != NULL
      || (!assemble_same_sizes (authority->sb, sb)
          && !lies_alike (&layout, sb)))
    return false;
  /* One that is none is refused later. */
  if (authority->bitmap_verdict == BITMAP_GOOD
      || authority->bitmap_verdict == BITMAP_OUTDATED)
    area = bitmap_area_bytes (layout.array_size / SECTOR_SIZE,
                              authority->bitmap_chunk);
  return sb1_can_hold (sb, authority->sb->size, authority->sb->bitmap_offset,
                       area);
}

static const char *
difference (const struct sb1 *a, const struct sb1 *b)
{
  if (memcmp (a->set_uuid, b->set_uuid, sizeof a->set_uuid) != 0)
    return "set_uuid";
  if (a->level != b->level)
    return "level";
  if (a->layout != b->layout)
    return "layout";
  if (a->chunk != b->chunk)
    return "chunksize";
  return NULL;
}

/* Of those that could not be read the first; who has nothing good to show may
 * only lack what it would say.
 */
static bool
check_readable (struct assemble_work *work)
{
  for (unsigned i = 0; i < work->count; i++)
    if (work->members[i].unreadable) {
      assemble_refuse (work, ASSEMBLE_FAILED, i, "%s", work->members[i].why);
      return false;
    }
  return true;
}

static bool
check_superblocks (struct assemble_work *work)
{
  unsigned without = 0, damaged = 0, first_damaged = work->count;

  for (unsigned i = 0; i < work->count; i++)
    switch (work->members[i].verdict) {
    case SB1_GOOD:
      break;
    case SB1_UNSUPPORTED:
      assemble_refuse (work, ASSEMBLE_REFUSED, i, "%s", work->members[i].why);
      return false;
    case SB1_DAMAGED:
      if (damaged++ == 0)
        first_damaged = i;
      break;
    case SB1_NONE:
      without++;
      break;
    }
  if (without + damaged == work->count && !check_readable (work))
    return false;
  if (without == work->count) {
    assemble_refuse (work, ASSEMBLE_PLAIN, work->count,
                     "no member has an md superblock");
    return false;
  }
  for (unsigned i = 0; i < work->count && without > 0; i++)
    if (work->members[i].verdict == SB1_NONE) {
      assemble_refuse (work, ASSEMBLE_REFUSED, i,
                       "has no md superblock, but another member has one; "
                       "leave it out, or add it to the running server "
                       "(nbdmirror add)");
      return false;
    }
  if (damaged == work->count) {
    assemble_refuse (work, ASSEMBLE_FAILED, first_damaged,
                     "%s; no member has metadata that can be believed",
                     work->members[first_damaged].why);
    return false;
  }
  return true;
}

static bool
check_one_array (struct assemble_work *work)
{
  const struct sb1 *first = NULL;

  for (unsigned i = 0; i < work->count; i++) {
    const struct sb1 *sb = assemble_good (work, i);
    const char *what;

    if (sb == NULL)
      continue;
    if (first == NULL)
      first = sb;
    what = difference (first, sb);
    if (what != NULL) {
      work->ret->part[i].part = PART_FOREIGN;
      assemble_refuse (work, ASSEMBLE_REFUSED, i,
                       "belongs to another array than the members before it: "
                       "its %s differs", what);
      return false;
    }
    for (unsigned j = 0; j < i; j++)
      if (assemble_good (work, j) != NULL
          && memcmp (work->members[j].sb->device_uuid, sb->device_uuid,
                     sizeof sb->device_uuid)
               == 0) {
        assemble_refuse (work, ASSEMBLE_REFUSED, i,
                         "is a copy of a member given before it: their "
                         "device_uuid is the same");
        return false;
      }
  }
  return true;
}

bool
assemble_check_kinds (struct assemble_work *work)
{
  return check_superblocks (work) && check_one_array (work);
}

/* Who has which slot?  Which of the others are spare or failed, no matter. */
static bool
same_table (const struct sb1 *a, const struct sb1 *b)
{
  for (uint32_t i = 0; i < MAX (a->max_dev, b->max_dev); i++) {
    uint16_t x = sb1_role (a, i), y = sb1_role (b, i);

    if (x != y && (x < SB1_ROLE_SLOTS || y < SB1_ROLE_SLOTS))
      return false;
  }
  return true;
}

/* One history has one table for each number of events.  After a choice between
 * two of them and a crash, a member that is being overwritten may be listed by
 * both, and their events be the same by chance.
 */
static void
check_history (struct assemble_work *work, unsigned i, const struct sb1 *other)
{
  const struct sb1 *sb = work->members[i].sb;

  if (sb->events == other->events && !same_table (sb, other))
    work->ret->part[i].part = PART_SPLIT;
}

/* Members that claim to be of today must agree about today.  Who missed the last
 * update may not have heard that the array grew in it.
 */
static bool
check_today (struct assemble_work *work, unsigned i,
             const struct sb1 *authority)
{
  const struct assemble_member *truth
    = &work->members[work->ret->authority];
  const struct sb1 *sb = work->members[i].sb;

  if (sb->events == authority->events
      && (sb->raid_disks != authority->raid_disks
          || sb->size != authority->size)) {
    assemble_refuse (work, ASSEMBLE_REFUSED, i,
                     "raid_disks %" PRIu32 ", size %" PRIu64
                     ": another member with the same events says %" PRIu32
                     ", %" PRIu64, sb->raid_disks, sb->size,
                     authority->raid_disks, authority->size);
    return false;
  }
  if (sb->data_size < authority->size) {
    assemble_refuse (work, ASSEMBLE_REFUSED, i, "data_size %" PRIu64
                     ": the array needs %" PRIu64, sb->data_size,
                     authority->size);
    return false;
  }
  if (!assemble_same_sizes (sb, authority)
      && !assemble_can_follow (truth, sb)) {
    assemble_refuse (work, ASSEMBLE_REFUSED, i,
                     "raid_disks %" PRIu32 ", size %" PRIu64 ": its metadata "
                     "lies where the array, which has %" PRIu32 ", %" PRIu64
                     " now, has data, or its data lie elsewhere",
                     sb->raid_disks, sb->size, authority->raid_disks,
                     authority->size);
    return false;
  }
  return true;
}

static bool
check_pair (struct assemble_work *work, unsigned i, unsigned j)
{
  const struct assemble_part *a = &work->ret->part[i];
  const struct assemble_part *b = &work->ret->part[j];

  if (work->members[i].sb->dev_number == work->members[j].sb->dev_number) {
    assemble_refuse (work, ASSEMBLE_REFUSED, i, "dev_number %" PRIu32
                     ": another member has the same",
                     work->members[i].sb->dev_number);
    return false;
  }
  if (a->slot == b->slot
      && (a->part == PART_REPLACEMENT) == (b->part == PART_REPLACEMENT)) {
    assemble_refuse (work, ASSEMBLE_REFUSED, i,
                     "role %u: another member has the same slot", a->slot);
    return false;
  }
  return true;
}

/* A member that is of today. */
static bool
is_of_today (const struct assemble_work *work, unsigned i)
{
  return assemble_good (work, i) != NULL
         && assemble_part_is_fresh (work->ret->part[i].part);
}

bool
assemble_check_fresh (struct assemble_work *work, const struct sb1 *authority)
{
  for (unsigned i = 0; i < work->count; i++) {
    if (!is_of_today (work, i))
      continue;
    if (!check_today (work, i, authority))
      return false;
    check_history (work, i, authority);
    for (unsigned j = 0; j < i; j++)
      if (is_of_today (work, j))
        check_history (work, i, work->members[j].sb);
    for (unsigned j = 0; j < i && is_of_today (work, i); j++)
      if (is_of_today (work, j) && !check_pair (work, i, j))
        return false;
  }
  return true;
}
