/* SPDX-License-Identifier: BSD-3-Clause */
/* latency: how long each member takes to answer, and what took longest.
 *
 * Timed is every child of a remote leg: there two looks at the clock are
 * nothing.  A local disk through the page cache answers in about a microsecond,
 * of which they would be 3 to 6 %; and when each of several answers that were
 * asked at once costs one more system call.  So of those every LATENCY_SAMPLEth
 * request is timed, and counts for as many.
 *
 * Locks: slowest.lock, a leaf, for what took longer than what it has.  Does not
 * block.
 */
#ifndef MIRROR_LATENCY_H
#define MIRROR_LATENCY_H

#include <stdatomic.h>
#include <stdint.h>

#include "engine/array.h"
#include "ground/ground.h"
#include "legs/leg.h"

struct member;
struct request;

/* Of one member. */
struct latency {
  _Atomic uint64_t bucket[ARRAY_LATENCY_OPS][ARRAY_LATENCY_BUCKETS];
  _Atomic uint64_t sum_ns[ARRAY_LATENCY_OPS];
};

/* Of an array. */
struct slowest {
  struct ground_mutex lock;
  _Atomic uint64_t floor_ns;   /* what took no longer needs not be looked at, */
  _Atomic uint64_t expires_ns; /* until then */
  unsigned count;
  struct array_slow item[ARRAY_SLOWEST];
};

void slowest_init (struct slowest *slowest);
void slowest_destroy (struct slowest *slowest);

/* One word, constant. */
const char *latency_op_name (enum child_op op);

/* A child that was timed (child->issued_ns) has answered. */
void latency_note (const struct request *request, const struct child *child);

#endif /* MIRROR_LATENCY_H */
