/* SPDX-License-Identifier: BSD-3-Clause */
/* Disks of a plain array whose connection is lost, and that come back. */
#include "engine/array-internal.h"
#include "ground/ground.h"
#include "ground/util.h"
#include "logic/unfinished.h"
#include "memory-array.h"
#include "unit.h"

#define WINDOW ((uint64_t)MISSED_WINDOW)
#define MARK MARK_SIZE
#define PIECE 4096u

static const struct layout layouts[] = {
  { .level = LEVEL_RAID1, .slots = 2, .near = 1, .far = 1 },
  { .level = LEVEL_RAID10, .slots = 2, .near = 2, .far = 1, .chunk = 65536 },
  { .level = LEVEL_RAID10, .slots = 2, .near = 1, .far = 2, .offset = true,
    .chunk = 65536 },
};
#define LAYOUTS ((int)ARRAY_LENGTH (layouts))

static struct leg *
remote (struct memory_leg *disk, const char *name)
{
  disk->leg.rank = LEG_REMOTE;
  disk->leg.name = name;
  return &disk->leg;
}

static bool cannot_flush; /* the second disk */

/* The second disk is remote; both hold the same, which is no zeroes. */
static void
make_with (const struct layout *layout, bool is_remote)
{
  struct array_config config = { .legs = MEMBERS,
                                 .layout = *layout,
                                 .retry_ms = 1,
                                 .quarantine_ms = 50,
                                 .sync_spans = 1,
                                 .sync_span = 65536,
                                 .opener = { .open = memory_array_open } };
  struct leg *legs[MEMBERS];
  char why[MESSAGE_MAX];

  memset (&memory, 0, sizeof memory);
  log_set_sink (memory_array_remember);
  for (unsigned i = 0; i < MEMBERS; i++) {
    memory.leg[i] = memory_leg_new (i);
    memset (memory.leg[i]->data, 'a', MEMORY_LEG_SIZE);
    legs[i] = &memory.leg[i]->leg;
  }
  legs[0]->name = "memory:0";
  legs[1]->caps.flush = !cannot_flush;
  if (is_remote)
    legs[1] = remote (memory.leg[1], "memory:1");
  ck_assert_msg (array_create (&config, legs, NULL, &memory.array, why) == 0,
                 "%s", why);
  ck_assert_int_eq (array_start (memory.array), 0);
}

static void
make (int layout)
{
  make_with (&layouts[layout], true);
}

static void
put (uint64_t at, char what)
{
  static char data[PIECE];

  memset (data, what, sizeof data);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, at, 0), 0);
}

/* As its driver tells it. */
static void
lose (struct memory_leg *disk, struct leg_end end)
{
  disk->leg.end = end;
  atomic_fetch_add (&disk->leg.generation, 1);
  for (unsigned i = 0; i < ARRAY_LENGTH (disk->error); i++)
    disk->error[i] = -ENOTCONN;
  disk->leg.gone (&disk->leg, -ENOTCONN);
  while (!disk->closed)
    sched_yield ();
}

static const struct leg_end in_order = { .by_peer = true };

/* Another server at the same address. */
static struct memory_leg *
serve (const char *data)
{
  static unsigned number = MEMBERS;
  struct memory_leg *disk;

  number = number == 30 ? MEMBERS : number + 1;
  disk = memory.other[1] = memory_leg_new (number);
  memcpy (disk->data, data, MEMORY_LEG_SIZE);
  remote (disk, "memory:1");
  return disk;
}

static struct array_answer
give (const struct array_order *order)
{
  struct array_answer answer;
  int r = array_change (memory.array, order, &answer);

  ck_assert_msg ((r == 0) == (answer.reason == NULL), "%d %s", r, answer.text);
  return answer;
}

static struct array_answer
readd_with (uint32_t id, bool discard)
{
  return give (&(struct array_order){
    .verb = ARRAY_READD, .member = id, .discard = discard });
}

static struct array_answer
readd_by_itself (uint32_t id)
{
  return give (&(struct array_order){
    .verb = ARRAY_READD, .member = id, .by_itself = true });
}

static struct array_answer
readd (uint32_t id)
{
  return readd_with (id, false);
}

static void
is_refused (struct array_answer answer, const char *reason)
{
  ck_assert_msg (answer.reason != NULL, "done: %s", answer.text);
  ck_assert_str_eq (answer.reason, reason);
}

