/* SPDX-License-Identifier: BSD-3-Clause */
/* Overlapping ranges run one after the other, in order of arrival. */
#include <stdbool.h>

#include "ground/util.h"
#include "logic/ranges.h"
#include "unit.h"

#define MANY 40

/* The ranges that became ready, in order. */
struct woken {
  struct range *range[MANY];
  unsigned count;
};

static void
note_ready (void *opaque, struct range *range)
{
  struct woken *woken = opaque;

  UNIT_CHECK (woken->count < MANY, "woken too often");
  UNIT_CHECK (range->blockers == 0, "woken too early");
  woken->range[woken->count++] = range;
}

START_TEST (the_picture_in_the_header)
{
  struct range a = { .offset = 0, .length = 8 };
  struct range b = { .offset = 4, .length = 8 };
  struct range c = { .offset = 20, .length = 4 };
  struct range d = { .offset = 8, .length = 14 };
  struct ranges ranges = { .first = NULL };
  struct woken woken = { .count = 0 };

  ck_assert (ranges_add (&ranges, &a));
  ck_assert (!ranges_add (&ranges, &b));
  ck_assert (ranges_add (&ranges, &c));
  ck_assert (!ranges_add (&ranges, &d));
  ck_assert_uint_eq (b.blockers, 1);
  ck_assert_uint_eq (d.blockers, 2);

  ranges_remove (&ranges, &c, note_ready, &woken);
  ck_assert_uint_eq (woken.count, 0);
  ranges_remove (&ranges, &a, note_ready, &woken);
  ck_assert_uint_eq (woken.count, 1);
  ck_assert_ptr_eq (woken.range[0], &b);
  ranges_remove (&ranges, &b, note_ready, &woken);
  ck_assert_uint_eq (woken.count, 2);
  ck_assert_ptr_eq (woken.range[1], &d);
  ranges_remove (&ranges, &d, note_ready, &woken);
  ck_assert_uint_eq (woken.count, 2);
  ck_assert_ptr_null (ranges.first);
  ck_assert_ptr_null (ranges.last);
}
END_TEST

START_TEST (touching_is_not_overlapping)
{
  struct range a = { .offset = 0, .length = 8 };
  struct range b = { .offset = 8, .length = 8 };
  struct range c = { .offset = 7, .length = 1 };
  struct ranges ranges = { .first = NULL };

  ck_assert (ranges_add (&ranges, &a));
  ck_assert (ranges_add (&ranges, &b));
  ck_assert (!ranges_add (&ranges, &c));
}
END_TEST

/* A late comer that fits beside the running one must not overtake the one
 * that waits, or that one might starve.
 */
START_TEST (nobody_overtakes_who_waits)
{
  struct range running = { .offset = 0, .length = 4 };
  struct range waiting = { .offset = 0, .length = 100 };
  struct range late = { .offset = 50, .length = 4 };
  struct ranges ranges = { .first = NULL };
  struct woken woken = { .count = 0 };

  ck_assert (ranges_add (&ranges, &running));
  ck_assert (!ranges_add (&ranges, &waiting));
  ck_assert (!ranges_add (&ranges, &late));
  ranges_remove (&ranges, &running, note_ready, &woken);
  ck_assert_uint_eq (woken.count, 1);
  ck_assert_ptr_eq (woken.range[0], &waiting);
  ranges_remove (&ranges, &waiting, note_ready, &woken);
  ck_assert_uint_eq (woken.count, 2);
  ck_assert_ptr_eq (woken.range[1], &late);
}
END_TEST

START_TEST (one_queue_runs_in_order_of_arrival)
{
  struct range range[MANY];
  struct ranges ranges = { .first = NULL };
  struct woken woken = { .count = 0 };

  for (unsigned i = 0; i < MANY; i++) {
    range[i] = (struct range){ .offset = i % 7, .length = 10 };
    ck_assert_int_eq (ranges_add (&ranges, &range[i]), i == 0);
  }
  for (unsigned i = 0; i + 1 < MANY; i++) {
    ranges_remove (&ranges, &range[i], note_ready, &woken);
    ck_assert_uint_eq (woken.count, i + 1);
    ck_assert_ptr_eq (woken.range[i], &range[i + 1]);
  }
}
END_TEST

