/* SPDX-License-Identifier: BSD-3-Clause */
/* latency: how long each member takes to answer, and what took longest. */
#include <stdio.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/io/latency.h"
#include "ground/util.h"

void
slowest_init (struct slowest *slowest)
{
  *slowest = (struct slowest){ .floor_ns = SLOW_MIN_NS,
                               .expires_ns = UINT64_MAX };
  ground_mutex_init (&slowest->lock);
}

void
slowest_destroy (struct slowest *slowest)
{
  ground_mutex_destroy (&slowest->lock);
}

/* ----------------------------------------------------------------- slowest */

static const char *
step_of (const struct request *request)
{
  const struct array *array = request->array;

  if (request->pool == &array->pool)
    return "client";
  if (request->pool == &array->retries)
    return "retry";
  return request->pool == &array->resync.pool ? "copy" : "metadata";
}

const char *
latency_op_name (enum child_op op)
{
  static const char *const names[] = { [CHILD_READ] = "read",
                                       [CHILD_WRITE] = "write",
                                       [CHILD_FLUSH] = "flush",
                                       [CHILD_ZERO] = "zero",
                                       [CHILD_EXTENTS] = "extents",
                                       [CHILD_CACHE] = "cache" };

  assert (op < ARRAY_LENGTH (names));
  return names[op];
}

/* Lock held.  What is not recent goes. */
static void
forget_old (struct slowest *slowest, uint64_t now_ns)
{
  unsigned kept = 0;

  for (unsigned i = 0; i < slowest->count; i++)
    if (now_ns - slowest->item[i].end_ns < SLOW_RECENT_S * GROUND_S)
      slowest->item[kept++] = slowest->item[i];
  slowest->count = kept;
}

/* Lock held.  The one that is replaced next. */
static unsigned
find_quickest (const struct slowest *slowest)
{
  unsigned quickest = 0;

  for (unsigned i = 1; i < slowest->count; i++)
    if (slowest->item[i].took_ns < slowest->item[quickest].took_ns)
      quickest = i;
  return quickest;
}

/* Lock held.  When the next one is to be looked at. */
static void
set_floor (struct slowest *slowest)
{
  uint64_t oldest = UINT64_MAX;

  if (slowest->count < ARRAY_SLOWEST) {
    atomic_store (&slowest->floor_ns, SLOW_MIN_NS);
    atomic_store (&slowest->expires_ns, UINT64_MAX);
    return;
  }
  for (unsigned i = 0; i < slowest->count; i++)
    oldest = MIN (oldest, slowest->item[i].end_ns);
  atomic_store (&slowest->floor_ns,
                slowest->item[find_quickest (slowest)].took_ns);
  atomic_store (&slowest->expires_ns, oldest + SLOW_RECENT_S * GROUND_S);
}

static void
note_slow (const struct request *request, const struct child *child,
           uint64_t now_ns)
{
  struct slowest *slowest = &request->array->slowest;
  const struct member *member = child->member;
  struct array_slow item = { .end_ns = now_ns,
                             .took_ns = now_ns - child->issued_ns,
                             .offset = child->offset,
                             .length = child->length,
                             .member = member->id,
                             .op = latency_op_name (child->op),
                             .step = step_of (request) };
  unsigned at;

  snprintf (item.disk, sizeof item.disk, "%s", member->name);
  ground_mutex_lock (&slowest->lock);
  forget_old (slowest, now_ns);
  at = find_quickest (slowest);
  if (slowest->count < ARRAY_SLOWEST)
    slowest->item[slowest->count++] = item;
  else if (item.took_ns > slowest->item[at].took_ns)
    slowest->item[at] = item;
  set_floor (slowest);
  ground_mutex_unlock (&slowest->lock);
}

/* ----------------------------------------------------------------- latency */

static unsigned
bucket_of (uint64_t ns)
{
  unsigned bits = 64 - __builtin_clzll (ns | 1);

  return bits <= ARRAY_LATENCY_FIRST
           ? 0
           : MIN (bits - ARRAY_LATENCY_FIRST,
                  (unsigned)ARRAY_LATENCY_BUCKETS - 1);
}

void
latency_note (const struct request *request, const struct child *child)
{
  const struct slowest *slowest = &request->array->slowest;
  struct member *member = child->member;
  uint64_t now_ns = ground_now (), took_ns = now_ns - child->issued_ns;
  uint64_t weight = member->leg->rank == LEG_REMOTE ? 1 : LATENCY_SAMPLE;
  enum array_latency_op op = child->op == CHILD_READ    ? ARRAY_LATENCY_READ
                             : child->op == CHILD_FLUSH ? ARRAY_LATENCY_FLUSH
                                                        : ARRAY_LATENCY_WRITE;

  atomic_fetch_add_explicit (&member->latency.bucket[op][bucket_of (took_ns)],
                             weight, memory_order_relaxed);
  atomic_fetch_add_explicit (&member->latency.sum_ns[op], weight * took_ns,
                             memory_order_relaxed);
  if (took_ns >= SLOW_MIN_NS
      && (took_ns > atomic_load (&slowest->floor_ns)
          || now_ns >= atomic_load (&slowest->expires_ns)))
    note_slow (request, child, now_ns);
}

/* ----------------------------------------------------------------- looking */

unsigned
array_get_slowest (struct array *array, struct array_slow ret[ARRAY_SLOWEST])
{
  struct slowest *slowest = &array->slowest;
  unsigned count;

  ground_mutex_lock (&slowest->lock);
  forget_old (slowest, ground_now ());
  set_floor (slowest);
  count = slowest->count;
  memcpy (ret, slowest->item, count * sizeof *ret);
  ground_mutex_unlock (&slowest->lock);
  return count;
}
