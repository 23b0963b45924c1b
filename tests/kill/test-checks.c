/* SPDX-License-Identifier: BSD-3-Clause */
/* test-checks: every check of the crash rounds can fail, and a good run passes.
 *
 * One short story of a mirror with two members is written to a log as the
 * recorder would write it; then once more for each mistake.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "choose.h"
#include "history.h"
#include "replay.h"
#include "sim/sim-stamp.h"
#include "unit/unit.h"

/* ------------------------------------------------------------------- history */

static struct history history;
static char why[256];

static void
begin_history (void)
{
  history_open (&history, 4);
  history_begin (&history, 0);
}

static uint64_t
written (bool fua)
{
  uint32_t number = history_write (&history, 1, 2, false, fua);

  history_acked (&history, number);
  return history_value (&history, number);
}

static void
flush (void)
{
  history_flushed (&history, history_tick (&history));
}

static bool
sees (uint64_t value)
{
  return history_read (&history, 1, value, history_tick (&history), why,
                       sizeof why);
}

START_TEST (reads_see_the_last_write)
{
  uint64_t first, second;

  begin_history ();
  ck_assert (sees (VALUE_ZERO));
  first = written (false);
  second = written (false);
  ck_assert (sees (second));
  ck_assert (!sees (first));
  ck_assert (!sees (VALUE_ZERO));
  ck_assert (!sees (second + 1));
  history_close (&history);
}
END_TEST

START_TEST (reads_do_not_go_back)
{
  uint32_t number;
  uint64_t first, second;

  begin_history ();
  first = written (false);
  number = history_write (&history, 1, 1, false, false);
  second = history_value (&history, number);
  ck_assert (sees (first));
  ck_assert (sees (second));
  ck_assert (!sees (first));
  history_close (&history);
}
END_TEST

START_TEST (a_killed_server_loses_nothing_answered)
{
  uint64_t first, second;

  begin_history ();
  first = written (false);
  second = written (false);
  history_crash (&history, false);
  ck_assert (!history_may_hold (&history, 1, first, why, sizeof why));
  ck_assert (history_may_hold (&history, 1, second, why, sizeof why));
  ck_assert (!sees (VALUE_ZERO));
  ck_assert (sees (second));
  history_close (&history);
}
END_TEST

START_TEST (a_power_cut_loses_nothing_covered)
{
  uint64_t first, second, third;

  begin_history ();
  first = written (false);
  second = written (false);
  flush ();
  third = written (false);
  history_crash (&history, true);
  ck_assert (!sees (first));
  ck_assert (!sees (VALUE_ZERO));
  ck_assert (history_may_hold (&history, 1, third, why, sizeof why));
  ck_assert (sees (second));
  history_close (&history);

  begin_history ();
  first = written (true);
  history_crash (&history, true);
  ck_assert (!sees (VALUE_ZERO));
  ck_assert (sees (first));
  history_close (&history);
}
END_TEST

START_TEST (what_was_read_after_a_crash_stays)
{
  uint32_t number;
  uint64_t first, second;

  begin_history ();
  first = written (false);
  number = history_write (&history, 1, 1, false, false);
  second = history_value (&history, number);
  history_crash (&history, false);
  ck_assert (history_may_hold (&history, 1, second, why, sizeof why));
  ck_assert (sees (first));
  ck_assert (!sees (second));
  history_crash (&history, false);
  ck_assert (!sees (second));
  /* Nobody flushed: a power cut goes further back. */
  history_crash (&history, true);
  ck_assert (sees (VALUE_ZERO));
  ck_assert (!sees (first));
  history_crash (&history, true);
  ck_assert (!sees (first));
  history.is_part = true;
  ck_assert (sees (first));
  history_close (&history);
}
END_TEST

START_TEST (a_mix_is_no_value)
{
  uint8_t sector[SECTOR], other[SECTOR];
  uint64_t value;

  stamp_write (sector, 7, 123);
  ck_assert (stamp_read (sector, 7, &value) && value == 123);
  ck_assert (!stamp_read (sector, 8, &value));
  stamp_write (other, 7, 124);
  memcpy (sector + 256, other + 256, 256);
  ck_assert (!stamp_read (sector, 7, &value));
}
END_TEST

/* --------------------------------------------------------------------- cache */

#define DISK (64u * SECTOR)

static uint8_t current[DISK], durable[DISK], scratch[DISK];

/* Any state that is chosen is one that is possible. */
static const struct cache *chosen_of;
static uint8_t chosen[DISK];

