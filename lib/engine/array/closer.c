/* SPDX-License-Identifier: BSD-3-Clause */
/* closer: the thread that closes legs which no view names any more.
 *
 * A leg's close may wait for its threads and its server, so it is done here,
 * with nothing held; nobody waits for it but the stop.  A leg that would wait for
 * the kernel is left until it does not, so that it keeps the others from nothing.
 */
#include <string.h>

#include "engine/array-internal.h"
#include "engine/array/closer.h"
#include "engine/sync/job.h"
#include "ground/util.h"

bool
closer_is_doubtful (const struct member *member)
{
  struct leg *leg = member->leg;
  const struct leg_end *end;

  if (leg == NULL)
    return member->is_doubtful;
  if (atomic_load (&member->quarantine_ns) != 0)
    return true;
  end = leg_end (leg);
  return leg->rank == LEG_REMOTE && member_is_lost (member)
         && end->writes_in_flight && !end->by_peer;
}

static bool
is_inside (struct leg *leg)
{
  return leg->ops->is_inside != NULL && leg->ops->is_inside (leg);
}

/* A leg that no view names, for us to close; NULL: none.  A member that the
 * roster has forgotten goes with it: *@ret_gone.  *@ret_left: some are for later.
 * state_lock held.
 */
static struct leg *
take_unused (struct array *array, struct member **ret_gone, bool *ret_left)
{
  for (unsigned i = 0; i < array->count; i++) {
    struct member *member = array->members[i];
    struct leg *leg = member->leg;
    bool is_known = roster_find (&array->roster, member->id) != NULL;

    if (member->users > 0 || (leg == NULL && is_known))
      continue;
    if (leg != NULL && is_inside (leg)) {
      *ret_left = true;
      continue;
    }
    if (leg != NULL)
      member->is_doubtful = closer_is_doubtful (member);
    member->leg = NULL;
    *ret_gone = is_known ? NULL : member;
    if (!is_known) {
      array->has_doubts |= member->is_doubtful && !member->has_heir;
      array->count--;
      memmove (&array->members[i], &array->members[i + 1],
               (array->count - i) * sizeof array->members[0]);
    }
    return leg;
  }
  *ret_gone = NULL;
  return NULL;
}

/* True: some are left. */
static bool
close_unused (struct array *array)
{
  bool left;

  struct member *gone;
  struct leg *leg;

  do {
    left = false;
    ground_mutex_lock (&array->state_lock);
    view_collect (array);
    leg = take_unused (array, &gone, &left);
    ground_mutex_unlock (&array->state_lock);
    if (leg != NULL)
      leg->ops->close (leg);
    if (gone != NULL)
      member_free (gone);
  } while (leg != NULL || gone != NULL);
  return left;
}

static void
be_closer (void *argument)
{
  struct array *array = argument;
  bool left;

  /* Woken by each view that is published, and each descriptor that ends and
   * was waited for; nobody tells when the kernel has answered.
   */
  do {
    /* A rebuild of a member that is gone has its leg, even while it waits. */
    job_look (&array->resync.job);
    left = close_unused (array);
  } while (worker_sleep (&array->views.closer,
                         left ? ground_now () + HUNG_LOOK_NS : GROUND_NEVER));
}

int
closer_start (struct array *array)
{
  return worker_start (&array->views.closer, "mirror-closer", be_closer,
                       array);
}

void
closer_stop (struct array *array)
{
  worker_stop (&array->views.closer);
}
