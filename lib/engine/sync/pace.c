/* SPDX-License-Identifier: BSD-3-Clause */
/* pace: how fast a job goes, and how many of its spans are in flight. */
#include "engine/array-internal.h"
#include "engine/sync/pace.h"
#include "ground/util.h"

/* How many requests of clients there were so far. */
static uint64_t
served (const struct array *array)
{
  return requests_served (&array->readers)
         + requests_served (&array->modifiers);
}

void
pace_init (struct pace *pace, unsigned widest)
{
  *pace = (struct pace){ .widest = widest, .width = 1 };
}

void
pace_set_rates (struct pace *pace, uint64_t minimum, uint64_t maximum)
{
  assert (minimum > 0 && maximum > 0);
  pace->minimum = minimum;
  pace->maximum = maximum;
  pace->upper_ns = pace->lower_ns = 0;
}

void
pace_restart (struct pace *pace)
{
  pace->width = 1;
  pace->steep = true;
  pace->changed_ns = 0;
}

unsigned
pace_width (const struct pace *pace, const struct array *array)
{
  unsigned busy = atomic_load (&array->has_remote) ? SYNC_SPANS_BUSY : 1;

  if (pace->fixed)
    return pace->widest;
  return ground_now () < pace->busy_ns ? MIN (pace->width, busy) : pace->width;
}

uint64_t
pace_due (const struct pace *pace, const struct pace_turn *turn)
{
  return MAX (pace->upper_ns, turn->rest_ns);
}

void
pace_begin (struct pace *pace, const struct array *array,
            struct pace_turn *turn, uint64_t length, bool alone)
{
  uint64_t now = ground_now ();

  pace->upper_ns
    = MAX (pace->upper_ns, now) + length * GROUND_S / pace->maximum;
  pace->lower_ns
    = MAX (pace->lower_ns, now) + length * GROUND_S / pace->minimum;
  *turn = (struct pace_turn){ .length = length,
                              .began_ns = now,
                              .lower_ns = pace->lower_ns,
                              .served = served (array),
                              .alone = alone && pace->width == 1 };
}

/* What @turn would have taken alone. */
static uint64_t
alone_ns (const struct pace *pace, const struct pace_turn *turn)
{
  /* A longer one may take longer. */
  return turn->length <= pace->alone_length
           ? pace->alone_ns
           : pace->alone_ns * turn->length
               / MAX (pace->alone_length, UINT64_C (1));
}

static unsigned
better_width (const struct pace *pace, const struct pace_turn *turn,
              uint64_t now)
{
  if (now - turn->began_ns >= 2 * alone_ns (pace, turn))
    return MAX (pace->width - div_round_up (pace->width, 4), 1u);
  /* Held back by the upper rate, more of them would only wait. */
  if (pace->upper_ns > now)
    return pace->width;
  return MIN (pace->steep ? 2 * pace->width : pace->width + 1, pace->widest);
}

/* More spans in flight, or less? */
static void
adapt (struct pace *pace, const struct pace_turn *turn, uint64_t now)
{
  unsigned width;

  if (turn->alone) {
    pace->alone_ns = now - turn->began_ns;
    pace->alone_length = turn->length;
  }
  /* It began at another width, of which it tells. */
  if (turn->began_ns < pace->changed_ns)
    return;
  width = better_width (pace, turn, now);
  if (width == pace->width)
    return;
  pace->steep &= width > pace->width;
  pace->width = width;
  pace->changed_ns = now;
}

void
pace_end (struct pace *pace, const struct array *array,
          struct pace_turn *turn, uint64_t moved)
{
  uint64_t now = ground_now (), spared = turn->length - moved;

  pace->upper_ns -= MIN (pace->upper_ns, spared * GROUND_S / pace->maximum);
  pace->lower_ns -= MIN (pace->lower_ns, spared * GROUND_S / pace->minimum);
  if (served (array) != turn->served) {
    pace->busy_ns = now + SYNC_BUSY_MS * GROUND_MS;
    turn->rest_ns = MIN (now + (now - turn->began_ns), turn->lower_ns);
  }
  adapt (pace, turn, now);
}
