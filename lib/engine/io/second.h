/* SPDX-License-Identifier: BSD-3-Clause */
/* second: what a write needs that is done by another thread than its own. */
#ifndef MIRROR_SECOND_H
#define MIRROR_SECOND_H

#include "engine/io/bounce.h"
#include "engine/io/request.h"
#include "ground/worker.h"

struct array;

/* One after the other. */
#define SECOND_REQUESTS 1

struct second {
  struct worker worker;
  struct requests requests;
  struct bounce bounces; /* the others may all be with what is stuck */
};

/* 0 or -ENOMEM; second_destroy follows in any case.  @bounce: bytes; 0: no leg
 * wants aligned memory.
 */
int second_init (struct second *second, struct array *array, uint32_t bounce);
void second_destroy (struct second *second);

/* write.c: @taken is done by the caller, who has @own; what it holds is given
 * back.
 */
void write_second (struct request *own, struct request *taken);

#endif /* MIRROR_SECOND_H */
