/* SPDX-License-Identifier: BSD-3-Clause */
/* metadata: the only writer of superblocks and bitmaps, and the order in which
 * they change.
 *
 * Two classes of metadata, ordered in opposite directions:
 *
 *   protects    bit set, dirty, member recorded as gone
 *               durable on every target BEFORE the data goes out, or before
 *               the reply that depends on it
 *   un-protects bit cleared, clean, checkpoint, member back in sync
 *               written only AFTER the data it vouches for was flushed on
 *               every target
 *
 * One writer at a time, who has the *turn*.  Whoever needs something on
 * record waits for the turn; who gets it does what all the others asked for
 * meanwhile, too, so that many writers share one store (group commit):
 *
 *   writer A   begin: bit 5 -> turn: stores 5 ........|
 *   writer B      begin: bit 9 -> waits ..............| turn: stores 9, 12 ..|
 *   writer C         begin: bit 12 -> waits ..........|......................|
 *
 * Locks: metadata->lock is a leaf, never held across I/O.  The turn is held
 * across I/O: below range locks, above children (of a pool of its own) and
 * flush rounds.
 *
 * All below is for md arrays only, unless said otherwise.
 */
#ifndef MIRROR_METADATA_H
#define MIRROR_METADATA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/io/pool.h"
#include "engine/io/request.h"
#include "engine/record/superblocks.h"
#include "ground/ground.h"
#include "ground/log.h"
#include "logic/bitmap.h"
#include "logic/sb1.h"
#include "logic/todo.h"

struct array;
struct member;
struct members;

/* What the superblocks of the targets say, as far as it is sure:
 *
 *              first store            writers are gone (..._commit_clean)
 *   UNTOUCHED -------------> DIRTY ---------------------> MIXED
 *                             ^ ^                         |   ^
 *                             | +---- a writer comes -----+   | something new
 *                             |       (protect)        stored | is to be stored
 *                             |                           v   |
 *                             +------ a writer comes ---- CLEAN
 *
 * metadata-store.c takes each of these steps.  A store that fails leaves MIXED
 * or DIRTY, from which the next one goes on.
 */
enum metadata_state {
  METADATA_UNTOUCHED, /* nothing was stored in this run */
  METADATA_DIRTY,     /* all of them: dirty */
  METADATA_MIXED,     /* some: clean; so who writes must store dirty first */
  METADATA_CLEAN,     /* all of them: clean, or up to the point in checkpoint */
};

/* The bitmap and the list of what differs, for one size of the array and of
 * regions.
 */
struct metadata_maps {
  bool has_bitmap;
  struct bitmap bitmap;
  uint64_t area_used; /* bytes of its area, whole blocks */
  uint8_t *staging;   /* bitmap pages on their way */
  struct todo todo;
  void *memory;       /* all of this */
  size_t memory_size;
};

struct metadata {
  /* Quiet's, for flushes that nobody with the turn waits for. */
  struct requests flushers; /* one */
  struct pool flush_pool;   /* a child for each slot */

  /* Whoever has the turn. */
  struct requests requests; /* its one descriptor, */
  struct request *request;  /* during the turn */
  struct pool pool;         /* its children: one for each slot */
  struct sb1 truth;         /* what all superblocks say alike */
  struct log_repeats told_store; /* that somebody cannot store it */
  _Atomic bool unstored;    /* a state file could not be written, the last time */

  /* A disk that holds a last copy refused its metadata, the last time: -errno,
   * or 0; who, and since when.
   */
  _Atomic int refused, refused_slot;
  _Atomic uint64_t refused_utc_us;
  bool refused_told;
  bool found_dirty;         /* nobody marked it clean before we began */
  uint32_t seen;            /* slots that had a member in this run: if it is
                               gone it has failed; others were missing */
  const struct member *joining; /* to be recorded as in sync */
  struct checkpoint checkpoint; /* as last written */
  struct bitmap_super head;
  uint64_t area_used;       /* of struct metadata_maps */
  uint8_t *staging;
  void *memory;
  size_t memory_size;

