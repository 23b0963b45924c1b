/* SPDX-License-Identifier: BSD-3-Clause */
/* The map of what disks of a plain array may miss. */
#include <sched.h>
#include <string.h>

#include "engine/record/missed.h"
#include "ground/ground.h"
#include "ground/util.h"
#include "tests/unit/unit.h"

#define WINDOW MISSED_WINDOW
#define WINDOWS 200u

static struct missed missed;

static void
make (uint64_t size)
{
  missed_init (&missed);
  ck_assert_int_eq (missed_allocate (&missed, size, 512), 0);
  missed_keep (&missed);
}

static bool
is_set (uint64_t window)
{
  uint64_t length = WINDOW;

  return missed_is_set (&missed, window * WINDOW, &length);
}

static unsigned
enter (uint64_t window)
{
  return missed_begin (&missed, window * WINDOW + 512, 512);
}

static void
touch (uint64_t window)
{
  missed_end (&missed, enter (window));
}

static void
flush (void)
{
  missed_flush_begin (&missed);
  missed_flush_end (&missed, 1);
}

START_TEST (without_a_map_nothing_is_noted)
{
  missed_init (&missed);
  ck_assert_uint_eq (missed_begin (&missed, 0, 512), MISSED_NONE);
  missed_end (&missed, MISSED_NONE);
  flush ();
  ck_assert_uint_eq (missed_memory (&missed), 0);
  missed_destroy (&missed);
}
END_TEST

START_TEST (what_was_written_is_set_until_a_flush_has_succeeded)
{
  make (WINDOWS * WINDOW);
  touch (3);
  missed_end (&missed, missed_begin (&missed, 62 * WINDOW, 70 * WINDOW));
  for (unsigned i = 0; i < WINDOWS; i++)
    ck_assert_int_eq (is_set (i), i == 3 || (i >= 62 && i < 132));
  ck_assert_uint_eq (missed_bytes (&missed), 71 * WINDOW);
  missed_flush_begin (&missed);
  /* It failed. */
  ck_assert (is_set (3));
  flush ();
  ck_assert_uint_eq (missed_bytes (&missed), 0);
  missed_destroy (&missed);
}
END_TEST

START_TEST (what_is_written_during_a_flush_stays_set)
{
  unsigned before, meanwhile;

  make (WINDOWS * WINDOW);
  touch (1);
  before = enter (2);
  missed_flush_begin (&missed);
  meanwhile = enter (3);
  missed_end (&missed, before);
  missed_end (&missed, meanwhile);
  touch (4);
  missed_flush_end (&missed, 1);
  ck_assert (is_set (2) && is_set (3) && is_set (4));
  flush ();
  flush ();
  ck_assert_uint_eq (missed_bytes (&missed), 0);
  missed_destroy (&missed);
}
END_TEST

/* There is always somebody who writes, but nobody for ever. */
START_TEST (bits_are_cleared_under_load)
{
  unsigned writer, next;

  make (WINDOWS * WINDOW);
  touch (1);
  writer = enter (2);
  for (unsigned i = 0; i < 6; i++) {
    missed_flush_begin (&missed);
    next = enter (3 + i);
    missed_end (&missed, writer);
    writer = next;
    missed_flush_end (&missed, 1);
  }
  ck_assert (!is_set (1) && !is_set (2) && !is_set (3));
  missed_end (&missed, writer);
  missed_destroy (&missed);
}
END_TEST

START_TEST (a_window_that_is_written_again_stays_set)
{
  make (WINDOWS * WINDOW);
  touch (5);
  missed_flush_begin (&missed);
  touch (5);
  missed_flush_end (&missed, 1);
  ck_assert (is_set (5));
  missed_destroy (&missed);
}
END_TEST

START_TEST (its_memory_is_bounded)
{
  const uint64_t most = MISSED_WINDOWS_MAX / 8 * 2;

  make (UINT64_C (1) << 60);
  ck_assert_uint_le (missed.windows, MISSED_WINDOWS_MAX);
  ck_assert_uint_le (missed_memory (&missed), most + most / 64);
  missed_end (&missed, missed_begin (&missed, (UINT64_C (1) << 60) - 1, 1));
  ck_assert_uint_eq (missed_bytes (&missed), UINT64_C (1) << missed.shift);
  missed_destroy (&missed);
  /* Blocks are whole in it. */
  missed_init (&missed);
  ck_assert_int_eq (missed_allocate (&missed, WINDOW, 1u << 20), 0);
  ck_assert_uint_eq (missed.shift, 20);
  missed_destroy (&missed);
}
END_TEST

