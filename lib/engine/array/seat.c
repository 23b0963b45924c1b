/* SPDX-License-Identifier: BSD-3-Clause */
/* seat: the disks of the start become members, in their slots. */
#include <errno.h>

#include "engine/array-internal.h"
#include "engine/array/leg-members.h"
#include "engine/array/seat.h"
#include "ground/util.h"

/* @leg becomes a member, at @place. */
static int
seat (struct array *array, struct leg *leg, unsigned place,
      enum standing standing)
{
  struct member *member = member_new (leg);

  if (member == NULL)
    return -ENOMEM;
  member->place = place;
  atomic_store (&member->standing, standing);
  array->members[array->count++] = member;
  return 0;
}

int
seat_plain (struct array *array, const struct members *members)
{
  for (unsigned slot = 0; slot < array->layout.slots; slot++)
    if (seat (array, leg_of_record (&members->record[slot]), slot,
              STANDING_READ)
        < 0)
      return -ENOMEM;
  return 0;
}

/* What the member says of itself. */
static int
take_metadata (const struct array *array, struct member *member,
               struct member_record *record, uint64_t recovered)
{
  int r = leg_members_take (member, record);

  member->by_bitmap = record->seat.by_bitmap;
  if (record->seat.waits)
    member->super.stored = 0;
  /* One that rejoins is behind nobody, and holds nothing; nor does a spare. */
  if (r < 0 || record->seat.rejoins || record->seat.waits)
    return r;
  member->super.stored = member->super.sb.events;
  member->super.sb.recovery_offset = record->sb.recovery_offset;
  member->recovered
    = round_down (MIN (recovered, array->layout.member_size / SECTOR_SIZE)
                    * SECTOR_SIZE, array->leg_block);
  return 0;
}

/* Those who hold a slot: their place is that. */
static int
seat_occupants (struct array *array, struct members *members)
{
  const struct assembly *assembly = &members->assembly;
  uint32_t seated = 0;

  for (unsigned i = 0; i < members->count; i++) {
    struct member_record *record = &members->record[i];
    unsigned slot = record->seat.slot;
    bool in_sync;

    if (slot == ASSEMBLE_NO_SLOT || record->seat.replaces
        || (seated & 1u << slot))
      continue;
    /* One that is to be rebuilt is nothing to who only reads. */
    in_sync = assembly->in_sync & 1u << slot;
    if (array->why_readonly[0] != '\0' && !in_sync)
      continue;
    if (seat (array, leg_of_record (record), slot,
              in_sync ? STANDING_READ : STANDING_WRITTEN)
        < 0)
      return -ENOMEM;
    seated |= 1u << slot;
  }
  return 0;
}

/* Replacements and spares, at places that are left: there are no more disks
 * than places.
 */
static int
seat_others (struct array *array, struct members *members)
{
  if (array->why_readonly[0] != '\0')
    return 0;
  for (unsigned i = 0; i < members->count; i++) {
    struct member_record *record = &members->record[i];
    int place = view_free_place (array);

    if (!record->seat.replaces && !record->seat.waits)
      continue;
    assert (place >= 0);
    if (seat (array, leg_of_record (record), (unsigned)place,
              record->seat.waits ? STANDING_OUT : STANDING_WRITTEN)
        < 0)
      return -ENOMEM;
  }
  return 0;
}

int
seat_md (struct array *array, struct members *members)
{
  return seat_occupants (array, members) < 0 ? -ENOMEM
                                             : seat_others (array, members);
}

int
seat_metadata (struct array *array, struct members *members)
{
  for (unsigned i = 0; i < members->count; i++) {
    struct member_record *record = &members->record[i];
    const struct leg *leg = leg_of_record (record);
    struct member *member
      = leg != NULL ? view_member_of (array, leg) : NULL;

    if (member == NULL)
      continue;
    if (record->bad != NULL)
      array->has_bad_blocks = true;
    if (take_metadata (array, member, record,
                       members->assembly.part[i].recovery_offset)
        < 0)
      return -ENOMEM;
  }
  return 0;
}

/* What @member is in the roster. */
static uint32_t
seat_in_roster (struct roster *roster, const struct member *member,
                const struct seat *seat)
{
  switch (atomic_load (&member->standing)) {
  case STANDING_READ:
    return roster_seat (roster, member->place, MEMBER_IN_SYNC, 0, false);
  case STANDING_WRITTEN:
    return roster_seat (roster, seat->slot,
                        seat->replaces ? MEMBER_REPLACING : MEMBER_RECOVERING,
                        0, false);
  default:
    return roster_seat (roster, -1, MEMBER_SPARE, 0, false);
  }
}

static const struct seat *
seat_of (const struct members *members, const struct leg *leg)
{
  unsigned i = 0;

  while (leg_of_record (&members->record[i]) != leg)
    i++;
  return &members->record[i].seat;
}

void
seat_roster (struct array *array, const struct members *members)
{
  uint32_t groups[LEGS_MAX];
  unsigned count = layout_groups (&array->layout, groups);

  roster_init (&array->roster, array->layout.slots, groups, count);
  for (unsigned i = 0; i < array->count; i++) {
    struct member *member = array->members[i];

    member->id = seat_in_roster (&array->roster, member,
                                 seat_of (members, member->leg));
    if (member->super.sb.devflags & SB1_WRITE_MOSTLY) {
      const struct roster_event event = { .kind = ROSTER_FLAG,
                                          .id = member->id,
                                          .flags = MEMBER_WRITE_MOSTLY };

      roster_next (&array->roster, &event, &array->roster);
    }
  }
}