static enum member_state
state_of (uint32_t id)
{
  struct array_snapshot snapshot;

  sched_yield ();
  array_get_snapshot (memory.array, &snapshot);
  for (unsigned i = 0; i < snapshot.members; i++)
    if (snapshot.member[i].id == id)
      return snapshot.member[i].state;
  return MEMBER_STATES;
}

static void
wait_in_sync (uint32_t id)
{
  while (state_of (id) != MEMBER_IN_SYNC)
    ck_assert_int_ne (state_of (id), MEMBER_FAULTY);
}

/* Until what ends a rebuild has ended, too. */
static void
wait_nothing_missed (void)
{
  while (missed_bytes (&memory.array->missed) > 0)
    sched_yield ();
}

static uint32_t
comes_back (struct array_answer answer, const char *how)
{
  ck_assert_msg (answer.reason == NULL, "%s: %s", answer.reason, answer.text);
  ck_assert_msg (strstr (answer.text, how) != NULL, "%s", answer.text);
  wait_in_sync (answer.member);
  return answer.member;
}

#define BY_MAP "what it missed is copied to it, up to "
#define WHOLE "all data is copied to it, "

/* Both disks hold all that the clients can see. */
static void
unmake_alike (const struct memory_leg *other)
{
  static char all[2][MEMORY_LEG_SIZE];
  struct layout layout = array_get_layout (memory.array);
  uint64_t size = layout.array_size, piece;

  ck_assert_int_eq (memory_array_unmake (), 0);
  for (uint64_t at = 0; at < size; at += piece) {
    const struct memory_leg *legs[2] = { memory.leg[0], other };
    struct copy copies[LEGS_MAX];

    piece = layout_piece (&layout, at, size - at);
    layout_map (&layout, at, copies);
    for (unsigned i = 0; i < 2; i++)
      memcpy (all[i] + at, legs[copies[i].slot]->data + copies[i].offset,
              piece);
  }
  ck_assert_mem_eq (all[0], all[1], size);
}

/* What the server has lost was in its cache. */
START_TEST (it_gets_what_it_missed_and_what_it_may_have_lost)
{
  static char stable[MEMORY_LEG_SIZE];
  struct array_answer answer;
  struct memory_leg *disk;

  make (_i);
  put (WINDOW, 'b');
  ck_assert_int_eq (array_flush (memory.array), 0);
  memcpy (stable, memory.leg[1]->data, sizeof stable);
  put (3 * WINDOW, 'c');
  lose (memory.leg[1], in_order);
  put (7 * WINDOW, 'd');
  /* Nobody clears anything while it is out. */
  ck_assert_int_eq (array_flush (memory.array), 0);
  disk = serve (stable);
  answer = readd (2);
  ck_assert_uint_eq (answer.to_copy, 2 * WINDOW + MARK);
  comes_back (answer, BY_MAP);
  ck_assert_uint_gt (disk->written, 2 * PIECE);
  ck_assert_uint_le (disk->written, 2 * WINDOW + 2 * MARK);
  unmake_alike (disk);
}
END_TEST

START_TEST (once_it_is_back_it_has_missed_nothing)
{
  struct memory_leg *disk;
  struct array_answer answer;
  uint32_t id;

  make (_i);
  put (WINDOW, 'b');
  lose (memory.leg[1], in_order);
  put (2 * WINDOW, 'c');
  disk = serve (memory.leg[1]->data);
  id = comes_back (readd (2), BY_MAP);
  wait_nothing_missed ();
  lose (disk, in_order);
  disk = serve (disk->data);
  answer = readd (id);
  ck_assert_uint_eq (answer.to_copy, MARK);
  comes_back (answer, BY_MAP);
  ck_assert_uint_le (disk->written, 2 * MARK);
  unmake_alike (disk);
}
END_TEST

static void
fill_a (char *data)
{
  data[5 * WINDOW + 4096] = 'x';
}

static void
fill_b (char *data)
{
  data[0] = 'x';
}

static void
fill_c (char *data)
{
  data[MEMORY_LEG_SIZE - 1] = 'x';
}

static void
fill_nothing (char *data)
{
  memset (data, 0, MEMORY_LEG_SIZE);
}

/* It was on all disks. */
static void
fill_older (char *data)
{
  memset (data + WINDOW, 'a', PIECE);
}

