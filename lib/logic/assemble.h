/* SPDX-License-Identifier: BSD-3-Clause */
/* assemble: what can be made of these members, and why.
 *
 * Pure.  The superblocks (and bitmap superblocks) of all given members in,
 * one verdict out.  Decides; reads, writes and starts nothing.
 *
 * The rules, in this order:
 *
 *   1. One array: all superblocks have one set_uuid, level, layout and
 *      chunk.  No superblock at all anywhere: a plain array.  A mixture is
 *      refused, and so is whatever sb1_check calls unsupported.  A damaged
 *      superblock makes its member unusable: ignored, never written.  So does
 *      one that cannot be read, unless nobody has a good one: it may be all
 *      that matters.
 *   2. The authority: the most events among members whose own role is a
 *      slot; of two with the same events, the one that says that the other
 *      is gone.
 *   3. Fresh: who has the authority's events or one less (superblocks are
 *      written before the data that depends on them, so who missed just the
 *      last update missed no data), and each has the other in its table.
 *   4. The others are stale.  A stale member whose own table lists none of
 *      the fresh ones in sync ran without them: two histories, a split brain.
 *      So are two with the same events and different tables.
 *   5. Every copy group needs a fresh member that is not being rebuilt.
 */
#ifndef MIRROR_ASSEMBLE_H
#define MIRROR_ASSEMBLE_H

#include <stdbool.h>
#include <stdint.h>

#include "ground/limits.h"
#include "logic/bitmap-disk.h"
#include "logic/layout.h"
#include "logic/sb1.h"

/* Slots can have a replacement besides, and there are spares. */
#define ASSEMBLE_MEMBERS_MAX (2 * LEGS_MAX)

struct assemble_member {
  enum sb1_verdict verdict;
  const struct sb1 *sb; /* GOOD; else not looked at */
  const char *why;      /* what sb1_check said, if not GOOD */
  bool unreadable;      /* DAMAGED, since metadata cannot be read: why */

  /* BITMAP_NONE without a good superblock. */
  enum bitmap_verdict bitmap_verdict;
  uint64_t bitmap_events;  /* BITMAP_GOOD */
  uint64_t events_cleared; /* BITMAP_GOOD */
  const char *bitmap_why;  /* what bitmap_check said, if not GOOD */

  /* The array runs without it: it is not of today, whatever the superblocks
   * say.
   */
  bool is_out;

  /* It left this history and no other: who asks still has the superblock that
   * was stored there last, and it is that.
   */
  bool is_ours;

  /* For seats. */
  uint32_t bitmap_chunk; /* BITMAP_GOOD, BITMAP_OUTDATED */
  bool readonly;         /* its disk cannot be written */
};

/* What a member is to the array. */
enum part {
  PART_IN_SYNC,
  PART_RECOVERING,   /* has a slot, and holds its data below recovery */
  PART_REPLACEMENT,  /* being filled to take the slot over */
  PART_SPARE,
  PART_FAULTY,       /* the authority has it on record as failed */
  PART_STALE_BITMAP, /* missed writes; the bitmap knows which */
  PART_STALE,        /* missed writes: all must be copied */
  PART_SPLIT,        /* ran on its own: another history */
  PART_FOREIGN,      /* of another array */
  PART_UNUSABLE,     /* no metadata that can be believed */
};

/* Why the bitmap does not know what a member missed. */
enum gap {
  GAP_NONE, /* it knows, or nobody asked */
  GAP_NO_BITMAP,
  GAP_OUTDATED,   /* no bitmap can be believed */
  GAP_EVENTS,     /* it left before what the bitmap reaches back to */
  GAP_HISTORY,    /* it may have run beside one that was overwritten since */
  GAP_SHAPE,      /* other size, other number of slots */
  GAP_INCOMPLETE, /* it was being rebuilt, and not by bitmap */
  GAP_TAKEN,      /* another one has its slot or its number */
};

#define ASSEMBLE_NO_SLOT UINT32_MAX

struct assemble_part {
  enum part part;
  unsigned slot; /* or ASSEMBLE_NO_SLOT */
  uint64_t recovery_offset; /* RECOVERING, REPLACEMENT: sectors rebuilt */
  bool by_bitmap; /* RECOVERING: only what the bitmap says is missing */
  enum gap gap;   /* STALE, FAULTY */
};

enum assemble_result {
  ASSEMBLE_START,
  ASSEMBLE_PLAIN,   /* no md superblock on any member */
  ASSEMBLE_REFUSED, /* these members are not, or no more, for us */
  ASSEMBLE_FAILED,  /* too few good members */
  ASSEMBLE_SPLIT,   /* the user must say which history to keep */
};

struct assembly {
  enum assemble_result result;
  unsigned culprit; /* not START: the member, or the number of members */
  char why[MESSAGE_MAX]; /* not START: what is wrong, to follow the culprit's
                            name or the array's */

  /* REFUSED: reading would be safe all the same, and what follows is set. */
  bool readable;

  /* All below: START, FAILED and SPLIT. */
  struct assemble_part part[ASSEMBLE_MEMBERS_MAX];
  unsigned authority; /* a member */
  struct layout layout;
  uint64_t events;
  uint32_t in_sync; /* slots */
  uint32_t present; /* slots with any fresh member */
  bool degraded;    /* a slot has no member that is in sync */
  bool recovering;  /* a member is being rebuilt or filled */
  bool dirty;       /* copies may differ from resync_from on */
  uint64_t resync_from; /* array sectors; SB1_CLEAN if not dirty */
  bool bitmap;          /* there is one ... */
  bool bitmap_good;     /* ... and a clear bit of it can be believed */
  uint64_t events_cleared; /* bitmap_good: how far back the bitmap reaches */
};

/* @keep: the member whose history is to be kept if there is a split brain,
 * or -1; the members of the other histories stay PART_SPLIT then.
 * @count is 1..ASSEMBLE_MEMBERS_MAX.
 */
void assemble (const struct assemble_member *members, unsigned count,
               int keep, struct assembly *ret);

/* Do both make arrays of the same sizes?  (The field may differ: mdadm's own is
 * rougher than what Linux puts there later.)  A raid1 has the same for any number
 * of slots.
 */
bool assemble_same_sizes (const struct sb1 *a, const struct sb1 *b);

/* Has the member of @sb room for what @authority says of data and bitmap, and
 * does its data lie as there?
 */
bool assemble_can_follow (const struct assemble_member *authority,
                          const struct sb1 *sb);

/* "in sync", "stale, bitmap", ...; one word for machines. */
const char *assemble_part_text (enum part part);
const char *assemble_part_word (enum part part);

/* Is the member's data part of the array's today (wholly or in part)? */
static inline bool
assemble_part_is_fresh (enum part part)
{
  return part <= PART_REPLACEMENT;
}

#endif /* MIRROR_ASSEMBLE_H */
