/* SPDX-License-Identifier: BSD-3-Clause */
/* await: requests wait for a disk that holds the only copy and is not reached. */
#include "engine/array-internal.h"
#include "engine/io/await.h"
#include "ground/util.h"

void
await_init (struct await *await, uint64_t timeout_ns)
{
  *await = (struct await){ .timeout_ns = timeout_ns };
  ground_mutex_init (&await->lock);
  ground_cond_init (&await->changed);
}

void
await_destroy (struct await *await)
{
  ground_cond_destroy (&await->changed);
  ground_mutex_destroy (&await->lock);
}

void
await_wake (struct await *await)
{
  ground_mutex_lock (&await->lock);
  ground_cond_broadcast (&await->changed);
  ground_mutex_unlock (&await->lock);
}

/* Has some data no copy that is reached? */
static bool
lacks_disk (struct array *array)
{
  const struct view *view;
  uint32_t reached = 0;
  bool lacks = false;

  ground_mutex_lock (&array->state_lock);
  view = atomic_load (&array->view);
  for (uint32_t left = view->in_sync; left != 0; left &= left - 1)
    if (!member_is_lost (view->member[__builtin_ctz (left)]))
      reached |= left & -left;
  for (unsigned i = 0; i < view->groups; i++)
    lacks |= (view->group[i] & reached) == 0;
  ground_mutex_unlock (&array->state_lock);
  return lacks;
}

static bool
is_hopeless (struct array *array, uint64_t deadline_ns)
{
  return requests_are_closed (&array->modifiers)
         || ground_now () >= deadline_ns;
}

/* Is one back since the request was sent? */
static bool
is_back (struct await *await, struct awaited *awaited)
{
  unsigned before = awaited->back;

  awaited->back = atomic_load (&await->back);
  return awaited->back != before;
}

bool
await_wait (struct array *array, struct awaited *awaited)
{
  struct await *await = &array->await;
  bool was_back, lacks;

  if (await->timeout_ns == 0)
    return false;
  was_back = is_back (await, awaited);
  lacks = lacks_disk (array);
  if (!lacks && !was_back)
    return false;
  if (awaited->deadline_ns == 0)
    awaited->deadline_ns = ground_now () + await->timeout_ns;
  ground_mutex_lock (&await->lock);
  while ((lacks = lacks_disk (array))
         && !is_hopeless (array, awaited->deadline_ns))
    ground_cond_wait (&await->changed, &await->lock, awaited->deadline_ns);
  ground_mutex_unlock (&await->lock);
  is_back (await, awaited);
  return !lacks && ground_now () < awaited->deadline_ns;
}