START_TEST (one_end_may_wake_many)
{
  struct range wide = { .offset = 0, .length = 100 };
  struct range small[5];
  struct ranges ranges = { .first = NULL };
  struct woken woken = { .count = 0 };

  ranges_add (&ranges, &wide);
  for (unsigned i = 0; i < 5; i++) {
    small[i] = (struct range){ .offset = 80 - 20 * i, .length = 20 };
    ranges_add (&ranges, &small[i]);
  }
  ranges_remove (&ranges, &wide, note_ready, &woken);
  ck_assert_uint_eq (woken.count, 5);
  for (unsigned i = 0; i < 5; i++)
    ck_assert_ptr_eq (woken.range[i], &small[i]);
}
END_TEST

START_TEST (the_end_of_the_number_space_does_not_wrap)
{
  struct range low = { .offset = 0, .length = INT64_MAX };
  struct range high = { .offset = INT64_MAX, .length = INT64_MAX };
  struct range all = { .offset = 0, .length = UINT64_MAX };
  struct ranges ranges = { .first = NULL };

  ck_assert (ranges_add (&ranges, &low));
  ck_assert (ranges_add (&ranges, &high));
  ck_assert (!ranges_add (&ranges, &all));
  ck_assert_uint_eq (all.blockers, 2);
}
END_TEST

START_TEST (the_oldest_epoch_is_that_of_runners_only)
{
  struct range a = { .offset = 0, .length = 8 };
  struct range b = { .offset = 8, .length = 8 };
  struct range c = { .offset = 4, .length = 8 };
  struct ranges ranges = { .first = NULL };
  uint64_t epoch = 77;

  ck_assert (!ranges_oldest_epoch (&ranges, 0, 100, &epoch));
  ranges_add (&ranges, &a);
  ranges_add (&ranges, &b);
  ranges_add (&ranges, &c);
  a.epoch = 5;
  b.epoch = 4;
  c.epoch = 1;
  ck_assert (!ranges_oldest_epoch (&ranges, 16, 1, &epoch));
  ck_assert_uint_eq (epoch, 77);
  ck_assert (ranges_oldest_epoch (&ranges, 7, 1, &epoch));
  ck_assert_uint_eq (epoch, 5);
  epoch = 0;
  ck_assert (ranges_oldest_epoch (&ranges, 7, 2, &epoch));
  ck_assert_uint_eq (epoch, 4);
  ck_assert (ranges_oldest_epoch (&ranges, 0, 100, &epoch));
  ck_assert_uint_eq (epoch, 4);
}
END_TEST

/* The naive model: what is there, in order of arrival. */
struct model {
  struct range *range[MANY];
  unsigned count;
};

static bool
model_overlap (const struct range *a, uint64_t offset, uint64_t length)
{
  for (uint64_t at = offset; at < offset + length; at++)
    if (at >= a->offset && at - a->offset < a->length)
      return true;
  return false;
}

static unsigned
model_blockers (const struct model *model, unsigned index)
{
  const struct range *range = model->range[index];
  unsigned blockers = 0;

  for (unsigned i = 0; i < index; i++)
    blockers += model_overlap (model->range[i], range->offset, range->length);
  return blockers;
}

static void
check_against_model (const struct ranges *ranges, const struct model *model)
{
  const struct range *r = ranges->first;
  const struct range *previous = NULL;

  for (unsigned i = 0; i < model->count; i++) {
    UNIT_CHECK (r == model->range[i], "the list differs at %u", i);
    UNIT_CHECK (r->previous == previous, "the way back differs at %u", i);
    UNIT_CHECK (r->blockers == model_blockers (model, i), "blockers of %u",
                i);
    for (unsigned j = 0; j < i; j++)
      UNIT_CHECK (r->blockers > 0 || model->range[j]->blockers > 0
                    || !model_overlap (model->range[j], r->offset, r->length),
                  "%u and %u overlap and run", i, j);
    previous = r;
    r = r->next;
  }
  UNIT_CHECK (r == NULL, "the list is too long");
  UNIT_CHECK (ranges->last == previous, "the end of the list differs");
}

static void
check_epochs (const struct ranges *ranges, const struct model *model,
              uint64_t *random)
{
  uint64_t offset = unit_below (random, 64);
  uint64_t length = 1 + unit_below (random, 16);
  uint64_t expected = UINT64_MAX, epoch = UINT64_MAX;

  for (unsigned i = 0; i < model->count; i++)
    if (model_blockers (model, i) == 0
        && model_overlap (model->range[i], offset, length))
      expected = MIN (expected, model->range[i]->epoch);
  UNIT_CHECK (ranges_oldest_epoch (ranges, offset, length, &epoch)
                == (expected != UINT64_MAX),
              "a runner at %" PRIu64 "+%" PRIu64, offset, length);
  UNIT_CHECK (epoch == expected, "at %" PRIu64 "+%" PRIu64, offset, length);
}

