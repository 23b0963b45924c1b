/* SPDX-License-Identifier: BSD-3-Clause */
/* judge: the array that some disks make.
 *
 * Pure: no I/O, no locks, no allocation.  Calls assemble, seats, slots, read.
 */
#include "ground/util.h"
#include "members/judge.h"

static struct assemble_member
given (const struct member_record *record)
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
    ret->given[ret->count] = given (record[i]);
    if (keep == (int)i && ret->given[ret->count].sb != NULL)
      kept = (int)ret->count;
    ret->number[ret->count++] = i;
  }
  if (ret->count == 0)
    return;
  assemble (ret->given, ret->count, kept, &ret->assembly);
  if (seats_are_given (&ret->assembly))
    seats_give (&ret->assembly, ret->given, ret->count, &ret->seats);
  if (slots_are_known (&ret->assembly))
    slots_find (&ret->assembly, ret->given, ret->count, ret->slot);
}