START_TEST (what_was_cleared_lately_is_remembered_once)
{
  uint64_t offset, length;

  make (WINDOWS * WINDOW);
  ck_assert (!missed_recent (&missed, 0, &offset, &length));
  touch (7);
  flush ();
  touch (7);
  flush ();
  ck_assert (missed_recent (&missed, 0, &offset, &length));
  ck_assert_uint_eq (offset, 7 * WINDOW);
  ck_assert_uint_eq (length, WINDOW);
  ck_assert (!missed_recent (&missed, 1, &offset, &length));
  missed_destroy (&missed);
}
END_TEST

/* ---------------------------------------------------------------- by chance */

#define WRITERS 5u

static struct {
  unsigned map;
  uint64_t window; /* + 1; 0: it does not write */
} writer[WRITERS];

/* Of each window: the last write that began, and the last that ended; which of
 * them a flush may cover.
 */
static uint64_t dirty[WINDOWS];   /* moment of the last end; 0: clean */
static unsigned writing[WINDOWS]; /* how many */

static void
begin_or_end (unsigned i, uint64_t window, uint64_t now)
{
  if (writer[i].window == 0) {
    writer[i].window = window + 1;
    writer[i].map = enter (window);
    writing[window]++;
    return;
  }
  missed_end (&missed, writer[i].map);
  window = writer[i].window - 1;
  writer[i].window = 0;
  writing[window]--;
  dirty[window] = now;
}

START_TEST (by_chance_no_bit_is_lost)
{
  uint64_t state = unit_seed ("missed"), flush_began = 0;
  bool flushing = false;

  make (WINDOWS * WINDOW);
  memset (writer, 0, sizeof writer);
  memset (dirty, 0, sizeof dirty);
  memset (writing, 0, sizeof writing);
  for (uint64_t now = 1; now < 200000; now++) {
    if (unit_below (&state, 4) > 0)
      begin_or_end (unit_below (&state, WRITERS),
                    unit_below (&state, WINDOWS), now);
    else if (!flushing) {
      flushing = true;
      flush_began = now;
      missed_flush_begin (&missed);
    }
    else {
      flushing = false;
      if (unit_below (&state, 4) > 0) {
        missed_flush_end (&missed, 1);
        for (unsigned i = 0; i < WINDOWS; i++)
          if (dirty[i] < flush_began)
            dirty[i] = 0;
      }
    }
    for (unsigned i = 0; i < WINDOWS && now % 16 == 0; i++)
      UNIT_CHECK (is_set (i) || (dirty[i] == 0 && writing[i] == 0),
                  "window %u at %ju", i, (uintmax_t)now);
  }
  missed_destroy (&missed);
}
END_TEST

/* ------------------------------------------------------------ beside others */

static _Atomic bool stop;
static _Atomic unsigned lost, writes;

/* Its own window; nobody else sets that. */
static void
write_on (void *argument)
{
  uint64_t window = (uintptr_t)argument;

  while (!stop) {
    unsigned map = enter (window);

    lost += !is_set (window);
    sched_yield ();
    lost += !is_set (window);
    missed_end (&missed, map);
    writes++;
  }
}

START_TEST (who_writes_finds_his_bit_whoever_flushes)
{
  struct ground_thread thread[3];

  make (WINDOWS * WINDOW);
  stop = false;
  for (uintptr_t i = 0; i < 3; i++)
    ground_thread_start (&thread[i], "writer", write_on, (void *)(i * 10));
  while (writes < 20000)
    flush ();
  stop = true;
  for (unsigned i = 0; i < 3; i++)
    ground_thread_join (&thread[i]);
  ck_assert_uint_eq (lost, 0);
  flush ();
  flush ();
  ck_assert_uint_eq (missed_bytes (&missed), 0);
  missed_destroy (&missed);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, without_a_map_nothing_is_noted);
  tcase_add_test (tcase,
                  what_was_written_is_set_until_a_flush_has_succeeded);
  tcase_add_test (tcase, what_is_written_during_a_flush_stays_set);
  tcase_add_test (tcase, bits_are_cleared_under_load);
  tcase_add_test (tcase, a_window_that_is_written_again_stays_set);
  tcase_add_test (tcase, its_memory_is_bounded);
  tcase_add_test (tcase, what_was_cleared_lately_is_remembered_once);
  tcase_add_test (tcase, by_chance_no_bit_is_lost);
  tcase_add_test (tcase, who_writes_finds_his_bit_whoever_flushes);
}

int
main (void)
{
  return unit_main ("missed", add_tests);
}