static void (*const other_images[]) (char *data)
  = { fill_a, fill_b, fill_c, fill_nothing, fill_older };

START_TEST (another_image_is_refused_and_nothing_is_written_to_it)
{
  struct memory_leg *disk;

  make (0);
  put (WINDOW, 'b');
  ck_assert_int_eq (array_flush (memory.array), 0);
  lose (memory.leg[1], in_order);
  put (7 * WINDOW, 'd');
  disk = serve (memory.leg[1]->data);
  other_images[_i](disk->data);
  is_refused (readd (2), "not-a-copy");
  ck_assert_uint_eq (disk->written, 0);
  ck_assert_int_eq (state_of (2), MEMBER_FAULTY);
  /* But by order all is copied over it. */
  disk = serve (disk->data);
  comes_back (readd_with (2, true), WHOLE);
  unmake_alike (disk);
}
END_TEST

/* Alike is only what was written to: that says who it is. */
START_TEST (where_everything_was_written_to_something_alike_is_enough)
{
  struct memory_leg *disk;

  make (0);
  for (uint64_t at = 0; at < MEMORY_LEG_SIZE; at += WINDOW)
    put (at, 'b');
  lose (memory.leg[1], in_order);
  put (0, 'c');
  disk = serve (memory.leg[1]->data);
  comes_back (readd (2), BY_MAP);
  unmake_alike (disk);
}
END_TEST

START_TEST (where_nothing_tells_who_it_is_all_is_copied)
{
  struct memory_leg *disk;
  struct array_answer answer;

  make (0);
  for (uint64_t at = 0; at < MEMORY_LEG_SIZE; at += PIECE)
    put (at, 'b');
  lose (memory.leg[1], in_order);
  disk = serve (memory.leg[1]->data);
  memset (disk->data, 'x', MEMORY_LEG_SIZE);
  is_refused (readd (2), "overwrites");
  ck_assert_uint_eq (disk->written, 0);
  disk = serve (memory.leg[1]->data);
  memset (disk->data, 0, MEMORY_LEG_SIZE);
  answer = readd (2);
  ck_assert_msg (strstr (answer.text, "nothing on it tells") != NULL, "%s",
                 answer.text);
  comes_back (answer, WHOLE);
  unmake_alike (disk);
}
END_TEST

START_TEST (one_that_an_error_took_out_gets_everything)
{
  struct memory_leg *disk;
  struct array_answer answer;

  make (0);
  memory.leg[1]->error[CHILD_WRITE] = -EIO;
  put (WINDOW, 'b');
  while (!memory.leg[1]->closed)
    sched_yield ();
  disk = serve (memory.leg[1]->data);
  answer = readd (2);
  ck_assert_msg (strstr (answer.text, "in doubt: Input/output error") != NULL,
                 "%s", answer.text);
  comes_back (answer, WHOLE);
  unmake_alike (disk);
}
END_TEST

/* Not even over one that is blank: it may be meant for something else. */
START_TEST (by_itself_only_what_is_proven_comes_back)
{
  struct memory_leg *disk;

  make (0);
  memory.leg[1]->error[CHILD_WRITE] = -EIO;
  put (WINDOW, 'b');
  while (!memory.leg[1]->closed)
    sched_yield ();
  disk = serve (memory.leg[1]->data);
  memset (disk->data, 0, MEMORY_LEG_SIZE);
  is_refused (readd_by_itself (2), "full-copy-needed");
  ck_assert_uint_eq (disk->written, 0);
  disk = serve (memory.leg[1]->data);
  comes_back (readd_by_itself (2), WHOLE);
  unmake_alike (disk);
}
END_TEST

START_TEST (one_of_another_size_gets_everything)
{
  struct memory_leg *disk;
  struct array_answer answer;

  make (0);
  lose (memory.leg[1], in_order);
  disk = serve (memory.leg[1]->data);
  disk->leg.caps.exact_size++;
  answer = readd (2);
  ck_assert_msg (strstr (answer.text, "size has changed") != NULL, "%s",
                 answer.text);
  comes_back (answer, WHOLE);
  unmake_alike (disk);
}
END_TEST

