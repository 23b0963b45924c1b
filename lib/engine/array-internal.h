/* SPDX-License-Identifier: BSD-3-Clause */
/* array-internal: the array object, for the engine's own files. */
#ifndef MIRROR_ARRAY_INTERNAL_H
#define MIRROR_ARRAY_INTERNAL_H

#include <stdatomic.h>

#include "engine/array.h"
#include "engine/array/hung.h"
#include "engine/array/lost.h"
#include "engine/array/view.h"
#include "engine/io/await.h"
#include "engine/io/bounce.h"
#include "engine/io/flush.h"
#include "engine/record/metadata.h"
#include "engine/record/missed.h"
#include "engine/io/pool.h"
#include "engine/record/quiet.h"
#include "engine/record/witness.h"
#include "engine/io/range-lock.h"
#include "engine/io/request.h"
#include "engine/sync/resync.h"
#include "engine/io/second.h"
#include "engine/io/stable.h"
#include "ground/ground.h"
#include "ground/log.h"
#include "ground/util.h"
#include "legs/leg.h"
#include "logic/badblocks.h"
#include "logic/layout.h"
#include "logic/roster.h"

/* readers, modifiers, failers, joiners, second, the metadata's two, resync's. */
#define ARRAY_GROUPS 8

/* Orders to fail a disk that may wait for the metadata at once, each because of
 * another disk that hangs.
 */
#define ARRAY_FAILERS 4

/* One thread lets disks in by itself. */
#define ARRAY_JOINERS 1

/* Those of the roster, and some that it has forgotten while requests use them.
 */
#define ARRAY_MEMBERS (2 * ROSTER_MAX)

struct array {
  _Atomic bool has_bad_blocks; /* some member has */
  struct metadata *md;  /* NULL: a plain array */
  struct array_opener opener; /* for disks that come while it serves */
  uint64_t spare_delay_ns; /* so long a slot is empty before a spare steps in */
  struct array_limits limits;
  bool bounced;         /* some leg wants aligned memory */
  bool beside;          /* md: its metadata is in a state file, not on the
                           disks: what is written there is stable at once */
  struct witness *witness; /* beside: by what a disk is known again; else NULL */
  uint32_t leg_block;   /* bytes: the largest block of any leg, a sector at
                           least; metadata is written in these */
  uint32_t bounce_size;
  uint32_t mark_size;   /* plain: so many bytes of a member that is being
                           rebuilt are the mark that it is no copy, or 0 */
  void *zeroes;         /* ZERO_BUFFER_SIZE bytes, only read */
  char why_readonly[MESSAGE_MAX]; /* limits.why_readonly */

  struct range_locks ranges;
  struct flush_rounds flushes;
  struct stables stables;
  struct pool pool;     /* children of first attempts */
  struct pool retries;  /* kept for retries and their like */
  struct requests readers, modifiers;
  struct requests failers; /* whoever fails a disk by order: the others may all be
                              stuck on it */
  struct requests joiners; /* whoever lets a disk in by itself: the others may all
                              wait for another disk that he seeks */
  struct missed missed; /* plain: by disks that come back */
  uint64_t quarantine_ns; /* QUARANTINE_MS; tests: less */
  struct bounce read_bounces, write_bounces;

  /* Brings together what may differ before it is read (sync/resync.h); NULL: a
   * plain array.
   */
  void (*before_read) (struct request *request, uint64_t offset,
                       uint64_t length);

  /* What runs in the background, from array_begin_threads on. */
  struct quiet quiet; /* md arrays only */
  struct hung hung;   /* from array_watch on; and who goes on with what is
                         stuck: */
  struct second second;
  struct resync resync;
  _Atomic bool may_write;
  _Atomic bool writers_came; /* array_allow_writes: before, nobody can have
                                missed anything, and nothing is written */
  struct lost lost;     /* disks that are missed, for ... */
  struct worker rejoin; /* ... who tries to reach them; requests that ... */
  struct await await;   /* ... cannot do without them wait */

  /* All of the array's descriptors. */
  struct requests *group[ARRAY_GROUPS];
  unsigned groups;

  /* Who the members are, and how the data lies on them.  Changed under
   * state_lock only, by who carries out an order if it is no failure; view is
   * for all others, and epoch its number.
   */
  struct ground_mutex state_lock;
  struct layout layout;
  struct roster roster;
  struct member *members[ARRAY_MEMBERS];
  unsigned count;
  bool has_doubts; /* a member was forgotten, by order or since it could not be
                      put on record, whose old server may still carry out what
                      it was sent: nobody knows which disk that is */
  uint64_t empty_since_ns[LEGS_MAX]; /* of each slot; 0: it has somebody */
  struct view *_Atomic view;
  struct views views;
  _Atomic uint64_t epoch;
  _Atomic bool has_remote; /* some target is a remote leg */
  _Atomic uint64_t shrunk; /* the last view that lacks somebody whom the one
                              before had; 1: some slot was empty when we began;
                              0: nobody is out */

  _Atomic bool flush_lost; /* on some member, ever */

  /* A write failed after some current member took it, and others did not:
   * copies may differ there, so everybody reads the first one.
   */
  _Atomic bool reads_pinned;

