/* SPDX-License-Identifier: BSD-3-Clause */
/* gate: requests pass together; closing keeps new ones out and waits for
 * those inside.
 *
 * Locks: one mutex, a leaf.  May block: gate_drain, until its deadline.
 */
#ifndef MIRROR_GATE_H
#define MIRROR_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "ground/ground.h"

struct gate {
  struct ground_mutex lock;
  struct ground_cond empty;
  unsigned inside;
  uint64_t entered; /* in all */
  bool closed;
};

void gate_init (struct gate *gate);
void gate_destroy (struct gate *gate);

/* 0, or -ESHUTDOWN when closed. */
int gate_enter (struct gate *gate);
void gate_leave (struct gate *gate);

/* How many have entered so far. */
uint64_t gate_entered (struct gate *gate);

/* Idempotent. */
void gate_close (struct gate *gate);

/* Wait until nobody is inside.  0 or -ETIMEDOUT. */
int gate_drain (struct gate *gate, uint64_t deadline_ns);

#endif /* MIRROR_GATE_H */