  struct ground_mutex lock; /* for all below */
  struct ground_cond over;  /* a turn is */
  bool busy;                /* somebody has it */
  _Atomic unsigned state;   /* enum metadata_state; changed with the turn */
  _Atomic bool unflushed;   /* it was DIRTY since it was CLEAN, so something may
                               be that a flush has not covered */
  uint64_t writers;         /* modifications under way */
  uint64_t begun;           /* so many have begun, ever */
  uint64_t last_write_ns;
  bool wakes_at_zero;       /* quiet waits for writers to become 0 */
  bool wakes_at_settled;    /* and for a region that has none any more */
  bool has_bitmap;
  struct bitmap bitmap;
  uint64_t stored_sets;     /* those of the bitmap that are durable */
  bool bits_stored;         /* in this run: what the members' bitmaps said
                               together is on all of them */
  struct todo todo;

  /* Copies for those who just look. */
  _Atomic uint64_t recorded;     /* the number of a view: who is not in it is
                                    durably out, say the superblocks of those
                                    who are */
  _Atomic uint32_t recorded_out; /* the slots that were empty in it */
  _Atomic uint64_t todo_left;    /* bytes, whole windows */
};

/* In get_ready, with array->layout, ->limits set: array->md from what was
 * read.  0 or -ENOMEM; metadata_destroy follows in any case, and may be
 * called without.
 */
int metadata_create (struct array *array, const struct members *members);
void metadata_destroy (struct array *array);

/* How much metadata_create allocates, but for the bitmap and the list of what
 * differs, bytes.
 */
uint64_t metadata_memory (unsigned slots);

/* Any array.  A modification of the range is about to be sent out: what
 * protects it is durable when this returns 0.  -errno: it cannot be made so;
 * nothing may be sent.  In either case intent_end follows, after the last
 * child has answered and with the range still locked.  @differ: members may
 * hold different data there now, and all of them are current.
 */
int intent_begin (struct array *array, uint64_t offset, uint64_t length);
void intent_end (struct array *array, uint64_t offset, uint64_t length,
                 bool differ);

/* Any array.  May copies of the range differ since a crash, as far as resync
 * has come?
 */
bool metadata_may_differ (struct array *array, uint64_t offset,
                          uint64_t length);

/* The size of what is brought together at once, bytes. */
uint64_t metadata_window (struct array *array);

/* Any array.  Before a reply that may depend on a member being out: every
 * slot that is out is durably recorded as such when this returns 0, or nothing
 * was written yet that it could have missed.
 */
int metadata_settle (struct array *array);

/* From now on the background may write, as if there had been a write: all who
 * are missing are on record, and it was dirty once in this run.  0 or -errno.
 */
int metadata_activate (struct array *array);

/* What becomes true of the data goes on record: flush, then store.  0 or -errno.
 */

/* Nobody writes: clean, or up to where copies agree.  For quiet's thread, or
 * before it has begun.  -EBUSY: somebody writes, or does again; or it is clean
 * already.
 */
int metadata_commit_clean (struct array *array);

/* How far resync and rebuilds have come. */
int metadata_commit_checkpoint (struct array *array);

/* @member holds everything now: in sync.  -EBUSY: copies differ somewhere, which
 * comes first.
 */
int metadata_commit_join (struct array *array, struct member *member);

/* @member is a target since now: its bitmap and superblock are stored, then all
 * others that name it.  With the turn.  0 or -errno; it may be out all the
 * same.
 */
int metadata_admit (struct array *array, const struct member *member);

/* @member is a spare since now: its bitmap and superblock are stored.  With the
 * turn.  It may be out afterwards.
 */
void metadata_admit_spare (struct array *array, const struct member *member);

