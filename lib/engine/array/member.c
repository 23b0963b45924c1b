/* SPDX-License-Identifier: BSD-3-Clause */
/* member: one disk of the array with its leg: made, held, found, let go. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/array/view.h"
#include "ground/util.h"

struct member *
member_new (struct leg *leg)
{
  struct member *member = calloc (1, sizeof *member);

  if (member == NULL)
    return NULL;
  snprintf (member->name, sizeof member->name, "%s", leg->name);
  memcpy (member->identity, leg->identity, sizeof member->identity);
  member->leg = leg;
  member->size = leg->caps.exact_size;
  member->generation = leg_generation (leg);
  member->since_utc_us = ground_utc_us ();
  return member;
}

void
member_free (struct member *member)
{
  free (member->super.block);
  free (member->bad);
  free (member);
}

bool
member_is_recovering (const struct member *member)
{
  return atomic_load (&member->standing) == STANDING_WRITTEN;
}

bool
member_is_lost (const struct member *member)
{
  return leg_generation (member->leg) != member->generation;
}

bool
member_is_awaited (const struct member *member)
{
  return atomic_load (&member->standing) == STANDING_READ
         && member_is_lost (member);
}

bool
member_is_cut (const struct member *member)
{
  return member->leg != NULL && member_is_lost (member)
         && atomic_load (&member->outstanding) == 0;
}

void
member_hold (struct member *member)
{
  assert (member->leg != NULL);
  member->users++;
}

void
member_release (struct array *array, struct member *member)
{
  ground_mutex_lock (&array->state_lock);
  assert (member->users > 0);
  member->users--;
  ground_mutex_unlock (&array->state_lock);
  worker_wake (&array->views.closer);
}

struct member *
view_find_member (const struct array *array, uint32_t id)
{
  for (unsigned i = 0; i < array->count; i++)
    if (array->members[i]->id == id)
      return array->members[i];
  return NULL;
}

struct member *
view_member_of (const struct array *array, const struct leg *leg)
{
  for (unsigned i = 0; i < array->count; i++)
    if (array->members[i]->leg == leg)
      return array->members[i];
  return NULL;
}

struct member *
view_next_member (struct array *array, struct member *last,
                  bool (*is) (const struct member *member))
{
  struct member *next = NULL;

  ground_mutex_lock (&array->state_lock);
  for (unsigned i = 0; i < array->count; i++) {
    struct member *member = array->members[i];

    if (member->leg != NULL && (last == NULL || member->id > last->id)
        && (next == NULL || member->id < next->id) && is (member))
      next = member;
  }
  if (next != NULL)
    member_hold (next);
  ground_mutex_unlock (&array->state_lock);
  if (last != NULL)
    member_release (array, last);
  return next;
}
