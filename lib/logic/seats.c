/* SPDX-License-Identifier: BSD-3-Clause */
/* seats: the verdict over some members -> a seat for each.
 *
 * Pure: no I/O, no locks, no allocation.  Calls sb1-codec, assemble-check.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "ground/util.h"
#include "logic/seats.h"

struct work {
  const struct assembly *assembly;
  const struct assemble_member *members;
  unsigned count;
  struct seats *ret;
};

static bool
has_seat (const struct work *work, unsigned i)
{
  return work->ret->seat[i].slot != ASSEMBLE_NO_SLOT;
}

static const struct assemble_member *
authority (const struct work *work)
{
  return &work->members[work->assembly->authority];
}

/* It missed the last update, in which the bitmap may have come or gone. */
static bool
is_behind (const struct work *work, unsigned i)
{
  return assemble_part_is_fresh (work->assembly->part[i].part)
         && work->members[i].sb->events < work->assembly->events;
}

/* The same regions as the authority's, in the same place and an area that is
 * sound: it can be written over.
 */
static bool
has_same_bitmap (const struct work *work, unsigned i)
{
  const struct assemble_member *a = authority (work);
  const struct assemble_member *b = &work->members[i];

  if (is_behind (work, i)
      && (a->bitmap_verdict == BITMAP_NONE
          || (b->bitmap_verdict == BITMAP_NONE
              && assemble_can_follow (a, b->sb))))
    return true;
  if (a->bitmap_verdict == BITMAP_NONE)
    return b->bitmap_verdict == BITMAP_NONE;
  return b->bitmap_chunk == a->bitmap_chunk
         && b->sb->bitmap_offset == a->sb->bitmap_offset
         && (b->bitmap_verdict == BITMAP_GOOD
             || b->bitmap_verdict == BITMAP_OUTDATED);
}

/* ------------------------------------------------------------ 1. the fresh */

/* Is the member there that the replacement @i shares its slot with? */
static bool
has_original (const struct work *work, unsigned i)
{
  const struct assemble_part *part = work->assembly->part;

  for (unsigned j = 0; j < work->count; j++)
    if (j != i && assemble_part_is_fresh (part[j].part)
        && part[j].slot == part[i].slot)
      return true;
  return false;
}

static void
seat_fresh (struct work *work)
{
  for (unsigned i = 0; i < work->count; i++) {
    const struct assemble_part *part = &work->assembly->part[i];
    struct seat *seat = &work->ret->seat[i];

    *seat = (struct seat){ .slot = ASSEMBLE_NO_SLOT };
    if (!assemble_part_is_fresh (part->part))
      continue;
    seat->slot = part->slot;
    seat->replaces = part->part == PART_REPLACEMENT && has_original (work, i);
    /* That was written down while there was a bitmap. */
    seat->by_bitmap = part->by_bitmap
                      && work->members[i].bitmap_verdict != BITMAP_NONE
                      && authority (work)->bitmap_verdict != BITMAP_NONE;
  }
}

/* ------------------------------------------------- 2. may it be written? */

static void __attribute__ ((format (printf, 3, 4)))
only_read (struct work *work, unsigned culprit, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vsnprintf (work->ret->why_readonly, sizeof work->ret->why_readonly, format,
             args);
  va_end (args);
  work->ret->culprit = culprit;
}

/* True: there is something that we cannot keep up to date. */
static bool
cannot_be_kept (struct work *work)
{
  const struct assembly *assembly = work->assembly;

  if (assembly->result == ASSEMBLE_REFUSED) {
    only_read (work, assembly->culprit, "%s", assembly->why);
    return true;
  }
  if (assembly->events > SB1_EVENTS_MAX) {
    only_read (work, work->count, "events %" PRIu64 ": too close to their end "
               "to be counted on", assembly->events);
    return true;
  }
  for (unsigned i = 0; i < work->count; i++)
    if (has_seat (work, i) && !has_same_bitmap (work, i)) {
      only_read (work, i, "its bitmap is not the one of the other disks; "
                 "assemble the array once with Linux");
      return true;
    }
  return false;
}

static bool
may_be_written (struct work *work)
{
  work->ret->refuses_writers = cannot_be_kept (work);
  if (work->ret->refuses_writers)
    return false;
  for (unsigned i = 0; i < work->count; i++)
    if (has_seat (work, i) && work->members[i].readonly) {
      only_read (work, i, "may only be read");
      return false;
    }
  return true;
}

static bool
is_being_rebuilt (const struct work *work, unsigned i)
{
  enum part part = work->assembly->part[i].part;

  return part == PART_RECOVERING || part == PART_REPLACEMENT;
}

static void
unseat_rebuilt (struct work *work)
{
  for (unsigned i = 0; i < work->count; i++)
    if (is_being_rebuilt (work, i))
      work->ret->seat[i] = (struct seat){ .slot = ASSEMBLE_NO_SLOT };
}

/* -------------------------------------------------------- 3. who comes back */