/* What the newest view says of its members that is no question of trust goes on
 * record.  0 or -errno.
 */
int metadata_store_now (struct array *array);

/* A state file could not be written: once more, all that is to be there. */
void metadata_try_again (struct array *array);

/* Bytes of the array that the bitmap has set; 0 without one. */
uint64_t metadata_marked (struct array *array);

/* May some disk lack what was written at @offset?  *@length becomes as much as
 * the answer holds for.
 */
bool metadata_is_marked (struct array *array, uint64_t offset,
                         uint64_t *length);

/* A new layout of the same array, with another size or another bitmap. */
struct metadata_plan {
  struct layout layout;
  uint32_t chunk;        /* bytes of a region; 0: no bitmap */
  int32_t bitmap_offset; /* as in a superblock */
  struct {
    uint64_t super_offset, data_size; /* likewise */
  } member[LEGS_MAX];    /* by place */
};

/* The array has this layout, durably, when it returns 0.  No range is locked by
 * others, no copies differ, all targets are in sync, and the caller has the
 * turn.  -errno: it may be anywhere between what was and what was to be, but
 * none of that loses data: a bitmap may be gone.
 */
int metadata_lay (struct array *array, const struct metadata_plan *plan);

/* Memory for maps, all clear.  0 or -ENOMEM.  @size: of the array, bytes;
 * @region_size 0: no bitmap; @block: bytes in which metadata is written.
 */
int metadata_maps_make (uint64_t size, uint64_t region_size, uint32_t block,
                        struct metadata_maps *ret);

/* @maps are those of @md from now on; what it had is the caller's to free.  Lock
 * held.
 */
void metadata_maps_take (struct metadata *md, const struct metadata_maps *maps);

/* The turn, for who has to look at what is on record and change it in one
 * step.
 */
void metadata_begin_turn (struct array *array);
void metadata_end_turn (struct array *array);

/* One period of the bitmap is over: clear the bits that nobody needs, if the
 * array is complete.  For quiet's thread, or before it has begun.
 */
void metadata_sweep (struct array *array);

/* All requests have ended and no more begin, the threads have ended: flush,
 * clear bits, clean.  0, or -errno and the array stays dirty.
 */
int metadata_stop (struct array *array);

/* For who has the turn.  Unless @r says that something went wrong already: who
 * is out goes on record.  @r, or 0 or -errno.
 */
int metadata_record (struct array *array, int r);

/* For who has the turn (metadata-store.c): on stable storage on all targets
 * when they return 0; who could not store it is out.
 */

/* New superblocks, dirty or as @checkpoint (which is NULL if nothing new is
 * known) says, until all targets have them.
 */
int metadata_write_supers (struct array *array, bool dirty,
                           const struct checkpoint *checkpoint);

/* With a state file: EVIDENCE_SIZE bytes for @places. */
int metadata_store_beside (struct array *array, uint32_t places,
                           const uint8_t *evidence);

/* All bits that are set and not stored yet, and those cleared. */
int metadata_store_bits (struct array *array);

/* The bitmap's own superblock. */
int metadata_store_head (struct array *array);

/* Nothing depends on what spares say, and nobody has to wait for them: they get
 * the last update after a commit, and a spare that cannot store it is out.
 */
void metadata_store_spares (struct array *array);
void metadata_store_spare_bitmap (struct array *array,
                                  const struct member *member);

static inline enum metadata_state
metadata_state (const struct metadata *md)
{
  return atomic_load (&md->state);
}

/* Was something stored in this run? */
static inline bool
metadata_is_active (const struct metadata *md)
{
  return metadata_state (md) != METADATA_UNTOUCHED;
}

/* What the fields promise each other in each state.  Lock held. */
void metadata_assert (const struct metadata *md);

/* Copies of what changes under the lock, for those who just look.  Lock
 * held.
 */
void metadata_publish (struct metadata *md);

#endif /* MIRROR_METADATA_H */
