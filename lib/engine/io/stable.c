/* SPDX-License-Identifier: BSD-3-Clause */
/* stable: when may it be said that something is on stable storage? */
#include "engine/io/stable.h"
#include "ground/util.h"

void
stables_init (struct stables *stables)
{
  *stables = (struct stables){ .begun = 0 };
  ground_mutex_init (&stables->lock);
  ground_cond_init (&stables->over);
}

void
stables_destroy (struct stables *stables)
{
  assert (stables->first == NULL);
  ground_cond_destroy (&stables->over);
  ground_mutex_destroy (&stables->lock);
}

void
stable_begin (struct stables *stables, struct stable_ticket *ticket)
{
  assert (ticket->number == 0);

  ground_mutex_lock (&stables->lock);
  *ticket = (struct stable_ticket){ .number = ++stables->begun,
                                    .previous = stables->last };
  if (stables->last != NULL)
    stables->last->next = ticket;
  else
    stables->first = ticket;
  stables->last = ticket;
  ground_mutex_unlock (&stables->lock);
}

void
stable_lost (struct stables *stables, uint32_t places)
{
  ground_mutex_lock (&stables->lock);
  for (uint32_t left = places; left != 0; left &= left - 1)
    stables->lost_at[__builtin_ctz (left)] = stables->begun;
  ground_mutex_unlock (&stables->lock);
}

/* Lock held. */
static void
take_off (struct stables *stables, struct stable_ticket *ticket)
{
  if (ticket->next != NULL)
    ticket->next->previous = ticket->previous;
  else
    stables->last = ticket->previous;
  if (ticket->previous != NULL)
    ticket->previous->next = ticket->next;
  else {
    stables->first = ticket->next;
    ground_cond_broadcast (&stables->over);
  }
  ticket->number = 0;
}

uint32_t
stable_end (struct stables *stables, struct stable_ticket *ticket)
{
  uint64_t ours = ticket->number, until;
  uint32_t lost = 0;

  if (ours == 0)
    return 0;
  ground_mutex_lock (&stables->lock);
  take_off (stables, ticket);
  until = stables->begun;
  /* Woken by each that was the first; their children have deadlines. */
  while (stables->first != NULL && stables->first->number <= until)
    ground_cond_wait (&stables->over, &stables->lock, GROUND_NEVER);
  for (unsigned place = 0; place < LEGS_MAX; place++)
    if (stables->lost_at[place] >= ours)
      lost |= 1u << place;
  ground_mutex_unlock (&stables->lock);
  return lost;
}
