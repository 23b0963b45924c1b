/* SPDX-License-Identifier: BSD-3-Clause */
/* array-internal: the array object, for the engine's own files. */
#ifndef MIRROR_ARRAY_INTERNAL_H
#define MIRROR_ARRAY_INTERNAL_H

#include <stdatomic.h>

#include "engine/array.h"
#include "engine/io/bounce.h"
#include "engine/io/flush.h"
#include "engine/record/metadata.h"
#include "engine/io/pool.h"
#include "engine/record/quiet.h"
#include "engine/io/range-lock.h"
#include "engine/io/request.h"
#include "engine/sync/resync.h"
#include "engine/io/stable.h"
#include "ground/ground.h"
#include "ground/log.h"
#include "ground/util.h"
#include "legs/leg.h"
#include "logic/badblocks.h"
#include "logic/layout.h"
#include "logic/roster.h"

/* What a leg is to the array: one slot. */
struct member {
  struct leg *leg;     /* NULL: nobody; then in no set of slots below */
  uint64_t data_offset; /* bytes of the leg: where its data begins */
  struct badblocks *bad; /* ours; never to be read.  NULL: none */
  uint64_t generation; /* the leg's connection when it became a member */

  _Atomic unsigned outstanding; /* children under way */
  _Atomic uint64_t head;        /* bytes on the leg: where the last read
                                   ended */
  _Atomic uint64_t reads, writes, errors;

  /* Under array->state_lock. */
  bool told_last_copy;  /* its failure as the last copy was logged */
  bool told_read_error;
};

struct array {
  struct layout layout;
  uint32_t all;         /* mask of all slots */
  bool has_bad_blocks;  /* some member has */
  struct metadata *md;  /* NULL: a plain array */
  struct array_opener opener; /* for disks that come while it serves */
  struct array_limits limits;
  struct member member[LEGS_MAX];
  uint32_t slots_of_rank[LEG_RANKS];
  bool bounced;         /* some leg wants aligned memory */
  uint32_t leg_block;   /* bytes: the largest block of any leg, a sector at
                           least; metadata is written in these */
  uint32_t bounce_size;
  void *zeroes;         /* ZERO_BUFFER_SIZE bytes, only read */
  char why_readonly[MESSAGE_MAX]; /* limits.why_readonly */

  struct range_locks ranges;
  struct flush_rounds flushes;
  struct stables stables;
  struct pool pool;     /* children of first attempts */
  struct pool retries;  /* kept for retries and their like */
  struct requests readers, modifiers;
  struct bounce read_bounces, write_bounces;

  /* Brings together what may differ before it is read (sync/resync.h); NULL: a
   * plain array.
   */
  void (*before_read) (struct request *request, uint64_t offset,
                       uint64_t length);

  /* md arrays only; their threads run from array_allow_writes on. */
  struct quiet quiet;
  struct resync resync;
  _Atomic bool may_write;

  /* The member set.  Changed under state_lock only; in_sync, targets and
   * epoch are copies for those who just look.
   */
  struct ground_mutex state_lock;
  struct roster roster;
  _Atomic uint32_t in_sync;  /* may be read */
  _Atomic uint32_t targets;  /* get every write: these and the recovering */
  _Atomic uint64_t epoch; /* grows before and after each change of in_sync:
                             odd while it changes */

  /* Slots on which a flush failed although they stayed current: what was
   * acknowledged before may be lost there, and its kernel or server has
   * forgotten.  As long as one of them is current no flush can be believed.
   */
  _Atomic uint32_t flush_lost;

  /* Slots whose disks have no flush, as far as it is known. */
  _Atomic uint32_t flush_absent;

  /* Slots on which a flush has succeeded in this run: they can, so that "not
   * supported" is a failure there like any other.
   */
  _Atomic uint32_t flushed;

  /* A write failed after some current member took it, and others did not:
   * copies may differ there, so everybody reads the first one.
   */
  _Atomic bool reads_pinned;

  /* What clients were told of, and people: errors of ... */
  struct log_repeats told_read, told_modify;

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

static inline uint32_t
array_in_sync (const struct array *array)
{
  return atomic_load (&array->in_sync);
}

static inline uint32_t
array_targets (const struct array *array)
{
  return atomic_load (&array->targets);
}

/* The slots whose legs honour CHILD_FUA. */
static inline uint32_t
array_with_fua (const struct array *array)
{
  uint32_t slots = 0;

  for (unsigned slot = 0; slot < array->layout.slots; slot++)
    if (array->member[slot].leg != NULL && array->member[slot].leg->caps.fua)
      slots |= 1u << slot;
  return slots;
}

/* Everything but the legs. */
void array_free (struct array *array);

/* Do the members' superblocks know of everybody who is out? */
static inline bool
array_is_recorded (const struct array *array)
{
  return (array->all & ~array_targets (array)
          & ~atomic_load (&array->md->recorded_out))
         == 0;
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