static void
choose (void *opaque, uint64_t offset, uint32_t length, const uint8_t *data)
{
  (void)opaque;
  memcpy (chosen + offset, data, length);
}

static bool
is_possible (uint64_t sector)
{
  unsigned position = 0;
  const uint8_t *data;

  while ((data = cache_possible (chosen_of, sector, &position)) != NULL)
    if (memcmp (data, chosen + sector, SECTOR) == 0)
      return true;
  return false;
}

static void
random_history (struct cache *cache, struct random_stream *chance,
                uint8_t (*data)[8 * SECTOR])
{
  for (uint64_t now = 1; now < 40; now++) {
    uint64_t first = random_below (chance, 56);

    if (random_one_in (chance, 6)) {
      cache_flush (cache, now, random_one_in (chance, 3));
      continue;
    }
    memset (data[now], now, 8 * SECTOR);
    cache_submit (cache, now, first * SECTOR, 8 * SECTOR, data[now]);
    if (!random_one_in (chance, 4))
      cache_complete (cache, now, 100 + now, random_one_in (chance, 6), true);
  }
}

START_TEST (only_possible_states_are_chosen)
{
  static uint8_t data[40][8 * SECTOR];
  uint64_t seed = unit_seed ("only_possible_states_are_chosen");
  struct random_stream chance;

  random_init (&chance, seed, 0);
  for (unsigned turn = 0; turn < 600; turn++) {
    struct cache cache;

    memset (current, 0, DISK);
    memset (durable, 0, DISK);
    cache_open (&cache, DISK, current, durable);
    random_history (&cache, &chance, data);
    memcpy (chosen, current, DISK);
    choose_state (&cache, true, turn % STYLES, &chance, scratch, choose, NULL);
    chosen_of = &cache;
    for (uint64_t at = 0; at < DISK; at += SECTOR)
      UNIT_CHECK (is_possible (at), "turn %u", turn);
    cache_close (&cache);
  }
}
END_TEST

/* What is @sector's first byte after a power cut, at worst? */
static bool
may_be (const struct cache *cache, uint8_t byte)
{
  unsigned position = 0;
  const uint8_t *data;

  while ((data = cache_possible (cache, 0, &position)) != NULL)
    if (data[0] == byte)
      return true;
  return false;
}

START_TEST (a_flush_covers_what_was_complete)
{
  static uint8_t data[4][SECTOR];
  struct cache cache;

  memset (current, 0, DISK);
  memset (durable, 0, DISK);
  for (unsigned i = 0; i < 4; i++)
    memset (data[i], i, SECTOR);
  cache_open (&cache, DISK, current, durable);
  cache_submit (&cache, 1, 0, SECTOR, data[1]);
  cache_flush (&cache, 2, false);
  cache_complete (&cache, 1, 3, false, true);
  ck_assert (may_be (&cache, 0) && may_be (&cache, 1));
  cache_flush (&cache, 4, true);
  cache_flush (&cache, 5, false);
  ck_assert_msg (may_be (&cache, 0), "a flush that had failed is believed");
  cache_submit (&cache, 6, 0, SECTOR, data[2]);
  cache_complete (&cache, 6, 7, true, true);
  ck_assert (!may_be (&cache, 0) && !may_be (&cache, 1) && may_be (&cache, 2));
  cache_submit (&cache, 8, 0, SECTOR, data[3]);
  cache_complete (&cache, 8, 9, false, true);
  cache_flush (&cache, 10, false);
  ck_assert (!may_be (&cache, 2) && may_be (&cache, 3));
  cache_close (&cache);
}
END_TEST

/* ---------------------------------------------------------------- the story */

#define LEG_SIZE (1024u * 1024u)
#define SUPER_AT 4096u
#define BITMAP_AT 8192u
#define DATA_AT 65536u
#define DATA_SECTORS 512u
#define REGION 8u

enum mistake {
  NONE,
  NOT_DIRTY,
  NOT_DIRTY_ON_ONE,
  NO_BIT,
  BIT_NOT_DURABLE,
  NOT_STORED,
  STORED_LATE,
  FLUSH_MISSING,
  FUA_MISSING,
  OVERLAP,
  OTHER_ORDER,
  CLEARED_EARLY,
  CLEARED_DIFFERENT,
  CLEAN_EARLY,
  OTHER_BYTES,
  OTHER_PLACE,
  NOT_READ,
  OUTSIDE,
  ZEROED_SUPER,
  EVENTS_BACK,
  BAD_CHECKSUM,
  CRASH_DIFFERS,
  END_DIRTY,
  END_BITS,
  MISTAKES,
};

