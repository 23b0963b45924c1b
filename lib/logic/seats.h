/* SPDX-License-Identifier: BSD-3-Clause */
/* seats: which slot each member of an array that starts gets, what is copied
 * to it, and whether the array may be written.
 *
 * Pure.  The verdict of assemble in, a seat for each member out.
 *
 * The rules, in this order:
 *
 *   1. Fresh members have the slot that the table gives them.  A replacement
 *      shares that of the member that it is to replace; if that one is not
 *      there, it has the slot to itself, to be rebuilt.
 *   2. The array may only be read if what its members say cannot be kept up
 *      to date, or if a disk with a slot cannot be written.  In the first case
 *      one that is being rebuilt has no seat: it would be of no use.
 *   3. If it may be written, a member that missed something gets its own slot
 *      back, unless somebody else has it or the member does not fit; what it
 *      lacks is copied to it.  Where nothing is written, it is of no use.
 *   4. Likewise a spare: it waits for a slot.
 */
#ifndef MIRROR_SEATS_H
#define MIRROR_SEATS_H

#include "logic/assemble.h"

/* Why a member that missed something does not get its slot back, or why a spare
 * is of no use.
 */
enum seat_refusal {
  SEAT_NOT_REFUSED, /* or it did not miss anything, or nobody asked */
  SEAT_NO_SLOT,     /* it has none of its own */
  SEAT_READ_ONLY,
  SEAT_SMALL,
  SEAT_SHAPE,       /* of another size, or number of slots */
  SEAT_REPLACEMENT,
  SEAT_BITMAP,      /* its bitmap is not the one of the others */
  SEAT_TAKEN,       /* another one has its slot or its number */
  SEAT_BLOCKS,      /* its blocks are too large, or its places do not suit those
                       of the others (members/judge) */
};

struct seat {
  unsigned slot;  /* or ASSEMBLE_NO_SLOT: not used, or a spare */
  bool replaces;  /* the slot is another one's until this one is rebuilt */
  bool waits;     /* a spare, which the array keeps */
  bool rejoins;   /* it missed something, and begins from nothing */
  bool rebuilt;   /* what it lacks is copied to it */
  bool by_bitmap; /* it lacks only what the bitmap has set */
  enum seat_refusal refusal;
};

struct seats {
  struct seat seat[ASSEMBLE_MEMBERS_MAX];
  bool rebuilding; /* somebody is rebuilt */

  /* Why it may only be read, to follow the culprit's name or the array's;
   * empty: it may be written.
   */
  char why_readonly[MESSAGE_MAX];
  unsigned culprit;     /* a member, or the number of members */
  bool refuses_writers; /* we cannot keep such an array: who connects must
                           know (nbdkit -r); else it is a disk */
};

/* May it be served, to readers at least? */
static inline bool
seats_are_given (const struct assembly *assembly)
{
  return assembly->result == ASSEMBLE_START
         || (assembly->result == ASSEMBLE_REFUSED && assembly->readable);
}

/* @assembly is what assemble made of these @members; seats_are_given. */
void seats_give (const struct assembly *assembly,
                 const struct assemble_member *members, unsigned count,
                 struct seats *ret);

#endif /* MIRROR_SEATS_H */
