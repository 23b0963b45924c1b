/* SPDX-License-Identifier: BSD-3-Clause */
/* bounce: a fixed number of aligned buffers, for legs that want aligned
 * memory (O_DIRECT): nbdkit's buffers never are.
 *
 * A request takes at most one, before its first child, and goes in segments
 * of its size.  Whoever waits here holds no child.
 *
 * Locks: one mutex, a leaf.  May block: bounce_take, until another request
 * ends; remote legs have deadlines, local ones the kernel's.
 */
#ifndef MIRROR_BOUNCE_H
#define MIRROR_BOUNCE_H

#include <stdint.h>

#include "ground/ground.h"

struct bounce {
  struct ground_mutex lock;
  struct ground_cond freed;
  unsigned total, free;
  void **buffers; /* the first @free are not taken */
  char *memory;
};

/* @total buffers of @size bytes (a multiple of BOUNCE_ALIGNMENT).  @total 0:
 * none are ever taken.  0 or -ENOMEM; bounce_destroy follows in any case.
 */
int bounce_init (struct bounce *bounce, unsigned total, uint32_t size);
void bounce_destroy (struct bounce *bounce);

void *bounce_take (struct bounce *bounce);
void bounce_give (struct bounce *bounce, void *buffer);

#endif /* MIRROR_BOUNCE_H */