static const char *const lint_of[MISTAKES] = {
  [NONE] = "",
  [NOT_DIRTY] = "L1",
  [NOT_DIRTY_ON_ONE] = "L1",
  [NO_BIT] = "L1",
  [BIT_NOT_DURABLE] = "L1",
  [NOT_STORED] = "L2",
  [STORED_LATE] = "L2",
  [FLUSH_MISSING] = "L3",
  [FUA_MISSING] = "L3",
  [OVERLAP] = "L4",
  [OTHER_ORDER] = "L4",
  [CLEARED_EARLY] = "L5",
  [CLEARED_DIFFERENT] = "L5",
  [CLEAN_EARLY] = "L6",
  [OTHER_BYTES] = "L7",
  [OTHER_PLACE] = "L7",
  [NOT_READ] = "L8",
  [OUTSIDE] = "L9",
  [ZEROED_SUPER] = "L9",
  [EVENTS_BACK] = "I7",
  [BAD_CHECKSUM] = "I7",
  [CRASH_DIFFERS] = "O3a",
  [END_DIRTY] = "END",
  [END_BITS] = "END",
};

static struct reclog *story;
static enum mistake mistake;

static void
put32 (uint8_t *at, uint32_t value)
{
  for (unsigned i = 0; i < 4; i++)
    at[i] = value >> (8 * i);
}

static void
put64 (uint8_t *at, uint64_t value)
{
  put32 (at, value);
  put32 (at + 4, value >> 32);
}

/* @out: slots that are out. */
static const uint8_t *
super (unsigned leg, uint64_t events, uint64_t resync_offset, uint32_t out)
{
  static uint8_t sector[SECTOR];
  uint64_t sum = 0;

  memset (sector, 0, sizeof sector);
  put32 (sector, 0xa92b4efc);
  put32 (sector + 8, MD_BITMAP);
  put32 (sector + 72, 1);
  put64 (sector + 80, DATA_SECTORS);
  put32 (sector + 92, 2);
  put32 (sector + 96, (BITMAP_AT - SUPER_AT) / SECTOR);
  put64 (sector + 128, DATA_AT / SECTOR);
  put32 (sector + 160, leg);
  put64 (sector + 200, events);
  put64 (sector + 208, resync_offset);
  put32 (sector + 220, 128);
  memset (sector + 256, 0xff, 256);
  for (unsigned slot = 0; slot < 2; slot++) {
    sector[256 + 2 * slot] = out >> slot & 1 ? 0xfe : slot;
    sector[257 + 2 * slot] = out >> slot & 1 ? 0xff : 0;
  }
  for (unsigned at = 0; at < SECTOR; at += 4)
    sum += sector[at] | sector[at + 1] << 8 | sector[at + 2] << 16
           | (uint32_t)sector[at + 3] << 24;
  put32 (sector + 216, (uint32_t)sum + (uint32_t)(sum >> 32));
  return sector;
}

/* With the bit of one region, or none (-1). */
static const uint8_t *
bitmap (int region)
{
  static uint8_t sector[SECTOR];

  memset (sector, 0, sizeof sector);
  put32 (sector, 0x6d746962);
  put32 (sector + 52, REGION * SECTOR);
  if (region >= 0)
    sector[256 + region / 8] = 1 << region % 8;
  return sector;
}

static uint64_t
submit (unsigned leg, enum event_kind kind, uint64_t offset, uint32_t length,
        const void *data, uint32_t flags)
{
  struct event event = { .kind = kind, .phase = PHASE_SUBMIT, .leg = leg,
                         .offset = offset, .length = length,
                         .payload = data == NULL ? 0 : length, .flags = flags };

  return reclog_append (story, event, data)->sequence;
}

static void
complete (unsigned leg, enum event_kind kind, uint64_t offset, uint32_t length,
          uint32_t flags, uint64_t request, int error)
{
  struct event event = { .kind = kind, .phase = PHASE_COMPLETE, .leg = leg,
                         .offset = offset, .length = length, .flags = flags,
                         .request = request, .error = error };

  reclog_append (story, event, NULL);
}

static void
do_write (unsigned leg, uint64_t offset, const void *data, uint32_t flags)
{
  uint64_t request = submit (leg, EVENT_WRITE, offset, SECTOR, data, flags);

  complete (leg, EVENT_WRITE, offset, SECTOR, flags, request, 0);
}

