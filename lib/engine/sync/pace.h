/* SPDX-License-Identifier: BSD-3-Clause */
/* pace: how fast a job goes, and how many of its spans are in flight.
 *
 * Speed: never faster than the upper rate.  While clients are busy each hand
 * rests as long as its span took, unless that would make the job slower than
 * the lower rate.
 *
 * Width: a job begins with one span in flight and measures how long it takes.
 * While a span takes less than twice as long as one did alone, the disks are
 * waited for more than they are used, as over a link of some milliseconds:
 * then there may be more, first twice as many, later one more.  Where it takes
 * longer, the spans only queue behind one another: a quarter less.  Only spans
 * that began at the present width tell of it.  Back at one, the measurement is
 * made anew.
 * While clients are busy there are at most SYNC_SPANS_BUSY if some disk is
 * remote, and one if all are local, since there each span more is one more
 * request that a client's has to queue behind.
 *
 * The caller holds a lock; nothing here blocks.
 */
#ifndef MIRROR_PACE_H
#define MIRROR_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct array;

struct pace {
  uint64_t minimum, maximum; /* bytes a second */
  unsigned widest;           /* spans in flight at most */
  bool fixed;                /* always that many, for tests */

  uint64_t upper_ns;   /* what was begun so far took until then at the upper */
  uint64_t lower_ns;   /* rate, and at the lower one */
  unsigned width;
  bool steep;          /* it was never too many: it doubles */
  uint64_t changed_ns; /* when @width changed */
  uint64_t alone_ns;   /* how long a span took alone, and its length */
  uint64_t alone_length;
  uint64_t busy_ns;    /* until then clients count as busy */
};

/* One span in flight. */
struct pace_turn {
  uint64_t length;
  uint64_t began_ns;
  uint64_t lower_ns;  /* pace.lower_ns with this span */
  uint64_t served;    /* requests of clients before it */
  bool alone;
  uint64_t rest_ns;   /* after it: no other one before */
};

void pace_init (struct pace *pace, unsigned widest);

/* More than 0.  What was owed at the old rates is forgotten. */
void pace_set_rates (struct pace *pace, uint64_t minimum, uint64_t maximum);

/* Another job, other spans: what one takes alone is to be measured. */
void pace_restart (struct pace *pace);

/* How many spans may be in flight. */
unsigned pace_width (const struct pace *pace, const struct array *array);

/* When the next span may begin after @turn. */
uint64_t pace_due (const struct pace *pace, const struct pace_turn *turn);

/* Around each span.  @alone: no other one is in flight.  @moved: bytes of it
 * that the rates count.
 */
void pace_begin (struct pace *pace, const struct array *array,
                 struct pace_turn *turn, uint64_t length, bool alone);
void pace_end (struct pace *pace, const struct array *array,
               struct pace_turn *turn, uint64_t moved);

#endif /* MIRROR_PACE_H */