static void
random_add (struct ranges *ranges, struct model *model, struct range *range,
            uint64_t *random)
{
  *range = (struct range){ .offset = unit_below (random, 64),
                           .length = 1 + unit_below (random, 16),
                           .epoch = unit_below (random, 1000) };
  model->range[model->count++] = range;
  UNIT_CHECK (ranges_add (ranges, range)
                == (model_blockers (model, model->count - 1) == 0),
              "range %u", model->count - 1);
}

/* Take out a running one: woken are exactly those that have no blockers any
 * more, in order of arrival.  Returns it.
 */
static struct range *
random_remove (struct ranges *ranges, struct model *model, uint64_t *random)
{
  struct woken woken = { .count = 0 };
  bool waited[MANY];
  struct range *range;
  unsigned index, expected = 0;

  do
    index = unit_below (random, model->count);
  while (model_blockers (model, index) > 0);
  range = model->range[index];
  for (unsigned i = 0; i < model->count; i++)
    waited[i] = model_blockers (model, i) > 0;

  memmove (&model->range[index], &model->range[index + 1],
           (model->count - index - 1) * sizeof model->range[0]);
  memmove (&waited[index], &waited[index + 1], model->count - index - 1);
  model->count--;
  ranges_remove (ranges, range, note_ready, &woken);
  for (unsigned i = 0; i < model->count; i++)
    if (waited[i] && model_blockers (model, i) == 0) {
      UNIT_CHECK (expected < woken.count, "%u was not woken", i);
      UNIT_CHECK (woken.range[expected] == model->range[i], "%u", i);
      expected++;
    }
  UNIT_CHECK (expected == woken.count, "%u woken", woken.count);
  return range;
}

START_TEST (random_operations_agree_with_the_model)
{
  uint64_t random = unit_seed ("ranges");
  struct range pool[MANY];
  struct range *idle[MANY];
  unsigned idle_count = MANY;
  struct ranges ranges = { .first = NULL };
  struct model model = { .count = 0 };

  for (unsigned i = 0; i < MANY; i++)
    idle[i] = &pool[i];
  for (unsigned step = 0; step < 50000; step++) {
    /* Swing between a full and an empty list. */
    unsigned wanted = step / 100 % 2 == 0 ? MANY : 0;
    bool grow = unit_below (&random, 4) == 0 ? model.count < wanted / 2
                                             : model.count < wanted;

    if (idle_count > 0 && (grow || model.count == 0))
      random_add (&ranges, &model, idle[--idle_count], &random);
    else
      idle[idle_count++] = random_remove (&ranges, &model, &random);
    check_against_model (&ranges, &model);
    check_epochs (&ranges, &model, &random);
  }
}
END_TEST

START_TEST (removing_who_waits_is_our_bug)
{
  struct range a = { .offset = 0, .length = 8 };
  struct range b = { .offset = 4, .length = 8 };
  struct ranges ranges = { .first = NULL };
  struct woken woken = { .count = 0 };

  ranges_add (&ranges, &a);
  ranges_add (&ranges, &b);
  ranges_remove (&ranges, &b, note_ready, &woken);
}
END_TEST

START_TEST (an_empty_range_is_our_bug)
{
  struct range range = { .offset = 8, .length = 0 };
  struct ranges ranges = { .first = NULL };

  ranges_add (&ranges, &range);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, the_picture_in_the_header);
  tcase_add_test (tcase, touching_is_not_overlapping);
  tcase_add_test (tcase, nobody_overtakes_who_waits);
  tcase_add_test (tcase, one_queue_runs_in_order_of_arrival);
  tcase_add_test (tcase, one_end_may_wake_many);
  tcase_add_test (tcase, the_end_of_the_number_space_does_not_wrap);
  tcase_add_test (tcase, the_oldest_epoch_is_that_of_runners_only);
  tcase_add_test (tcase, random_operations_agree_with_the_model);
  UNIT_ADD_ABORT_TEST (tcase, removing_who_waits_is_our_bug);
  UNIT_ADD_ABORT_TEST (tcase, an_empty_range_is_our_bug);
}

int
main (void)
{
  return unit_main ("ranges", add_tests);
}
