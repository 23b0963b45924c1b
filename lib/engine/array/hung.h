/* SPDX-License-Identifier: BSD-3-Clause */
/* hung: local disks that do not answer: noticed, told, and let go. */
#ifndef MIRROR_HUNG_H
#define MIRROR_HUNG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "ground/worker.h"
#include "legs/leg.h"

struct array;

struct hung {
  struct worker worker;
  _Atomic bool asleep;          /* whoever begins something wakes it */
  _Atomic uint64_t give_up_ns;  /* from then on who is busy is given up; or
                                   GROUND_NEVER */
};

void hung_init (struct hung *hung);
void hung_destroy (struct hung *hung);
int hung_start (struct array *array);
void hung_stop (struct array *array);

/* Who still owes an answer at @deadline_ns gets no more time; GROUND_NEVER: all
 * the time that it wants.
 */
void hung_set_deadline (struct array *array, uint64_t deadline_ns);

/* Something has begun, and may take long. */
static inline void
hung_look (struct hung *hung)
{
  if (atomic_load (&hung->asleep))
    worker_wake (&hung->worker);
}

/* Right before @child is issued, when all that is known of it is in it: by this
 * the thread sees, without a lock, whether it is still the same one.
 */
static inline void
hung_note (struct child *child)
{
  uint32_t last = atomic_load_explicit (&child->serial, memory_order_relaxed);

  atomic_store_explicit (&child->serial, last + 1, memory_order_release);
}

#endif /* MIRROR_HUNG_H */
