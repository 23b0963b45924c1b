/* SPDX-License-Identifier: BSD-3-Clause */
/* slots: which disk is in each slot of an array, and why it is not in sync.
 *
 * Pure.  A slot has the disk that was given for it, whatever that disk missed.
 * Of a slot without one the authority's table tells whether a disk has it
 * (missing), had it (failed, if the entry is there still), or nothing.
 */
#ifndef MIRROR_SLOTS_H
#define MIRROR_SLOTS_H

#include "logic/assemble.h"

enum slot_has {
  SLOT_HAS_DISK,    /* in sync or not: see its part */
  SLOT_HAS_MISSING, /* on record, not given */
  SLOT_HAS_FAILED,  /* on record as failed, not given */
  SLOT_HAS_NONE,    /* none given, none on record */
};

struct slot {
  enum slot_has has;
  unsigned member; /* HAS_DISK: which */
  enum part part;  /* and what it is to the array */
};

/* Does the verdict tell what is in which slot?  Not in a split brain: there each
 * history has its own slots.
 */
static inline bool
slots_are_known (const struct assembly *assembly)
{
  return assembly->layout.slots != 0
         && (assembly->result == ASSEMBLE_START
             || assembly->result == ASSEMBLE_FAILED || assembly->readable);
}

/* @assembly is what assemble made of these @members; slots_are_known.  @ret:
 * layout.slots of them.
 */
void slots_find (const struct assembly *assembly,
                 const struct assemble_member *members, unsigned count,
                 struct slot *ret);

static inline bool
slot_is_in_sync (const struct slot *slot)
{
  return slot->has == SLOT_HAS_DISK && slot->part == PART_IN_SYNC;
}

/* Why it is not in sync, to follow "slot N: ", or with a disk "slot N: NAME, ";
 * and one word for machines, whatever it is.
 */
const char *slot_text (const struct slot *slot);
const char *slot_word (const struct slot *slot);

#endif /* MIRROR_SLOTS_H */
