/* SPDX-License-Identifier: BSD-3-Clause */
/* bounce: a fixed number of aligned buffers. */
#include <errno.h>
#include <stdlib.h>

#include "engine/io/bounce.h"
#include "ground/limits.h"
#include "ground/util.h"

int
bounce_init (struct bounce *bounce, unsigned total, uint32_t size)
{
  *bounce = (struct bounce){ .total = total, .free = total };
  ground_mutex_init (&bounce->lock);
  ground_cond_init (&bounce->freed);
  if (total == 0)
    return 0;

  assert (is_aligned (size, BOUNCE_ALIGNMENT));
  bounce->buffers = calloc (total, sizeof *bounce->buffers);
  bounce->memory = aligned_alloc (BOUNCE_ALIGNMENT, (size_t)total * size);
  if (bounce->buffers == NULL || bounce->memory == NULL)
    return -ENOMEM;
  for (unsigned i = 0; i < total; i++)
    bounce->buffers[i] = bounce->memory + (size_t)i * size;
  return 0;
}

void
bounce_destroy (struct bounce *bounce)
{
  assert (bounce->free == bounce->total);
  free (bounce->memory);
  free (bounce->buffers);
  ground_cond_destroy (&bounce->freed);
  ground_mutex_destroy (&bounce->lock);
}

void *
bounce_take (struct bounce *bounce)
{
  void *buffer;

  assert (bounce->total > 0);
  ground_mutex_lock (&bounce->lock);
  while (bounce->free == 0)
    ground_cond_wait (&bounce->freed, &bounce->lock, GROUND_NEVER);
  buffer = bounce->buffers[--bounce->free];
  ground_mutex_unlock (&bounce->lock);
  return buffer;
}

void
bounce_give (struct bounce *bounce, void *buffer)
{
  ground_mutex_lock (&bounce->lock);
  assert (bounce->free < bounce->total);
  bounce->buffers[bounce->free++] = buffer;
  ground_mutex_unlock (&bounce->lock);
  ground_cond_signal (&bounce->freed);
}
