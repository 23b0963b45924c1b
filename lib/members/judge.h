/* SPDX-License-Identifier: BSD-3-Clause */
/* judge: the array that some disks make.
 *
 * Pure.  The rules are logic's (assemble, seats, slots), and those of places;
 * here they are given what was read.  The server starts what this says, and
 * nbdmirror tells it.
 */
#ifndef MIRROR_MEMBERS_JUDGE_H
#define MIRROR_MEMBERS_JUDGE_H

#include "logic/seats.h"
#include "logic/slots.h"
#include "members/read.h"

struct members_verdict {
  /* Those that are there, as they are given to logic, and the number of each
   * among all.
   */
  struct assemble_member given[ASSEMBLE_MEMBERS_MAX];
  unsigned number[ASSEMBLE_MEMBERS_MAX];
  unsigned count;

  /* If there are any.  Members are counted as given. */
  struct assembly assembly;
  struct seats seats;         /* if seats_are_given */
  struct slot slot[LEGS_MAX]; /* if slots_are_known */
  uint32_t block; /* likewise; bytes: the largest that a disk with a seat wants,
                     or that is on record */
};

/* @record[count], at most ASSEMBLE_MEMBERS_MAX.  @keep: the one whose history
 * is to be kept after a split brain, or -1; a disk without a superblock that
 * can be believed has no history.
 */
void members_judge (const struct member_record *const *record, unsigned count,
                    int keep, struct members_verdict *ret);

/* What logic is told of a disk that is there. */
struct assemble_member members_given (const struct member_record *record);

/* As which of those given is disk @number of all?  Their count: it is missing.
 */
static inline unsigned
members_given_as (const struct members_verdict *verdict, unsigned number)
{
  unsigned i = 0;

  while (i < verdict->count && verdict->number[i] != number)
    i++;
  return i;
}

#endif /* MIRROR_MEMBERS_JUDGE_H */