static bool
has_missed_writes (enum part part)
{
  return part == PART_STALE_BITMAP || part == PART_STALE
         || part == PART_FAULTY || part == PART_SPLIT;
}

/* It had another one, or none, that was sound: the array's goes over that, if
 * there is room.
 */
static bool
can_get_bitmap (const struct work *work, unsigned i)
{
  const struct assemble_member *member = &work->members[i];

  return (member->bitmap_verdict == BITMAP_NONE
          || member->bitmap_verdict == BITMAP_GOOD
          || member->bitmap_verdict == BITMAP_OUTDATED)
         && assemble_can_follow (&work->members[work->assembly->authority],
                                 member->sb);
}

/* It missed writes.  May it come back? */
static enum seat_refusal
find_refusal (const struct work *work, unsigned i)
{
  const struct assembly *assembly = work->assembly;
  const struct assemble_member *member = &work->members[i];
  const struct sb1 *truth = work->members[assembly->authority].sb;
  const struct sb1 *sb = member->sb;
  unsigned slot = sb1_own_role (sb);

  if (slot >= SB1_ROLE_SLOTS)
    return SEAT_NO_SLOT;
  if (member->readonly)
    return SEAT_READ_ONLY;
  if (sb->data_size < truth->size)
    return SEAT_SMALL;
  if (slot >= assembly->layout.slots || !assemble_same_sizes (sb, truth))
    return SEAT_SHAPE;
  if (sb->features & SB1_FEATURE_REPLACEMENT)
    return SEAT_REPLACEMENT;
  if (!has_same_bitmap (work, i) && !can_get_bitmap (work, i))
    return SEAT_BITMAP;
  for (unsigned j = 0; j < work->count; j++)
    if (has_seat (work, j)
        && (work->ret->seat[j].slot == slot
            || work->members[j].sb->dev_number == sb->dev_number))
      return SEAT_TAKEN;
  return SEAT_NOT_REFUSED;
}

static void
seat_who_comes_back (struct work *work)
{
  for (unsigned i = 0; i < work->count; i++) {
    struct seat *seat = &work->ret->seat[i];

    if (!has_missed_writes (work->assembly->part[i].part))
      continue;
    seat->refusal = find_refusal (work, i);
    if (seat->refusal != SEAT_NOT_REFUSED)
      continue;
    seat->slot = sb1_own_role (work->members[i].sb);
    seat->rejoins = true;
    seat->by_bitmap = work->assembly->part[i].part == PART_STALE_BITMAP
                      && work->members[i].bitmap_verdict == BITMAP_GOOD
                      && has_same_bitmap (work, i);
  }
}

/* ---------------------------------------------------------- 4. who waits */

/* Or none that the table could have. */
static bool
is_number_taken (const struct work *work, unsigned i)
{
  if (work->members[i].sb->dev_number >= SB1_ROLES_MAX)
    return true;
  for (unsigned j = 0; j < work->count; j++)
    if ((has_seat (work, j) || work->ret->seat[j].waits)
        && work->members[j].sb->dev_number == work->members[i].sb->dev_number)
      return true;
  return false;
}

static void
keep_spares (struct work *work)
{
  const struct sb1 *truth = work->members[work->assembly->authority].sb;

  for (unsigned i = 0; i < work->count; i++) {
    const struct assemble_member *member = &work->members[i];
    struct seat *seat = &work->ret->seat[i];

    if (work->assembly->part[i].part != PART_SPARE)
      continue;
    if (member->readonly)
      seat->refusal = SEAT_READ_ONLY;
    else if (member->sb->data_size < truth->size)
      seat->refusal = SEAT_SMALL;
    else if (((member->sb->features ^ truth->features) & SB1_FEATURE_BITMAP)
             || ((truth->features & SB1_FEATURE_BITMAP)
                 && member->sb->bitmap_offset != truth->bitmap_offset))
      seat->refusal = SEAT_BITMAP;
    else if (is_number_taken (work, i))
      seat->refusal = SEAT_TAKEN;
    seat->waits = seat->refusal == SEAT_NOT_REFUSED;
  }
}

void
seats_give (const struct assembly *assembly,
            const struct assemble_member *members, unsigned count,
            struct seats *ret)
{
  struct work work = { .assembly = assembly,
                       .members = members,
                       .count = count,
                       .ret = ret };

  assert (seats_are_given (assembly));
  assert (count >= 1 && count <= ASSEMBLE_MEMBERS_MAX);
  *ret = (struct seats){ .culprit = count };
  seat_fresh (&work);
  if (!may_be_written (&work)) {
    if (ret->refuses_writers)
      unseat_rebuilt (&work);
    return;
  }
  seat_who_comes_back (&work);
  keep_spares (&work);
  for (unsigned i = 0; i < count; i++) {
    ret->seat[i].rebuilt
      = ret->seat[i].rejoins || is_being_rebuilt (&work, i);
    ret->rebuilding |= ret->seat[i].rebuilt;
  }
}
