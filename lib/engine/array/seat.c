/* SPDX-License-Identifier: BSD-3-Clause */
/* seat: the disks of the start become members, in their slots. */
#include <errno.h>

#include "engine/array-internal.h"
#include "engine/array/leg-members.h"
#include "engine/array/seat.h"
#include "ground/util.h"

/* @leg becomes a member, in @slot. */
static int
seat (struct array *array, struct leg *leg, unsigned slot,
      enum standing standing)
{
  struct member *member = member_new (leg);

  if (member == NULL)
    return -ENOMEM;
  member->place = slot;
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
  /* One that rejoins is behind nobody, and holds nothing. */
  if (r < 0 || record->seat.rejoins)
    return r;
  member->super.stored = member->super.sb.events;
  member->super.sb.recovery_offset = record->sb.recovery_offset;
  member->recovered
    = round_down (MIN (recovered, array->layout.member_size / SECTOR_SIZE)
                    * SECTOR_SIZE, array->leg_block);
  return 0;
}

int
seat_md (struct array *array, struct members *members)
{
  const struct assembly *assembly = &members->assembly;
  uint32_t seated = 0;

  for (unsigned i = 0; i < members->count; i++) {
    struct member_record *record = &members->record[i];
    unsigned slot = record->seat.slot;
    bool in_sync;

    if (slot == ASSEMBLE_NO_SLOT || (seated & 1u << slot))
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

void
seat_roster (struct array *array)
{
  uint32_t groups[LEGS_MAX];
  unsigned count = layout_groups (&array->layout, groups);

  roster_init (&array->roster, array->layout.slots, groups, count);
  for (unsigned i = 0; i < array->count; i++) {
    struct member *member = array->members[i];
    enum member_state state = atomic_load (&member->standing) == STANDING_READ
                                ? MEMBER_IN_SYNC
                                : MEMBER_RECOVERING;

    member->id = roster_seat (&array->roster, member->place, state, 0, false);
    if (member->super.sb.devflags & SB1_WRITE_MOSTLY) {
      const struct roster_event event = { .kind = ROSTER_FLAG,
                                          .id = member->id,
                                          .flags = MEMBER_WRITE_MOSTLY };

      roster_next (&array->roster, &event, &array->roster);
    }
  }
}