  /* Plain: where writes failed since there was somebody who may have taken them
   * although he is not in sync.  Bytes of the array, under state_lock;
   * torn_end 0: nowhere.
   */
  uint64_t torn_from, torn_end;

  /* What clients were told of, and people: errors of ... */
  struct log_repeats told_read, told_modify;

  struct slowest slowest; /* requests to members */

  struct ground_mutex change_lock; /* one order at a time; held across I/O, by
                                      those who order and nobody else */

  /* array_quiesce, once. */
  struct ground_mutex stop_lock;
  bool stopped;
  int stop_result;
};

static inline void
member_issued (struct member *member)
{
  atomic_fetch_add_explicit (&member->outstanding, 1, memory_order_relaxed);
}

static inline void
member_answered (struct member *member, const struct child *child, int error)
{
  atomic_fetch_sub_explicit (&member->outstanding, 1, memory_order_relaxed);
  if (error != 0)
    atomic_fetch_add_explicit (&member->errors, 1, memory_order_relaxed);
  else if (child->op == CHILD_READ)
    atomic_fetch_add_explicit (&member->reads, 1, memory_order_relaxed);
  else
    atomic_fetch_add_explicit (&member->writes, 1, memory_order_relaxed);
}

static inline struct member *
request_member (const struct request *request, unsigned place)
{
  return request_view (request)->member[place];
}

/* Is @view not the newest any more? */
static inline bool
view_is_old (const struct array *array, const struct view *view)
{
  return atomic_load (&array->view) != view;
}

/* What was acknowledged before may be lost on some of @places, which are
 * current, and its kernel or server has forgotten: no flush can be believed.
 */
static inline bool
view_flush_is_lost (const struct array *array, const struct view *view,
                    uint32_t places)
{
  return atomic_load (&array->flush_lost)
         && view_flush_is_lost_on (view, places);
}

/* All copies of the byte at array @offset that @view has, in the order of
 * reading: the layout's, but those that are written mostly come last.  At most
 * LEGS_MAX; the number of them.
 */
static inline unsigned
view_copies (const struct view *view, uint64_t offset, struct view_copy *ret)
{
  unsigned count = view->count;

  if (view->layout.level != LEVEL_RAID1)
    count = view_copies_raid10 (view, offset, ret);
  else {
    assert (offset < view->layout.array_size);
    for (unsigned i = 0; i < count; i++)
      ret[i] = (struct view_copy){ view->place[i], offset };
  }
  return view->unfinished == 0
           ? count
           : view_leave_unfinished (view, ret, count);
}

/* How many of @length bytes from array @offset on have all these copies, each
 * in one stretch of its member.  (For reads layout_piece is enough: what is no
 * copy is never read.)
 */
static inline uint64_t
view_piece (const struct view *view, uint64_t offset, uint64_t length)
{
  length = layout_piece (&view->layout, offset, length);
  return view->unfinished == 0
           ? length
           : view_piece_unfinished (view, offset, length);
}

/* Everything but the legs. */
void array_free (struct array *array);

/* What is done in the background may begin.  Like array_allow_writes, but in a
 * plain array, too, which has something to do only when a disk joins it.
 */
int array_begin_threads (struct array *array);

/* Of a plain array: it may be torn there (torn_from).  Takes state_lock. */
static inline void
array_note_torn (struct array *array, uint64_t offset, uint64_t length)
{
  uint64_t end = offset + length;

  ground_mutex_lock (&array->state_lock);
  array->torn_from
    = array->torn_end == 0 ? offset : MIN (array->torn_from, offset);
  array->torn_end = MAX (array->torn_end, end);
  ground_mutex_unlock (&array->state_lock);
}

/* missed_allocate, of a plain array. */
static inline int
array_allocate_missed (struct array *array)
{
  return missed_allocate (&array->missed,
                          MAX (array->layout.array_size,
                               array->layout.member_size),
                          array->leg_block);
}

/* Do the members' superblocks know of everybody who is out? */
static inline bool
array_is_recorded (const struct array *array)
{
  return atomic_load (&array->md->recorded) >= atomic_load (&array->shrunk);
}

/* May any copies differ since a crash? */
static inline bool
array_has_todo (const struct array *array)
{
  return array->md != NULL && atomic_load (&array->md->todo_left) > 0;
}

/* What copies are compared by where they may differ: the least that can be
 * read alone, bytes.  Readers and resync take the same copy for each.
 */
static inline uint64_t
array_block (const struct array *array)
{
  return MAX (array->limits.block_minimum, SECTOR_SIZE);
}

/* How many of @length bytes from @offset of the member's data on can be read,
 * up to the first bad block.
 */
static inline uint64_t
member_good_length (const struct member *member, uint64_t offset,
                    uint64_t length)
{
  uint64_t first = (member->data_offset + offset) / SECTOR_SIZE;
  uint64_t end
    = div_round_up (member->data_offset + offset + length, SECTOR_SIZE);
  struct badblock bad;

  if (member->bad == NULL
      || !badblocks_find (member->bad, first, end - first, &bad))
    return length;
  return bad.start <= first
           ? 0
           : bad.start * SECTOR_SIZE - member->data_offset - offset;
}

#endif /* MIRROR_ARRAY_INTERNAL_H */