START_TEST (where_a_write_failed_everywhere_nothing_is_cleared)
{
  struct array_answer answer;
  struct memory_leg *disk;
  char data[PIECE] = "torn";

  make (0);
  for (unsigned i = 0; i < 2; i++) {
    memory.leg[i]->error[CHILD_WRITE] = -ENOSPC;
    memory.leg[i]->once[CHILD_WRITE] = true;
  }
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, WINDOW, 0),
                    -ENOSPC);
  /* As if it had reached one of them. */
  memory.leg[0]->data[WINDOW] = 't';
  ck_assert_int_eq (array_flush (memory.array), 0);
  lose (memory.leg[1], in_order);
  disk = serve (memory.leg[1]->data);
  answer = readd (2);
  ck_assert_uint_eq (answer.to_copy, WINDOW + MARK);
  comes_back (answer, BY_MAP);
  unmake_alike (disk);
}
END_TEST

/* What cannot flush may lose everything. */
START_TEST (of_one_that_cannot_flush_nothing_is_cleared)
{
  struct memory_leg *disk;
  struct array_answer answer;

  cannot_flush = true;
  make (0);
  put (WINDOW, 'b');
  ck_assert_int_eq (array_flush (memory.array), 0);
  lose (memory.leg[1], in_order);
  disk = serve (memory.leg[1]->data);
  answer = readd (2);
  ck_assert_uint_eq (answer.to_copy, WINDOW + MARK);
  comes_back (answer, BY_MAP);
  unmake_alike (disk);
}
END_TEST

/* ------------------------------------------------- what was not finished */

START_TEST (a_catch_up_that_is_cut_off_is_begun_again_by_the_map)
{
  struct memory_leg *disk;
  struct array_answer answer;
  uint32_t id;

  make (_i);
  put (WINDOW, 'b');
  lose (memory.leg[1], in_order);
  put (2 * WINDOW, 'c');
  array_sync_pause (memory.array);
  disk = serve (memory.leg[1]->data);
  id = readd (2).member;
  ck_assert (unfinished_is ((const uint8_t *)disk->data));
  put (9 * WINDOW, 'd');
  lose (disk, in_order);
  disk = serve (disk->data);
  answer = readd (id);
  array_sync_resume (memory.array);
  comes_back (answer, BY_MAP);
  ck_assert_uint_le (disk->written, 3 * WINDOW + 2 * MARK);
  unmake_alike (disk);
}
END_TEST

START_TEST (a_mark_of_somebody_else_is_believed)
{
  struct memory_leg *disk;
  struct array_answer answer;

  make (0);
  lose (memory.leg[1], in_order);
  disk = serve (memory.leg[1]->data);
  unfinished_encode ((uint8_t *)disk->data);
  answer = readd (2);
  ck_assert_msg (strstr (answer.text, "says that it is no copy") != NULL, "%s",
                 answer.text);
  comes_back (answer, WHOLE);
  unmake_alike (disk);
}
END_TEST

/* One that got everything, and was lost before it had: the map has only what
 * was written since.
 */
START_TEST (one_that_never_was_a_copy_gets_everything)
{
  struct memory_leg *disk;
  struct array_answer answer;
  uint32_t id;

  make (0);
  lose (memory.leg[1], in_order);
  array_sync_pause (memory.array);
  disk = serve (memory.leg[1]->data);
  id = readd_with (2, true).member;
  lose (disk, in_order);
  disk = serve (disk->data);
  answer = readd (id);
  array_sync_resume (memory.array);
  comes_back (answer, WHOLE);
  unmake_alike (disk);
}
END_TEST

/* ------------------------------------------------------------------ others */

START_TEST (when_another_disk_had_its_place_the_map_has_forgotten)
{
  const struct array_order add = { .verb = ARRAY_ADD, .disk = "memory:3" };
  struct array_answer answer;
  struct memory_leg *disk;
  uint32_t id;

  make (0);
  lose (memory.leg[1], in_order);
  put (WINDOW, 'b');
  memory.other[3] = memory_leg_new (31);
  memory.other[3]->leg.name = "memory:3";
  ck_assert_int_eq (array_change (memory.array, &add, &answer), 0);
  id = answer.member;
  wait_in_sync (id);
  wait_nothing_missed ();
  ck_assert_int_eq (array_change (
                      memory.array,
                      &(struct array_order){ .verb = ARRAY_REMOVE,
                                             .member = id },
                      &answer),
                    0);
  disk = serve (memory.leg[1]->data);
  answer = readd (2);
  is_refused (answer, "overwrites");
  disk = serve (memory.leg[1]->data);
  answer = readd_with (2, true);
  comes_back (answer, WHOLE);
  unmake_alike (disk);
}
END_TEST