static void
do_flush (unsigned leg)
{
  complete (leg, EVENT_FLUSH, 0, 0, 0,
            submit (leg, EVENT_FLUSH, 0, 0, NULL, 0), 0);
}

static void
client (enum event_kind kind, enum event_phase phase, uint64_t number,
        uint64_t sector, uint32_t flags)
{
  struct event event = { .kind = kind, .phase = phase, .request = number,
                         .offset = sector * SECTOR,
                         .length = kind == EVENT_FLUSH ? 0 : SECTOR,
                         .flags = flags };

  reclog_append (story, event, NULL);
}

static void
turn (enum event_kind kind, uint64_t request, uint32_t flags)
{
  reclog_append (story,
                 (struct event){ .kind = kind, .request = request,
                                 .flags = flags },
                 NULL);
}

static const uint8_t *
stamp (uint64_t lba, uint64_t value)
{
  static uint8_t sector[SECTOR];

  stamp_write (sector, lba, value);
  return sector;
}

static void
write_supers (uint64_t events, uint64_t resync_offset, uint32_t legs)
{
  for (unsigned leg = 0; leg < 2; leg++)
    if (legs >> leg & 1)
      do_write (leg, SUPER_AT, super (leg, events, resync_offset, 0),
                EVENT_FUA);
}

static void
write_bits (int region, uint32_t flags)
{
  for (unsigned leg = 0; leg < 2; leg++)
    do_write (leg, BITMAP_AT, bitmap (region), flags);
}

/* Sector 3 gets value 100, from a client. */
static void
tell_write (void)
{
  uint32_t fua = mistake == FUA_MISSING ? EVENT_FUA : 0;
  uint8_t data[SECTOR];
  uint64_t request;

  memcpy (data, stamp (mistake == OTHER_PLACE ? 4 : 3, 100), SECTOR);
  data[200] ^= mistake == OTHER_BYTES;
  client (EVENT_WRITE, PHASE_INVOKE, 100, 3, fua);
  do_write (0, DATA_AT + 3 * SECTOR, data, 0);
  request = submit (1, EVENT_WRITE, DATA_AT + 3 * SECTOR, SECTOR, data, 0);
  if (mistake == OVERLAP)
    submit (1, EVENT_WRITE, DATA_AT + 3 * SECTOR, SECTOR, data, 0);
  if (mistake == STORED_LATE)
    client (EVENT_WRITE, PHASE_RETURN, 100, 3, fua);
  complete (1, EVENT_WRITE, DATA_AT + 3 * SECTOR, SECTOR, 0, request,
            mistake == NOT_STORED ? -5 : 0);
  client (EVENT_WRITE, PHASE_RETURN, 100, 3, fua);
}

/* Two clients write sector 3. */
static void
tell_order (void)
{
  bool swapped = mistake == OTHER_ORDER;

  client (EVENT_WRITE, PHASE_INVOKE, 101, 3, 0);
  client (EVENT_WRITE, PHASE_INVOKE, 102, 3, 0);
  do_write (0, DATA_AT + 3 * SECTOR, stamp (3, 101), 0);
  do_write (0, DATA_AT + 3 * SECTOR, stamp (3, 102), 0);
  do_write (1, DATA_AT + 3 * SECTOR, stamp (3, swapped ? 102 : 101), 0);
  do_write (1, DATA_AT + 3 * SECTOR, stamp (3, swapped ? 101 : 102), 0);
  client (EVENT_WRITE, PHASE_RETURN, 101, 3, 0);
  client (EVENT_WRITE, PHASE_RETURN, 102, 3, 0);
}

static void
tell_flush (void)
{
  client (EVENT_FLUSH, PHASE_INVOKE, 1000, 0, 0);
  do_flush (0);
  if (mistake != FLUSH_MISSING)
    do_flush (1);
  client (EVENT_FLUSH, PHASE_RETURN, 1000, 0, 0);
}

static void
tell_beginning (void)
{
  turn (EVENT_BEGIN, 3, 0);
  for (unsigned leg = 0; leg < 2 && mistake != NOT_READ; leg++)
    submit (leg, EVENT_READ, SUPER_AT, 4096, NULL, 0);
  if (mistake == OUTSIDE)
    do_write (0, DATA_AT - SECTOR, stamp (3, 100), 0);
  if (mistake == ZEROED_SUPER)
    submit (0, EVENT_ZERO, SUPER_AT, 4096, NULL, 0);
  if (mistake == BAD_CHECKSUM) {
    uint8_t data[SECTOR];

    memcpy (data, super (0, 11, 0, 0), SECTOR);
    data[33] ^= 1;
    do_write (0, SUPER_AT, data, EVENT_FUA);
  }
  if (mistake != NO_BIT)
    write_bits (0, mistake == BIT_NOT_DURABLE ? 0 : EVENT_FUA);
  if (mistake != NOT_DIRTY)
    write_supers (11, 0, mistake == NOT_DIRTY_ON_ONE ? 1 : 3);
  if (mistake == EVENTS_BACK)
    write_supers (10, 0, 3);
}

