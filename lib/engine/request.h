/* SPDX-License-Identifier: BSD-3-Clause */
/* request: one client operation, and the children it has under way.
 *
 * Request descriptors are a fixed number, allocated once; whoever finds none
 * waits, holding nothing.
 *
 * A round of I/O:
 *
 *   request_arm      remaining = 1: the submitter's own reference
 *   request_issue    take a child, remaining++, issue it, at once
 *   ...
 *   request_finish   drop the submitter's reference; wait for the last ack
 *
 * The counter cannot reach zero while the submitter still adds children, so
 * a child may complete at any time, even before request_issue returns.
 *
 * Locks: request->lock is a leaf, taken by the last completion and by
 * completions that carry an error.  May block: request_take, request_issue
 * (when the pool is empty; and while an inline leg does its I/O),
 * request_finish.
 */
#ifndef MIRROR_REQUEST_H
#define MIRROR_REQUEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/range-lock.h"
#include "ground/ground.h"
#include "ground/limits.h"
#include "legs/leg.h"

struct array;
struct pool;

struct request {
  struct array *array;
  struct request *next;        /* in the list of free ones */
  struct range_ticket range;   /* modifying requests; rarely reads */

  _Atomic unsigned remaining;  /* children under way + the submitter */
  uint32_t queued;             /* slots issued to but not kicked off */
  struct pool *pool;           /* where this round's children come from */

  struct ground_mutex lock;
  struct ground_cond answered;
  bool all_answered;           /* remaining reached zero */
  uint32_t asked;              /* slots that had a child in this round */
  uint32_t failed;             /* slots with an error in this round */
  int error[LEGS_MAX];         /* the first one of each */
  uint64_t generation[LEGS_MAX]; /* and the connection it came from */
  uint32_t failed_tags;        /* tags (below 32) of failed children */
#ifdef MIRROR_PLANT_GATHER
  struct child *gathered;
#endif
};

/* A fixed number of descriptors. */
struct requests {
  struct ground_mutex lock;
  struct ground_cond freed;
  struct request *items, *free;
  unsigned total, free_count;
};

/* 0 or -ENOMEM; requests_destroy follows in any case. */
int requests_init (struct requests *requests, unsigned total,
                   struct array *array);
void requests_destroy (struct requests *requests);
struct request *request_take (struct requests *requests);
void request_give (struct requests *requests, struct request *request);
unsigned requests_free_count (struct requests *requests);

/* Begin a round whose children come from @pool. */
void request_arm (struct request *request, struct pool *pool);

/* Send @what (op, flags, offset, length, buffer, extents, tag below 32) to
 * the leg of @slot.  The offset counts from the member's data; _raw: from
 * the beginning of the leg.
 */
void request_issue (struct request *request, unsigned slot,
                    const struct child *what);
void request_issue_raw (struct request *request, unsigned slot,
                        const struct child *what);

/* End the round: all children have answered when this returns.  @failed,
 * @error and @failed_tags tell how.
 */
void request_finish (struct request *request);

#endif /* MIRROR_REQUEST_H */
