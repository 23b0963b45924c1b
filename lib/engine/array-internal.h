/* SPDX-License-Identifier: BSD-3-Clause */
/* array-internal: the array object, for the engine's own files. */
#ifndef MIRROR_ARRAY_INTERNAL_H
#define MIRROR_ARRAY_INTERNAL_H

#include <stdatomic.h>

#include "engine/array.h"
#include "engine/bounce.h"
#include "engine/flush.h"
#include "engine/gate.h"
#include "engine/pool.h"
#include "engine/range-lock.h"
#include "engine/request.h"
#include "ground/ground.h"
#include "legs/leg.h"
#include "logic/health.h"
#include "logic/layout.h"

/* What a leg is to the array: one slot. */
struct member {
  struct leg *leg;
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
  struct array_limits limits;
  struct member member[LEGS_MAX];
  uint32_t slots_of_rank[LEG_RANKS];
  bool bounced;         /* some leg wants aligned memory */
  uint32_t bounce_size;
  void *zeroes;         /* ZERO_BUFFER_SIZE bytes, only read */

  struct gate gate;
  struct range_locks ranges;
  struct flush_rounds flushes;
  struct pool pool;     /* children of first attempts */
  struct pool retries;  /* kept for retries and their like */
  struct requests readers, modifiers;
  struct bounce read_bounces, write_bounces;

  /* The member set.  Changed under state_lock only; in_sync and epoch are
   * copies for those who just look.
   */
  struct ground_mutex state_lock;
  struct health health;
  _Atomic uint32_t in_sync;
  _Atomic uint64_t epoch; /* grows before and after each change of in_sync:
                             odd while it changes */

  /* Slots on which a flush failed although they stayed current: what was
   * acknowledged before may be lost there, and its kernel or server has
   * forgotten.  As long as one of them is current no flush can be believed.
   */
  _Atomic uint32_t flush_lost;

  /* A write failed after some current member took it, and others did not:
   * copies may differ there, so everybody reads the first one.
   */
  _Atomic bool reads_pinned;

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
array_in_sync (struct array *array)
{
  return atomic_load (&array->in_sync);
}

#endif /* MIRROR_ARRAY_INTERNAL_H */