START_TEST (local_disks_alone_need_no_map)
{
  make_with (&layouts[0], false);
  ck_assert_uint_eq (missed_memory (&memory.array->missed), 0);
  ck_assert (!memory.array->missed.is_kept);
  put (WINDOW, 'b');
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (with_the_first_remote_disk_there_is_one)
{
  const struct array_order fail = { .verb = ARRAY_FAIL, .member = 2 };
  const struct array_order add = { .verb = ARRAY_ADD, .disk = "memory:1",
                                   .discard = true };
  struct array_answer answer;
  uint64_t before;
  struct memory_leg *disk;
  uint32_t id;

  make_with (&layouts[0], false);
  before = array_memory_used (memory.array);
  ck_assert_int_eq (array_change (memory.array, &fail, &answer), 0);
  disk = serve (memory.leg[1]->data);
  ck_assert_int_eq (array_change (memory.array, &add, &answer), 0);
  id = answer.member;
  wait_in_sync (id);
  ck_assert_uint_ge (array_memory_used (memory.array),
                     before + missed_memory (&memory.array->missed));
  ck_assert_uint_gt (missed_memory (&memory.array->missed), 0);
  wait_nothing_missed ();
  lose (disk, in_order);
  put (WINDOW, 'b');
  disk = serve (disk->data);
  answer = readd (id);
  ck_assert_uint_eq (answer.to_copy, WINDOW + MARK);
  comes_back (answer, BY_MAP);
  unmake_alike (disk);
}
END_TEST

/* ------------------------------------------------ what comes late, or twice */

static struct memory_leg *returned;

/* The old server carries out what it was sent before it was cut off. */
static void
comes_late (void)
{
  memset (returned->data + 3 * WINDOW, 'z', PIECE);
}

/* The mark is written, and once more, then the windows in order. */
static void
third_comes_late (void)
{
  returned->meanwhile[CHILD_WRITE] = comes_late;
}

static void
second_then_third (void)
{
  returned->meanwhile[CHILD_WRITE] = third_comes_late;
}

static void
spoil_mark (void)
{
  memset (returned->data, 'z', PIECE);
}

static void
second_spoils_mark (void)
{
  returned->meanwhile[CHILD_WRITE] = spoil_mark;
}

/* The second disk, when a write to it was under way. */
static void
cut_off (void)
{
  const struct leg_end cut = { .writes_in_flight = true };

  memory.leg[1]->error[CHILD_WRITE] = -ENOTCONN;
  atomic_fetch_add (&memory.leg[1]->leg.generation, 1);
  memory.leg[1]->leg.end = cut;
  put (3 * WINDOW, 'b');
  while (!memory.leg[1]->closed)
    sched_yield ();
  put (7 * WINDOW, 'c');
  returned = serve (memory.leg[1]->data);
}

START_TEST (what_an_old_server_may_still_do_is_copied_afterwards)
{
  make (0);
  cut_off ();
  returned->meanwhile[CHILD_WRITE] = second_then_third;
  comes_back (readd (2), BY_MAP);
  ck_assert_ptr_null (returned->meanwhile[CHILD_WRITE]);
  unmake_alike (returned);
}
END_TEST

/* Where all is copied the fourth window is the sixth write; or, if the mark is
 * not written twice, the fifth.
 */
static unsigned writes_before;

static void
count_writes (void)
{
  returned->meanwhile[CHILD_WRITE]
    = --writes_before > 1 ? count_writes : comes_late;
}

static void
sixth_comes_late (void)
{
  writes_before = 5;
  returned->meanwhile[CHILD_WRITE] = count_writes;
}

/* Nobody knows any more which one it was. */
START_TEST (what_is_late_is_not_forgotten_with_the_member)
{
  const struct array_order remove = { .verb = ARRAY_REMOVE, .member = 2 };
  const struct array_order add = { .verb = ARRAY_ADD, .disk = "memory:1",
                                   .discard = true };

  make (0);
  cut_off ();
  ck_assert_ptr_null (give (&remove).reason);
  sixth_comes_late ();
  comes_back (give (&add), WHOLE);
  ck_assert_ptr_null (returned->meanwhile[CHILD_WRITE]);
  unmake_alike (returned);
}
END_TEST

/* With another number, while its own one is still known. */
START_TEST (what_is_late_comes_to_the_disk_whatever_its_number_is)
{
  const struct array_order add = { .verb = ARRAY_ADD, .disk = "memory:1",
                                   .discard = true };

  make_with (&layouts[0], true);
  cut_off ();
  sixth_comes_late ();
  comes_back (give (&add), WHOLE);
  ck_assert_ptr_null (returned->meanwhile[CHILD_WRITE]);
  unmake_alike (returned);
}
END_TEST

START_TEST (a_mark_that_an_old_server_has_spoilt_is_there_again)
{
  make (0);
  array_sync_pause (memory.array);
  cut_off ();
  returned->meanwhile[CHILD_WRITE] = second_spoils_mark;
  ck_assert_ptr_null (readd (2).reason);
  while (returned->written < 2 * MARK)
    sched_yield ();
  ck_assert_int_eq (memory_array_unmake (), 0);
  ck_assert (unfinished_is ((const uint8_t *)returned->data));
}
END_TEST

static unsigned compared;

/* The stop comes with the first of what is compared. */
static int
read_and_stop (struct leg *leg, void *buffer, uint64_t length, uint64_t offset)
{
  struct requests *modifiers = &memory.array->modifiers;

  if (requests_free_count (modifiers) < modifiers->total) {
    compared++;
    requests_close (modifiers);
  }
  return memory_leg_read_now (leg, buffer, length, offset);
}

START_TEST (the_stop_does_not_wait_until_all_is_compared)
{
  struct memory_leg *disk;
  struct leg_ops ops;

  make (_i);
  lose (memory.leg[1], in_order);
  disk = serve (memory.leg[1]->data);
  ops = *disk->leg.ops;
  ops.read_now = read_and_stop;
  disk->leg.ops = &ops;
  /* It looks as if nobody was there: to be tried again, if it ever is. */
  is_refused (readd (2), "missing");
  ck_assert_uint_eq (compared, 1);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_loop_test (tcase, the_stop_does_not_wait_until_all_is_compared, 0,
                       LAYOUTS);
  tcase_add_loop_test (tcase,
                       it_gets_what_it_missed_and_what_it_may_have_lost, 0,
                       LAYOUTS);
  tcase_add_loop_test (tcase, once_it_is_back_it_has_missed_nothing, 0,
                       LAYOUTS);
  tcase_add_loop_test (tcase,
                       another_image_is_refused_and_nothing_is_written_to_it,
                       0, (int)ARRAY_LENGTH (other_images));
  tcase_add_test (tcase,
                  where_everything_was_written_to_something_alike_is_enough);
  tcase_add_test (tcase, where_nothing_tells_who_it_is_all_is_copied);
  tcase_add_test (tcase, one_that_an_error_took_out_gets_everything);
  tcase_add_test (tcase, by_itself_only_what_is_proven_comes_back);
  tcase_add_test (tcase, one_of_another_size_gets_everything);
  tcase_add_test (tcase, where_a_write_failed_everywhere_nothing_is_cleared);
  tcase_add_test (tcase, of_one_that_cannot_flush_nothing_is_cleared);
  tcase_add_loop_test (tcase,
                       a_catch_up_that_is_cut_off_is_begun_again_by_the_map,
                       0, LAYOUTS);
  tcase_add_test (tcase, a_mark_of_somebody_else_is_believed);
  tcase_add_test (tcase, one_that_never_was_a_copy_gets_everything);
  tcase_add_test (tcase,
                  when_another_disk_had_its_place_the_map_has_forgotten);
  tcase_add_test (tcase, local_disks_alone_need_no_map);
  tcase_add_test (tcase, with_the_first_remote_disk_there_is_one);
  tcase_add_test (tcase, what_an_old_server_may_still_do_is_copied_afterwards);
  tcase_add_test (tcase, what_is_late_is_not_forgotten_with_the_member);
  tcase_add_test (tcase, what_is_late_comes_to_the_disk_whatever_its_number_is);
  tcase_add_test (tcase, a_mark_that_an_old_server_has_spoilt_is_there_again);
}

int
main (void)
{
  return unit_main ("comeback", add_tests);
}
