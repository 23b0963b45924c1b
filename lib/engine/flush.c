/* SPDX-License-Identifier: BSD-3-Clause */
/* flush: what was acknowledged reaches stable storage on every member.
 *
 * A flush covers every write acknowledged before it, on any connection: all
 * connections share this engine, and an acknowledged write is on every
 * member that is current.  So flushing the current members, all of them in
 * parallel, is what NBD's multi-conn promises.
 *
 * A failed flush is never tried again and believed: kernels report it once,
 * drop the pages, and say success the next time.  A member whose flush fails
 * has lost something; it is out before the client hears of success.  Where
 * it must stay, as the last copy, no later flush succeeds.
 *
 * Locks held on entry: none.  May block: children of the members.
 */
#include <errno.h>

#include "engine/array-internal.h"
#include "engine/failure.h"
#include "engine/flush.h"
#include "ground/util.h"

int
flush_members (struct request *request, uint32_t slots)
{
  struct array *array = request->array;
  const struct child flush = { .op = CHILD_FLUSH };
  int r;

  request_arm (request, &array->pool);
  for (uint32_t left = slots; left != 0; left &= left - 1)
    request_issue (request, __builtin_ctz (left), &flush);
  request_finish (request);

  /* A leg that cannot flush keeps nothing back: nothing failed. */
  for (uint32_t left = request->failed; left != 0; left &= left - 1)
    if (request->error[__builtin_ctz (left)] == -EOPNOTSUPP)
      request->failed &= ~(left & -left);

  r = failure_settle (request, "a flush");
  if (r < 0 && !leg_error_is_harmless (r))
    atomic_store (&array->flush_lost, true);
  if (atomic_load (&array->flush_lost))
    return -EIO;
  return r;
}

int
array_flush (struct array *array)
{
  struct request *request;
  int r;

  r = gate_enter (&array->gate);
  if (r < 0)
    return r;
  request = request_take (&array->modifiers);
  r = flush_members (request, array_in_sync (array));
  request_give (&array->modifiers, request);
  gate_leave (&array->gate);
  return r;
}
