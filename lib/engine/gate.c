/* SPDX-License-Identifier: BSD-3-Clause */
/* gate: requests pass together; closing waits for those inside. */
#include <errno.h>

#include "engine/gate.h"
#include "ground/util.h"

void
gate_init (struct gate *gate)
{
  *gate = (struct gate){ .inside = 0 };
  ground_mutex_init (&gate->lock);
  ground_cond_init (&gate->empty);
}

void
gate_destroy (struct gate *gate)
{
  assert (gate->inside == 0);
  ground_cond_destroy (&gate->empty);
  ground_mutex_destroy (&gate->lock);
}

int
gate_enter (struct gate *gate)
{
  int r = 0;

  ground_mutex_lock (&gate->lock);
  if (gate->closed)
    r = -ESHUTDOWN;
  else {
    gate->inside++;
    gate->entered++;
  }
  ground_mutex_unlock (&gate->lock);
  return r;
}

void
gate_leave (struct gate *gate)
{
  ground_mutex_lock (&gate->lock);
  assert (gate->inside > 0);
  gate->inside--;
  if (gate->inside == 0 && gate->closed)
    ground_cond_broadcast (&gate->empty);
  ground_mutex_unlock (&gate->lock);
}

void
gate_close (struct gate *gate)
{
  ground_mutex_lock (&gate->lock);
  gate->closed = true;
  ground_mutex_unlock (&gate->lock);
}

int
gate_drain (struct gate *gate, uint64_t deadline_ns)
{
  int r = 0;

  ground_mutex_lock (&gate->lock);
  while (gate->inside > 0 && r == 0)
    r = ground_cond_wait (&gate->empty, &gate->lock, deadline_ns);
  if (gate->inside == 0)
    r = 0;
  ground_mutex_unlock (&gate->lock);
  return r;
}

uint64_t
gate_entered (struct gate *gate)
{
  uint64_t entered;

  ground_mutex_lock (&gate->lock);
  entered = gate->entered;
  ground_mutex_unlock (&gate->lock);
  return entered;
}
