/* SPDX-License-Identifier: BSD-3-Clause */
/* Readers find a range that is locked from wherever they look, also across the
 * windows by which it is counted.
 */
#include "engine/io/range-lock.h"
#include "unit.h"

static _Atomic uint64_t epoch;
static struct range_locks locks;
static struct range_ticket ticket;

static void
setup (void)
{
  range_locks_init (&locks, &epoch);
  range_ticket_init (&ticket);
}

static void
teardown (void)
{
  range_ticket_destroy (&ticket);
  range_locks_destroy (&locks);
}

static bool
is_seen (uint64_t offset, uint64_t length)
{
  uint64_t began_at;

  return range_lock_look (&locks, offset, length, &began_at);
}

START_TEST (a_range_over_a_border_is_seen_from_both_sides)
{
  range_lock (&locks, &ticket, RANGE_WINDOW - 4096, 8192);
  ck_assert (is_seen (RANGE_WINDOW - 4096, 512));
  ck_assert (is_seen (RANGE_WINDOW, 512));
  ck_assert (is_seen (RANGE_WINDOW + 4096 - 1, 1));
  ck_assert (is_seen (0, RANGE_WINDOW));
  ck_assert (!is_seen (0, RANGE_WINDOW - 4096));
  ck_assert (!is_seen (RANGE_WINDOW + 4096, RANGE_WINDOW));
  range_unlock (&locks, &ticket);
  ck_assert (!is_seen (0, 2 * RANGE_WINDOW));
}
END_TEST

START_TEST (a_look_over_borders_sees_what_is_in_any_window)
{
  range_lock (&locks, &ticket, 5 * RANGE_WINDOW, 1);
  ck_assert (is_seen (4 * RANGE_WINDOW + 1, RANGE_WINDOW));
  ck_assert (is_seen (0, 9 * RANGE_WINDOW));
  ck_assert (is_seen (0, 1000 * RANGE_WINDOW));
  /* The same counter, another place. */
  ck_assert (!is_seen ((5 + RANGE_COUNTERS) * RANGE_WINDOW, RANGE_WINDOW));
  range_unlock (&locks, &ticket);
}
END_TEST

START_TEST (a_range_with_more_windows_than_counters_is_seen_everywhere)
{
  uint64_t length = (3 * RANGE_COUNTERS + 1) * RANGE_WINDOW;

  range_lock (&locks, &ticket, 1, length);
  for (uint64_t at = 1; at < length; at += RANGE_WINDOW)
    ck_assert (is_seen (at, 1));
  ck_assert (is_seen (length, 1));
  ck_assert (!is_seen (length + 1, 1));
  range_unlock (&locks, &ticket);
  for (uint64_t at = 1; at < length; at += RANGE_WINDOW)
    ck_assert (!is_seen (at, 1));
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_checked_fixture (tcase, setup, teardown);
  tcase_add_test (tcase, a_range_over_a_border_is_seen_from_both_sides);
  tcase_add_test (tcase, a_look_over_borders_sees_what_is_in_any_window);
  tcase_add_test (tcase,
                  a_range_with_more_windows_than_counters_is_seen_everywhere);
}

int
main (void)
{
  return unit_main ("range-lock", add);
}
