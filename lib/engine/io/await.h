/* SPDX-License-Identifier: BSD-3-Clause */
/* await: requests wait for a disk that holds the only copy and is not reached.
 *
 * For those who prefer to wait for a server that restarts to an error
 * (no-leg-timeout=).  Who waits holds a descriptor and its range, and perhaps a
 * bounce buffer; nobody who brings the disk back needs any of them.
 *
 * Locks: its own; state_lock is taken inside.
 */
#ifndef MIRROR_AWAIT_H
#define MIRROR_AWAIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ground/ground.h"

struct array;

struct await {
  struct ground_mutex lock;
  struct ground_cond changed;
  uint64_t timeout_ns; /* 0: nobody waits */
  _Atomic unsigned back; /* how often one came back */
};

void await_init (struct await *await, uint64_t timeout_ns);
void await_destroy (struct await *await);

/* A disk may be back, or the array stops. */
void await_wake (struct await *await);

/* A last copy has another connection: what failed on the old one may succeed
 * there.
 */
static inline void
await_note_back (struct await *await)
{
  atomic_fetch_add (&await->back, 1);
}

/* Of one request, from before it is sent on. */
struct awaited {
  uint64_t deadline_ns; /* 0: it has not waited */
  unsigned back;        /* await->back of then */
};

static inline struct awaited
await_begin (struct await *await)
{
  return (struct awaited){ .back = atomic_load (&await->back) };
}

/* A request has failed with @error.  True: a disk was not reached that it needs,
 * and is back: once more.  Blocks until then, or the stop, or its deadline.
 */
bool await_wait (struct array *array, struct awaited *awaited);

static inline bool
await_disk (struct array *array, int error, struct awaited *awaited)
{
  return error < 0 && await_wait (array, awaited);
}

#endif /* MIRROR_AWAIT_H */
