/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-caller: issue one child to any leg and wait for it; a folder that goes
 * away.
 */
#ifndef MIRROR_LEG_CALLER_H
#define MIRROR_LEG_CALLER_H

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ground/ground.h"
#include "ground/limits.h"
#include "ground/util.h"
#include "legs/leg.h"
#include "tests/unit/unit.h"

struct call {
  struct child child;
  _Atomic unsigned remaining; /* for who attends */
  struct ground_mutex mutex;
  struct ground_cond cond;
  unsigned times; /* done was called */
  int error;
};

static inline void
call_done (struct child *child, int error)
{
  struct call *call = container_of (child, struct call, child);

  atomic_fetch_sub (&call->remaining, 1);
  ground_mutex_lock (&call->mutex);
  call->times++;
  call->error = error;
  ground_cond_signal (&call->cond);
  ground_mutex_unlock (&call->mutex);
}

static inline void
call_begin (struct call *call, struct leg *leg)
{
  ground_mutex_init (&call->mutex);
  ground_cond_init (&call->cond);
  call->remaining = 1;
  call->times = 0;
  call->error = 1;
  call->child.done = call_done;
  leg_issue (leg, &call->child);
}

/* The driver wakes us: that it always does is what is tested. */
static inline int
call_wait (struct call *call)
{
  ground_mutex_lock (&call->mutex);
  while (call->times == 0)
    ground_cond_wait (&call->cond, &call->mutex, GROUND_NEVER);
  ground_mutex_unlock (&call->mutex);
  ground_cond_destroy (&call->cond);
  ground_mutex_destroy (&call->mutex);
  UNIT_CHECK (call->times == 1, "done called %u times", call->times);
  return call->error;
}

/* As who has nothing else to wait for, where a leg makes that different. */
static bool calls_attend;

static inline void
call_go (struct call *call, struct leg *leg)
{
  call_begin (call, leg);
  if (calls_attend && leg->ops->attend != NULL)
    leg->ops->attend (&leg, 1, &call->remaining);
  else
    leg_kickoff (leg);
}

static inline int
call_leg (struct leg *leg, enum child_op op, uint32_t flags, void *buffer,
          uint64_t length, uint64_t offset)
{
  struct call call = { .child = { .op = op,
                                  .flags = flags,
                                  .offset = offset,
                                  .length = length,
                                  .buffer = buffer } };

  call_go (&call, leg);
  return call_wait (&call);
}

static inline int
call_extents (struct leg *leg, uint64_t length, uint64_t offset,
              struct extent *extents, unsigned max, unsigned *ret_count)
{
  struct call call = { .child = { .op = CHILD_EXTENTS,
                                  .offset = offset,
                                  .length = length,
                                  .extents = extents,
                                  .extents_max = max } };
  int r;

  call_go (&call, leg);
  r = call_wait (&call);
  *ret_count = call.child.extents_count;
  return r;
}

/* One random operation on the first @size bytes of @leg, which hold what
 * @model does.  @buffer has CALL_RANDOM_BYTES.
 */
#define CALL_RANDOM_BYTES (256u * 1024)

static inline void
call_random (struct leg *leg, char *model, uint64_t size, char *buffer,
             uint64_t *state)
{
  uint64_t block = leg->caps.block_minimum;
  uint64_t offset = round_down (unit_below (state, size), block);
  uint64_t length
    = unit_below (state, MIN (size - offset, UINT64_C (131072))) + 1;
  bool fua = leg->caps.fua && unit_below (state, 4) == 0;
  uint32_t flags = fua ? CHILD_FUA : 0;
  int r;

  length = MIN (round_up (length, block), size - offset);
  switch (unit_below (state, 5)) {
  case 0:
  case 1:
    for (uint64_t i = 0; i < length; i++)
      buffer[i] = model[offset + i] = unit_random (state);
    r = call_leg (leg, CHILD_WRITE, flags, buffer, length, offset);
    break;
  case 2:
    r = call_leg (leg, CHILD_READ, 0, buffer, length, offset);
    UNIT_CHECK (memcmp (buffer, model + offset, length) == 0,
                "at %" PRIu64 "+%" PRIu64, offset, length);
    break;
  case 3:
    r = call_leg (leg, CHILD_ZERO, flags | CHILD_MAY_TRIM, NULL, length,
                  offset);
    if (r == 0)
      memset (model + offset, 0, length);
    r = r == -EOPNOTSUPP ? 0 : r;
    break;
  default:
    r = call_leg (leg, CHILD_FLUSH, 0, NULL, 0, 0);
    if (r == 0)
      r = call_leg (leg, CHILD_CACHE, 0, NULL, length, offset);
    break;
  }
  UNIT_CHECK (r == 0, "%s", strerror (-r));
}

static inline void
folder_make (char *path, size_t size, const char *parent)
{
  ck_assert_int_lt (snprintf (path, size, "%s/legs-XXXXXX", parent), (int)size);
  ck_assert_ptr_nonnull (mkdtemp (path));
}

static inline int
folder_remove_one (const char *path, const struct stat *st, int type,
                   struct FTW *ftw)
{
  (void)st;
  (void)type;
  (void)ftw;
  return remove (path);
}

static inline void
folder_remove (const char *path)
{
  ck_assert_int_eq (nftw (path, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

#endif /* MIRROR_LEG_CALLER_H */
