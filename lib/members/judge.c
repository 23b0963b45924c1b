/* SPDX-License-Identifier: BSD-3-Clause */
/* judge: the array that some disks make.
 *
 * Pure: no I/O, no locks, no allocation.  Calls assemble, seats, slots, read,
 * places.
 */
#include <stdio.h>

#include "ground/util.h"
#include "members/judge.h"
#include "members/places.h"

struct assemble_member
members_given (const struct member_record *record)
{
  enum sb1_verdict verdict = member_verdict (record);

  return (struct assemble_member){
    .verdict = verdict,
    .sb = verdict == SB1_GOOD ? &record->sb : NULL,
    .why = member_why (record),
    .unreadable = record->unreadable != NULL,
    .bitmap_verdict = record->bitmap_verdict,
    .bitmap_events = record->bitmap.events,
    .events_cleared = record->bitmap.events_cleared,
    .bitmap_why = record->bitmap_why,
    .bitmap_chunk = record->bitmap.chunk,
    .readonly = record->disk.readonly,
  };
}

static bool
has_seat (const struct members_verdict *verdict, unsigned i)
{
  return verdict->seats.seat[i].slot != ASSEMBLE_NO_SLOT;
}

/* Spares that do not suit the array as it is are left out: those with larger
 * blocks than it is written in, or no room where it would be written.
 */
static void
leave_out_spares (struct members_verdict *verdict,
                  const struct member_record *const *record,
                  struct places_need need)
{
  char why[MESSAGE_MAX];

  need.bitmap_chunk
    = verdict->given[verdict->assembly.authority].bitmap_chunk;
  for (unsigned i = 0; i < verdict->count; i++) {
    const struct member_record *here = record[verdict->number[i]];
    struct seat *seat = &verdict->seats.seat[i];

    if (!seat->waits
        || (here->disk.block <= verdict->block
            && places_suit (here, &need, why)))
      continue;
    seat->waits = false;
    seat->refusal = SEAT_BLOCKS;
  }
}

/* False, with @why and its culprit: some disk's blocks are too large. */
static bool
check_blocks (struct members_verdict *verdict,
              const struct member_record *const *record, unsigned *ret_culprit,
              char *why)
{
  const struct layout *layout = &verdict->assembly.layout;
  struct places_need need = { .layout = layout, .block = SECTOR_SIZE };

  verdict->block = 1;
  for (unsigned i = 0; i < verdict->count; i++) {
    const struct member_record *here = record[verdict->number[i]];

    if (!has_seat (verdict, i))
      continue;
    need.block = MAX (need.block, here->disk.block);
    need.entries = MAX (need.entries, places_entries (&here->sb));
    verdict->block = MAX (verdict->block, here->disk.block);
    verdict->block = MAX (verdict->block, here->sb.logical_block);
  }
  leave_out_spares (verdict, record, need);
  for (*ret_culprit = 0; *ret_culprit < verdict->count; ++*ret_culprit)
    if (has_seat (verdict, *ret_culprit)
        && !places_suit (record[verdict->number[*ret_culprit]], &need, why))
      return false;
  return places_suit_clients (layout, verdict->block, why);
}

static void
give_seats (struct members_verdict *verdict,
            const struct member_record *const *record)
{
  struct assembly *assembly = &verdict->assembly;
  char why[MESSAGE_MAX];
  unsigned culprit;

  seats_give (assembly, verdict->given, verdict->count, &verdict->seats);
  if (check_blocks (verdict, record, &culprit, why))
    return;
  assembly->result = ASSEMBLE_REFUSED;
  assembly->readable = false;
  assembly->culprit = culprit;
  snprintf (assembly->why, sizeof assembly->why, "%s", why);
  verdict->seats = (struct seats){ .culprit = verdict->count };
}

void
members_judge (const struct member_record *const *record, unsigned count,
               int keep, struct members_verdict *ret)
{
  int kept = -1;

  assert (count <= ASSEMBLE_MEMBERS_MAX && keep < (int)count);
  *ret = (struct members_verdict){ .count = 0 };
  for (unsigned i = 0; i < count; i++) {
    if (!member_is_there (record[i]))
      continue;
    ret->given[ret->count] = members_given (record[i]);
    if (keep == (int)i && ret->given[ret->count].sb != NULL)
      kept = (int)ret->count;
    ret->number[ret->count++] = i;
  }
  if (ret->count == 0)
    return;
  assemble (ret->given, ret->count, kept, &ret->assembly);
  if (seats_are_given (&ret->assembly))
    give_seats (ret, record);
  if (slots_are_known (&ret->assembly))
    slots_find (&ret->assembly, ret->given, ret->count, ret->slot);
}
