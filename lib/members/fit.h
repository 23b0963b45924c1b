/* SPDX-License-Identifier: BSD-3-Clause */
/* fit: what a disk becomes in an array: how much is copied to it, or why it
 * cannot join.
 *
 * Pure.  The rules are logic's (assemble, seats), those of the start, so that a
 * disk that comes while the array runs is judged as one that was there when it
 * started; but for this: it is never in sync, and what it held of an unfinished
 * rebuild does not count, since it may have missed writes below that.
 */
#ifndef MIRROR_MEMBERS_FIT_H
#define MIRROR_MEMBERS_FIT_H

#include "members/judge.h"

enum fit_as {
  FIT_REFUSED,
  FIT_IN_SYNC,    /* nothing is copied */
  FIT_RECOVERING, /* its rebuild goes on at @from */
  FIT_BY_BITMAP,  /* what the bitmap has set is copied */
  FIT_WHOLE,      /* everything is copied */
  FIT_SPARE,      /* nothing is copied: it waits for a slot */
};

/* Why it is refused, or why all of it is copied. */
enum fit_reason {
  FIT_OK,

  /* Refused: */
  FIT_READ_ONLY,
  FIT_UNREADABLE,  /* some of its metadata */
  FIT_DAMAGED,     /* likewise */
  FIT_UNSUPPORTED, /* likewise */
  FIT_FOREIGN,     /* it is of another array */
  FIT_TWIN,        /* it is a copy of a member that is there */
  FIT_SMALL,
  FIT_BLOCKS,      /* its blocks are too large for the array, or for what is on
                      it */
  FIT_TAKEN,       /* another disk has its slot, or its number */
  FIT_NO_SLOT,     /* it has none of its own */
  FIT_REPLACEMENT, /* it was to replace another one */
  FIT_BITMAP,      /* its bitmap is not the one of the array */
  FIT_ARRAY,       /* the array itself cannot be written, or not started */

  /* Refused, or copied if what it has may be lost: */
  FIT_HISTORY,     /* it ran on its own */

  /* All is copied: */
  FIT_NEW,         /* it was no member */
  FIT_NO_BITMAP,
  FIT_OUTDATED,    /* no bitmap can be believed, or its own cannot */
  FIT_EVENTS,      /* it left before what the bitmap reaches back to */
  FIT_INCOMPLETE,  /* it was being rebuilt, and not by bitmap */
  FIT_SHAPE,       /* refused, too: the array has another size now, or another
                      number of slots */
  FIT_REASONS,
};

struct fit {
  enum fit_as as;
  enum fit_reason reason;
  unsigned slot;    /* or ASSEMBLE_NO_SLOT */
  uint64_t from;    /* RECOVERING: bytes of its data that it holds */
  uint64_t to_copy; /* bytes, at most */
  char why[MESSAGE_MAX]; /* the reason, to follow "disk NAME: "; or empty */
};

/* What becomes of disk @i of those given of an array that starts
 * (seats_are_given).  @record: as for members_judge.
 */
void fit_at_start (const struct members_verdict *verdict,
                   const struct member_record *const *record, unsigned i,
                   struct fit *ret);

/* An array that runs, as its members have it on record. */
struct fit_array {
  /* Those with a slot, LEGS_MAX at most; some are in sync. */
  const struct assemble_member *member;
  unsigned count;
  uint32_t taken;  /* their slots, and those of members that are not on record
                      yet */
  uint64_t marked; /* bytes of the array that the bitmap has set */
  uint32_t block;  /* bytes: in which metadata is written and clients write */
  bool is_ours;    /* assemble_member's, of the disk that comes */
};

/* May the disk of @record join it?  @discard: what it has may be lost. */
void fit_join (const struct fit_array *array,
               const struct member_record *record, bool discard,
               struct fit *ret);

/* Why a spare is not used, to follow "disk NAME: ". */
const char *fit_refusal_text (enum seat_refusal refusal);

/* "uuid-differs"; one word for machines. */
const char *fit_reason_word (enum fit_reason reason);

#endif /* MIRROR_MEMBERS_FIT_H */
