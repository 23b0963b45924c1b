/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of windows to be done holds just what was added and not done. */
#include <stdbool.h>

#include "ground/limits.h"
#include "ground/util.h"
#include "logic/todo.h"
#include "unit.h"

#define WINDOW 512u

static uint64_t *
set_up (struct todo *todo, uint64_t size)
{
  size_t bytes = todo_memory (size, WINDOW);
  uint64_t *memory = malloc (bytes);

  ck_assert_ptr_nonnull (memory);
  memset (memory, 0xa5, bytes);
  todo_init (todo, size, WINDOW, memory);
  return memory;
}

static void
assert_next (const struct todo *todo, uint64_t from, uint64_t most,
             uint64_t offset, uint64_t length)
{
  uint64_t ret_offset = 1, ret_length = 1;

  ck_assert (todo_next (todo, from, most, &ret_offset, &ret_length));
  ck_assert_uint_eq (ret_offset, offset);
  ck_assert_uint_eq (ret_length, length);
}

static void
assert_no_next (const struct todo *todo, uint64_t from)
{
  uint64_t offset = 77, length = 78;

  ck_assert (!todo_next (todo, from, UINT64_MAX, &offset, &length));
  ck_assert_uint_eq (offset, 77);
  ck_assert_uint_eq (length, 78);
}

START_TEST (windows_are_of_the_size_that_limits_want)
{
  const uint64_t most = (uint64_t)TODO_WINDOW * TODO_WINDOWS_MAX;

  ck_assert_uint_eq (todo_window_size (1, 0, 512), TODO_WINDOW);
  ck_assert_uint_eq (todo_window_size (most, 0, 512), TODO_WINDOW);
  ck_assert_uint_eq (todo_window_size (most + 1, 0, 512),
                     2 * TODO_WINDOW);
  ck_assert_uint_eq (todo_window_size (16 * most, 0, 512),
                     16 * TODO_WINDOW);
  ck_assert_uint_eq (todo_window_size (most, 1u << 26, 512), TODO_WINDOW);
  ck_assert_uint_eq (todo_window_size (1, 4096, 512), 4096);
  /* Even then not larger than a region. */
  ck_assert_uint_eq (todo_window_size (16 * most, 4 * TODO_WINDOW, 512),
                     4 * TODO_WINDOW);
  /* Even then not smaller than a block. */
  ck_assert_uint_eq (todo_window_size (1, 512, 4096), 4096);
  ck_assert_uint_eq (todo_window_size (1, 8192, 4096), 8192);
}
END_TEST

START_TEST (at_the_start_nothing_is_to_be_done)
{
  struct todo todo;
  uint64_t *memory = set_up (&todo, 130 * WINDOW - 1);

  ck_assert_uint_eq (todo_memory (130 * WINDOW - 1, WINDOW), 3 * 8);
  ck_assert_uint_eq (todo_memory (64 * WINDOW, WINDOW), 8);
  ck_assert_uint_eq (todo.windows, 130);
  ck_assert_uint_eq (todo.left, 0);
  for (unsigned i = 0; i < 3; i++)
    ck_assert_uint_eq (memory[i], 0);
  ck_assert (!todo_touches (&todo, 0, UINT64_MAX));
  assert_no_next (&todo, 0);
  free (memory);
}
END_TEST

START_TEST (a_touched_window_is_added_a_covered_one_is_done)
{
  struct todo todo;
  uint64_t *memory = set_up (&todo, 10 * WINDOW);

  todo_add (&todo, 2 * WINDOW - 1, 2);
  ck_assert_uint_eq (todo.left, 2);
  ck_assert (!todo_touches (&todo, 0, WINDOW));
  ck_assert (todo_touches (&todo, WINDOW, 1));
  ck_assert (todo_touches (&todo, 3 * WINDOW - 1, 1));
  ck_assert (!todo_touches (&todo, 3 * WINDOW, 7 * WINDOW));
  /* Once more is nothing new. */
  todo_add (&todo, WINDOW, WINDOW);
  ck_assert_uint_eq (todo.left, 2);

  todo_done (&todo, WINDOW + 1, 2 * WINDOW - 2);
  ck_assert_uint_eq (todo.left, 2);
  todo_done (&todo, WINDOW + 1, 2 * WINDOW - 1);
  ck_assert_uint_eq (todo.left, 1);
  ck_assert (!todo_touches (&todo, 2 * WINDOW, WINDOW));
  todo_done (&todo, 0, 2 * WINDOW - 1);
  ck_assert_uint_eq (todo.left, 1);
  todo_done (&todo, 0, 2 * WINDOW);
  ck_assert_uint_eq (todo.left, 0);
  todo_done (&todo, 0, 2 * WINDOW);
  ck_assert_uint_eq (todo.left, 0);
  free (memory);
}
END_TEST