static void
tell_crash (void)
{
  uint8_t data[SECTOR];
  struct event event = { .kind = EVENT_SET, .leg = 1, .length = SECTOR,
                         .offset = DATA_AT + 3 * SECTOR, .payload = SECTOR };

  memset (data, 0, sizeof data);
  if (mistake == CRASH_DIFFERS)
    event.offset = DATA_AT + 30 * SECTOR;
  memcpy (data, stamp (event.offset == DATA_AT + 3 * SECTOR ? 3 : 30, 102),
          SECTOR);
  reclog_append (story, event, data);
  turn (EVENT_KILL, 0, 0);
  turn (EVENT_CRASH, 0, 0);
}

static void
tell (void)
{
  tell_beginning ();
  tell_write ();
  tell_order ();
  if (mistake == CLEARED_EARLY)
    write_bits (-1, EVENT_FUA);
  if (mistake == CLEARED_DIFFERENT) {
    client (EVENT_WRITE, PHASE_INVOKE, 103, 4, 0);
    do_write (0, DATA_AT + 4 * SECTOR, stamp (4, 103), EVENT_FUA);
    do_flush (0);
    do_flush (1);
    write_bits (-1, EVENT_FUA);
  }
  if (mistake == CLEAN_EARLY)
    write_supers (12, MD_CLEAN, 3);
  tell_flush ();
  tell_crash ();
  turn (EVENT_BEGIN, 3, 0);
  for (unsigned leg = 0; leg < 2; leg++)
    submit (leg, EVENT_READ, SUPER_AT, 4096, NULL, 0);
  do_flush (0);
  do_flush (1);
  if (mistake != END_BITS)
    write_bits (-1, EVENT_FUA);
  else
    write_bits (0, EVENT_FUA);
  if (mistake != END_DIRTY)
    write_supers (12, MD_CLEAN, 3);
  turn (EVENT_END, 0, EVENT_SETTLED);
}

START_TEST (every_lint_can_fail)
{
  static uint8_t image[2][LEG_SIZE];
  const uint8_t *images[] = { image[0], image[1] };
  uint64_t sizes[] = { LEG_SIZE, LEG_SIZE };
  struct geometry geometry;
  struct replay replay;

  for (unsigned leg = 0; leg < 2; leg++) {
    memcpy (image[leg] + SUPER_AT, super (leg, 10, MD_CLEAN, 0), SECTOR);
    memcpy (image[leg] + BITMAP_AT, bitmap (-1), SECTOR);
  }
  story = mmap (NULL, RECLOG_SIZE, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ck_assert (story != MAP_FAILED);
  reclog_init (story);
  ck_assert (geometry_open (&geometry, images, sizes, 2));
  ck_assert (geometry.md && geometry.sectors == DATA_SECTORS);
  for (mistake = 0; mistake < MISTAKES; mistake++) {
    const char *lint = lint_of[mistake];

    reclog_clear (story);
    tell ();
    replay_open (&replay, &geometry, images, sizes);
    ck_assert_int_eq (replay_run (&replay, story), mistake == NONE);
    ck_assert_msg (strncmp (replay.why, lint, strlen (lint)) == 0,
                   "mistake %u: not %s, but: %s", mistake, lint, replay.why);
    replay_close (&replay);
  }
  geometry_close (&geometry);
  munmap (story, RECLOG_SIZE);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, reads_see_the_last_write);
  tcase_add_test (tcase, reads_do_not_go_back);
  tcase_add_test (tcase, a_killed_server_loses_nothing_answered);
  tcase_add_test (tcase, a_power_cut_loses_nothing_covered);
  tcase_add_test (tcase, what_was_read_after_a_crash_stays);
  tcase_add_test (tcase, a_mix_is_no_value);
  tcase_add_test (tcase, a_flush_covers_what_was_complete);
  tcase_add_test (tcase, only_possible_states_are_chosen);
  tcase_add_test (tcase, every_lint_can_fail);
}

int
main (void)
{
  return unit_main ("kill-checks", add);
}
