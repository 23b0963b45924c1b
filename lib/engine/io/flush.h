/* SPDX-License-Identifier: BSD-3-Clause */
/* flush: what was acknowledged reaches stable storage on every member. */
#ifndef MIRROR_FLUSH_H
#define MIRROR_FLUSH_H

#include <stdbool.h>
#include <stdint.h>

#include "ground/ground.h"

struct array;
struct member;
struct pool;
struct request;

/* One round of flushes at a time.  The lock is not held across I/O. */
struct flush_rounds {
  struct ground_mutex lock;
  struct ground_cond over; /* a round is */
  bool running;
  uint64_t started; /* the number of the last round */
  uint32_t wanted;  /* places of the next one */
  uint64_t failed;  /* the last round that did, 0: none; and why */
  int error;
};

void flush_rounds_init (struct flush_rounds *rounds);
void flush_rounds_destroy (struct flush_rounds *rounds);

/* Before the first child of @request with CHILD_FUA, and after failure_settle,
 * which gave @r: what failed on members that stay current may be all that is
 * ever heard of something else that they lost, so no flush succeeds as long as
 * one of them is current.  @r, or -EIO if something may have been lost while
 * it was made stable.  Blocks on others' flushes and FUA.
 */
void flush_fua_begin (struct request *request);
int flush_fua_settle (struct request *request, int r);

/* @member, in @slot, has no flush: what clients flush may be lost on it.  Said
 * once.
 */
void flush_absent (struct member *member, unsigned slot);

/* Flush @places (and perhaps others that somebody else wants flushed), all at
 * once, with children of @pool, and wait.  A member whose flush failed is out
 * of the array when this returns, or stays, since no other copy's flush
 * succeeded, and makes every later flush fail.  0, or -errno for the client.
 * @request may have a newer view afterwards.  Blocks on a round that is under
 * way, then on I/O.
 */
int flush_members (struct request *request, uint32_t places,
                   struct pool *pool);

/* The same for those of @places whose legs have no FUA: they were written to,
 * and it has to last.
 */
int flush_where_no_fua (struct request *request, uint32_t places,
                        struct pool *pool);

#endif /* MIRROR_FLUSH_H */