START_TEST (the_last_window_may_be_short)
{
  const uint64_t size = 64 * WINDOW + 100;
  struct todo todo;
  uint64_t *memory = set_up (&todo, size);

  todo_add (&todo, size - 1, 1);
  assert_next (&todo, 0, UINT64_MAX, 64 * WINDOW, 100);
  assert_next (&todo, size - 1, 1, 64 * WINDOW, 100);
  todo_done (&todo, 64 * WINDOW, 99);
  ck_assert_uint_eq (todo.left, 1);
  todo_done (&todo, 64 * WINDOW, 100);
  ck_assert_uint_eq (todo.left, 0);
  todo_add (&todo, size - 1, 1);
  todo_done (&todo, 64 * WINDOW + 1, 99);
  ck_assert_uint_eq (todo.left, 1);
  free (memory);
}
END_TEST

START_TEST (ranges_are_cut_to_the_array)
{
  const uint64_t size = 70 * WINDOW + 100;
  struct todo todo;
  uint64_t *memory = set_up (&todo, size);

  todo_add (&todo, size, 1);
  todo_add (&todo, UINT64_MAX, UINT64_MAX);
  todo_add (&todo, 5 * WINDOW, 0);
  todo_add (&todo, 5 * WINDOW + 1, 0);
  ck_assert_uint_eq (todo.left, 0);

  todo_add (&todo, 69 * WINDOW, UINT64_MAX);
  ck_assert_uint_eq (todo.left, 2);
  ck_assert_uint_eq (memory[1], 3u << 5);
  ck_assert (todo_touches (&todo, 68 * WINDOW, UINT64_MAX));
  ck_assert (!todo_touches (&todo, size, UINT64_MAX));
  ck_assert (!todo_touches (&todo, 69 * WINDOW, 0));
  todo_done (&todo, size, UINT64_MAX);
  todo_done (&todo, 70 * WINDOW, 0);
  ck_assert_uint_eq (todo.left, 2);
  todo_done (&todo, 69 * WINDOW + 1, UINT64_MAX);
  ck_assert_uint_eq (todo.left, 1);
  todo_done (&todo, 0, UINT64_MAX);
  ck_assert_uint_eq (todo.left, 0);
  free (memory);
}
END_TEST

START_TEST (runs_are_found_in_order_and_cut)
{
  struct todo todo;
  uint64_t *memory = set_up (&todo, 200 * WINDOW);

  todo_add (&todo, 3 * WINDOW, 2 * WINDOW);
  todo_add (&todo, 60 * WINDOW, 70 * WINDOW);
  assert_next (&todo, 0, UINT64_MAX, 3 * WINDOW, 2 * WINDOW);
  assert_next (&todo, 4 * WINDOW, UINT64_MAX, 4 * WINDOW, WINDOW);
  assert_next (&todo, 5 * WINDOW, UINT64_MAX, 60 * WINDOW, 70 * WINDOW);
  /* At most so much, but a window in any case. */
  assert_next (&todo, 5 * WINDOW, 10 * WINDOW, 60 * WINDOW, 10 * WINDOW);
  assert_next (&todo, 5 * WINDOW, 2 * WINDOW - 1, 60 * WINDOW, WINDOW);
  assert_next (&todo, 5 * WINDOW, 0, 60 * WINDOW, WINDOW);
  /* From inside a window all of it counts. */
  assert_next (&todo, 5 * WINDOW - 1, UINT64_MAX, 4 * WINDOW, WINDOW);
  assert_no_next (&todo, 130 * WINDOW);
  assert_no_next (&todo, 200 * WINDOW);
  assert_no_next (&todo, UINT64_MAX);
  free (memory);
}
END_TEST

/* ---------------------------------------------------------- the naive model */

#define MANY 300

struct model {
  uint64_t size, windows;
  bool window[MANY];
};

/* Where window @i begins; that of the one behind the last: the end. */
static uint64_t
start_of (const struct model *model, uint64_t i)
{
  return MIN (i * WINDOW, model->size);
}

static bool
touched (const struct model *model, uint64_t i, uint64_t offset,
         uint64_t length)
{
  return length > 0 && offset < start_of (model, i + 1)
         && offset + length > start_of (model, i);
}

static bool
covered (const struct model *model, uint64_t i, uint64_t offset,
         uint64_t length)
{
  return offset <= start_of (model, i)
         && offset + length >= start_of (model, i + 1);
}

