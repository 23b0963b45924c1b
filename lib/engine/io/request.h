/* SPDX-License-Identifier: BSD-3-Clause */
/* request: one client operation, and the children it has under way.
 *
 * Request descriptors are a fixed number, allocated once; who finds none
 * waits, holding nothing.  They are the array's gate, too: once they are
 * closed none is given out any more, and the stop waits until all are back.
 *
 *   FREE --- begin ---> BUSY --- end ---> FREE
 *    |                    |
 *   close            somebody waits
 *    |                    v
 *    v                  WANTED --- end, under the lock ---> FREE or CLOSED
 *   CLOSED
 *
 * Without waiters begin and end take no lock, and a worker finds the
 * descriptor that it had before: no line of memory goes from one processor to
 * another.
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
 * Locks: request->lock is a leaf, taken by the last completion that somebody
 * waits for and by completions that carry an error; requests->lock is one,
 * too, taken by those who wait and for them.  May block: request_begin,
 * request_issue (when the pool is empty; and while an inline leg does its I/O),
 * request_finish.
 */
#ifndef MIRROR_REQUEST_H
#define MIRROR_REQUEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/io/range-lock.h"
#include "engine/io/stable.h"
#include "ground/ground.h"
#include "ground/limits.h"
#include "legs/leg.h"

struct array;
struct member;
struct modification;
struct pool;
struct view;

/* Whatever the state is, one bit marks it: a free request becomes closed, and
 * only the holder of the lock may open it again; a busy one becomes wanted.
 */
enum request_state {
  REQUEST_FREE = 0,
  REQUEST_BUSY = 1,
  REQUEST_CLOSED = 2,
  REQUEST_WANTED = REQUEST_BUSY | REQUEST_CLOSED, /* a thread waits
                                                    for its end */
};

/* request->inside, besides a number that is never the same twice: */
#define REQUEST_OUTSIDE UINT64_C (0)   /* it waits for nothing that may be taken
                                          over */
#define REQUEST_TAKEN UINT64_MAX       /* somebody else does what it is for */

struct request {
  struct array *array;
  _Atomic unsigned state;      /* enum request_state */
  _Atomic uint64_t served;     /* how often it was begun; written by the one
                                  who has it */
  struct view *_Atomic view;   /* pinned (array/view.h); a place is one there */
  struct range_ticket range;   /* modifying requests; rarely reads */
  struct stable_ticket stable; /* a flush, or FUA */

  /* What others may do for it (io/second.h), while its thread waits for a disk,
   * perhaps inside the kernel.
   */
  bool is_offered;              /* this round may be taken over: it only sends
                                   data */
  bool is_taken;                /* it was: no more is sent, and whoever has taken
                                   it has ended what it held */
  unsigned map;                 /* plain: of missed_begin */
  const struct modification *whole;
  _Atomic uint64_t inside;
  uint64_t entries;
  struct member *_Atomic inside_of; /* that somebody else gives back a child of
                                       this one; or NULL */
  const struct request *stands_in;  /* for this one, whose range is locked */
  bool is_done;                 /* under lock: taken, and done, with ... */
  int result;                   /* ... this */

  _Atomic unsigned remaining;  /* children under way + the submitter */
  bool timed;                  /* its children are, whatever leg they go to */
  uint32_t queued;             /* places issued to but not kicked off, */
  unsigned queued_children;    /* and at most so many children of them */
  uint32_t unread;             /* remote places that nobody may read the answers
                                  of yet */
  struct pool *pool;           /* where this round's children come from */

  struct ground_mutex lock;
  struct ground_cond answered;
  bool all_answered;           /* remaining reached zero */
  uint32_t asked;              /* places that had a child in this round */
  uint32_t failed;             /* places with an error in this round */
  int error[LEGS_MAX];         /* the worst one of each */
  uint64_t generation[LEGS_MAX]; /* and the connection it came from */
  uint64_t failed_from[LEGS_MAX]; /* failed children of each lie in between, */
  uint64_t failed_end[LEGS_MAX];  /* bytes of the leg */
  unsigned issued[LEGS_MAX];      /* children of each in this round, and which
                                     of them failed: a bit for each, modulo */
  uint32_t failed_children[LEGS_MAX];
  bool repeats;                   /* this round, only these of the last one: */
  uint32_t repeated[LEGS_MAX];
  uint32_t failed_tags;        /* tags (below 32) of failed children */
#ifdef MIRROR_PLANT_GATHER
  struct child *gathered;
#endif
};