/* Beyond the end of the array, too; often at borders of windows. */
static void
random_range (const struct model *model, uint64_t *random, uint64_t *ret_offset,
              uint64_t *ret_length)
{
  uint64_t most = unit_below (random, 4) == 0 ? model->size + 2 * WINDOW
                                              : 4 * WINDOW;

  *ret_offset = unit_below (random, model->size + 2 * WINDOW);
  *ret_length = unit_below (random, most);
  if (unit_below (random, 2) == 0)
    *ret_offset = round_down (*ret_offset, WINDOW);
  if (unit_below (random, 2) == 0)
    *ret_length = round_down (*ret_length, WINDOW);
}

static void
random_change (struct todo *todo, struct model *model, bool add,
               uint64_t *random)
{
  uint64_t offset, length;

  random_range (model, random, &offset, &length);
  for (uint64_t i = 0; i < model->windows; i++)
    if (add)
      model->window[i] |= touched (model, i, offset, length);
    else
      model->window[i] &= !covered (model, i, offset, length);
  if (add)
    todo_add (todo, offset, length);
  else
    todo_done (todo, offset, length);
}

static void
check_bits (const struct todo *todo, const struct model *model)
{
  uint64_t left = 0;

  for (uint64_t i = 0; i < round_down (model->windows + 63, 64); i++) {
    bool wanted = i < model->windows && model->window[i];
    bool found = todo->bits[i / 64] >> i % 64 & 1;

    UNIT_CHECK (found == wanted, "window %" PRIu64, i);
    left += wanted;
  }
  UNIT_CHECK (todo->left == left, "left");
}

static void
check_touches (const struct todo *todo, const struct model *model,
               uint64_t *random)
{
  uint64_t offset, length;
  bool expected = false;

  random_range (model, random, &offset, &length);
  for (uint64_t i = 0; i < model->windows; i++)
    expected |= model->window[i] && touched (model, i, offset, length);
  UNIT_CHECK (todo_touches (todo, offset, length) == expected,
              "%" PRIu64 "+%" PRIu64, offset, length);
}

static void
check_next (const struct todo *todo, const struct model *model,
            uint64_t *random)
{
  uint64_t from, most, offset = 0, length = 0;
  uint64_t first, end;

  random_range (model, random, &from, &most);
  first = from < model->size ? from / WINDOW : model->windows;
  while (first < model->windows && !model->window[first])
    first++;
  for (end = first; end < model->windows && model->window[end]; end++)
    if (end > first && (end + 1 - first) * WINDOW > most)
      break;
  UNIT_CHECK (todo_next (todo, from, most, &offset, &length)
                == (first < model->windows),
              "from %" PRIu64 " most %" PRIu64, from, most);
  if (first >= model->windows)
    return;
  UNIT_CHECK (offset == first * WINDOW, "from %" PRIu64 ": %" PRIu64, from,
              offset);
  UNIT_CHECK (length == start_of (model, end) - offset,
              "from %" PRIu64 " most %" PRIu64 ": %" PRIu64, from, most,
              length);
}

START_TEST (random_operations_agree_with_the_model)
{
  uint64_t random = unit_seed ("todo");

  for (unsigned round = 0; round < 300; round++) {
    struct model model = { .windows = 1 + unit_below (&random, MANY) };
    struct todo todo;
    uint64_t *memory;

    /* Often whole words. */
    if (unit_below (&random, 3) == 0)
      model.windows = 64 * (1 + unit_below (&random, MANY / 64));
    model.size = model.windows * WINDOW;
    if (unit_below (&random, 2) == 0)
      model.size -= unit_below (&random, WINDOW);
    memory = set_up (&todo, model.size);
    for (unsigned step = 0; step < 200; step++) {
      /* Swing between a full and an empty list. */
      bool add = unit_below (&random, 4) == 0 ? step / 50 % 2 != 0
                                              : step / 50 % 2 == 0;

      random_change (&todo, &model, add, &random);
      check_bits (&todo, &model);
      check_touches (&todo, &model, &random);
      check_next (&todo, &model, &random);
    }
    free (memory);
  }
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, windows_are_of_the_size_that_limits_want);
  tcase_add_test (tcase, at_the_start_nothing_is_to_be_done);
  tcase_add_test (tcase, a_touched_window_is_added_a_covered_one_is_done);
  tcase_add_test (tcase, the_last_window_may_be_short);
  tcase_add_test (tcase, ranges_are_cut_to_the_array);
  tcase_add_test (tcase, runs_are_found_in_order_and_cut);
  tcase_add_test (tcase, random_operations_agree_with_the_model);
}

int
main (void)
{
  return unit_main ("todo", add_tests);
}