/* A fixed number of descriptors. */
struct requests {
  struct ground_mutex lock; /* of those who wait; changes closed */
  struct ground_cond freed; /* a descriptor that was WANTED is not busy */
  _Atomic bool closed;
  struct request *items;
  unsigned total;
};

/* 0 or -ENOMEM; requests_destroy follows in any case. */
int requests_init (struct requests *requests, unsigned total,
                   struct array *array);
void requests_destroy (struct requests *requests);

/* A descriptor for the caller alone, with the newest view.  0, or -ESHUTDOWN
 * once they are closed.
 */
int request_begin (struct requests *requests, struct request **ret);
void request_end (struct requests *requests, struct request *request);

/* @request, which has no child under way, works with the newest view from now
 * on.
 */
void request_pin_newest (struct request *request);

/* Free descriptors let go of @view.  True: some that are in use have it; each
 * of them wakes array->views.closer when it ends.
 */
bool requests_release_view (struct requests *requests,
                            const struct view *view);

/* From now on none begins.  Idempotent. */
void requests_close (struct requests *requests);

/* Has the stop begun? */
static inline bool
requests_are_closed (const struct requests *requests)
{
  return atomic_load (&requests->closed);
}

/* After requests_close: until all have ended.  0 or -ETIMEDOUT. */
int requests_drain (struct requests *requests, uint64_t deadline_ns);

/* For those who just look: how many have begun so far, how many descriptors
 * are free.
 */
uint64_t requests_served (const struct requests *requests);
unsigned requests_free_count (const struct requests *requests);

/* What it has pinned. */
static inline const struct view *
request_view (const struct request *request)
{
  return atomic_load_explicit (&request->view, memory_order_relaxed);
}

/* Begin a round whose children come from @pool. */
void request_arm (struct request *request, struct pool *pool);

/* The same, for those of @places only, which failed in the round before: their
 * new answers count, and the others' old ones.
 */
void request_arm_again (struct request *request, struct pool *pool,
                        uint32_t places);

/* The same, for the same children: of those that are issued in the same order
 * again, only the ones that failed are.  (Of many, perhaps some more.)
 */
void request_arm_repeat (struct request *request, struct pool *pool,
                         uint32_t places);

/* What a child is to do: the fields are those of struct child, without what
 * only legs need.
 */
struct child_spec {
  enum child_op op;
  uint32_t flags;
  uint64_t offset, length;
  void *buffer;
  struct extent *extents;
  unsigned extents_max;
  unsigned tag; /* below 32 */
};

/* Send @what to the leg at @place.  The offset counts from the member's data;
 * _raw: from the beginning of the leg.
 */
void request_issue (struct request *request, unsigned place,
                    const struct child_spec *what);
void request_issue_raw (struct request *request, unsigned place,
                        const struct child_spec *what);

/* End the round: all children have answered when this returns.  @failed,
 * @error and @failed_tags tell how.
 */
void request_finish (struct request *request);

/* By who has the request: from now on its rounds send nothing but data, and may be
 * taken over; until request_keep.
 */
static inline void
request_offer (struct request *request)
{
  request->is_done = false;
  request->is_offered = true;
}

static inline void
request_keep (struct request *request)
{
  request->is_offered = false;
}

/* By another thread: the request, which was seen to be @inside, is the caller's
 * to do.  False: it was not there any more.
 */
bool request_take (struct request *request, uint64_t inside);

/* And it is done; what it held is given back. */
void request_taken_done (struct request *request, int result);

/* By who has it, once it knows that it is_taken: until that is done. */
int request_wait_taken (struct request *request);

/* Did a child of @place fail in [@offset, @offset + @length) of the member's
 * data?  Only where failures lie is remembered, from the first to the last, so
 * this may be true where it did not.
 */
bool request_failed_in (const struct request *request, unsigned place,
                        uint64_t offset, uint64_t length);

#endif /* MIRROR_REQUEST_H */
