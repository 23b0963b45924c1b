/* SPDX-License-Identifier: BSD-3-Clause */
/* Orders that change the members of a plain array of legs in memory. */
#include "engine/array-internal.h"
#include "ground/ground.h"
#include "ground/util.h"
#include "logic/unfinished.h"
#include "memory-array.h"
#include "unit.h"

#define AT (64 * 1024u)
#define FIRST 20 /* numbers of legs that come later */

static char data[8192], back[8192];

static const struct layout layouts[] = {
  { .level = LEVEL_RAID1, .slots = 2, .near = 1, .far = 1 },
  { .level = LEVEL_RAID10, .slots = 2, .near = 2, .far = 1, .chunk = 65536 },
  { .level = LEVEL_RAID10, .slots = 2, .near = 1, .far = 2, .chunk = 8192 },
  { .level = LEVEL_RAID10, .slots = 2, .near = 1, .far = 2, .offset = true,
    .chunk = 4096 },
};
#define LAYOUTS ((int)ARRAY_LENGTH (layouts))

static void
make (int layout)
{
  memory_array_make_plain (&layouts[layout]);
  memset (data, 'd', sizeof data);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0), 0);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, AT, 0), 0);
}

/* A disk that the array can be given. */
static struct memory_leg *
offer (unsigned number)
{
  static char name[OTHERS][16];

  memory.other[number] = memory_leg_new (FIRST + number);
  snprintf (name[number], sizeof name[number], "memory:%u", number);
  memory.other[number]->leg.name = name[number];
  return memory.other[number];
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
order (enum array_verb verb, uint32_t member, const char *disk)
{
  return give (&(struct array_order){
    .verb = verb, .member = member, .disk = disk });
}

static uint32_t
accepted (struct array_answer answer)
{
  ck_assert_msg (answer.reason == NULL, "%s: %s", answer.reason, answer.text);
  ck_assert_msg (strstr (answer.text, "nothing remembers this") != NULL, "%s",
                 answer.text);
  return answer.member;
}

static void
refused (struct array_answer answer, const char *reason)
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

/* The disks of both slots hold all that the clients can see. */
static void
unmake_alike (const struct memory_leg *a, const struct memory_leg *b)
{
  static char all[2][MEMORY_LEG_SIZE];
  uint64_t size = array_get_layout (memory.array).array_size, piece;
  struct layout layout = array_get_layout (memory.array);

  ck_assert_int_eq (memory_array_unmake (), 0);
  for (uint64_t at = 0; at < size; at += piece) {
    const struct memory_leg *legs[2] = { a, b };
    struct copy copies[LEGS_MAX];

    piece = layout_piece (&layout, at, size - at);
    layout_map (&layout, at, copies);
    for (unsigned i = 0; i < 2; i++)
      memcpy (all[i] + at, legs[copies[i].slot]->data + copies[i].offset,
              piece);
  }
  ck_assert_mem_eq (all[0], all[1], size);
}

START_TEST (a_new_disk_is_copied_to_while_clients_write)
{
  struct memory_leg *new;
  uint32_t id;

  make (_i);
  accepted (order (ARRAY_FAIL, 2, NULL));
  new = offer (0);
  id = accepted (order (ARRAY_ADD, 0, "memory:0"));
  for (unsigned i = 0; i < 50; i++) {
    memset (data, i, sizeof data);
    ck_assert_int_eq (
      array_write (memory.array, data, sizeof data, i % 5 * 2048, 0), 0);
  }
  wait_in_sync (id);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, AT, 0), 0);
  unmake_alike (memory.leg[0], new);
  ck_assert_msg (strstr (memory.messages, "start it the next time with "
                         "disk=memory disk=memory:0") != NULL,
                 "%s", memory.messages);
}
END_TEST

START_TEST (a_disk_that_was_not_finished_says_so_itself)
{
  struct memory_leg *new;

  make (_i);
  accepted (order (ARRAY_FAIL, 2, NULL));
  array_sync_pause (memory.array);
  new = offer (0);
  accepted (order (ARRAY_ADD, 0, "memory:0"));
  ck_assert (unfinished_is ((const uint8_t *)new->data));
  /* What clients write there meanwhile changes nothing of that, and is read. */
  memset (data, 'w', sizeof data);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0), 0);
  ck_assert_int_eq (array_zero (memory.array, 512, 0, 0), 0);
  ck_assert_int_eq (array_read (memory.array, back, sizeof back, 0), 0);
  memset (data, 0, 512);
  ck_assert_mem_eq (back, data, sizeof back);
  ck_assert_int_eq (memory_array_unmake (), 0);
  ck_assert (unfinished_is ((const uint8_t *)new->data));
  ck_assert_msg (strstr (memory.messages, "IS NOT A COPY") != NULL, "%s",
                 memory.messages);
}
END_TEST

/* Until the thread of rebuilds has begun to look what there is to do. */
static void
let_rebuilds_look (void)
{
  struct worker *worker = &memory.array->resync.worker;
  bool woken = true;

  worker_wake (worker);
  while (woken) {
    sched_yield ();
    ground_mutex_lock (&worker->lock);
    woken = worker->woken;
    ground_mutex_unlock (&worker->lock);
  }
}

/* It has done all there was when it begins a second time. */
static void
let_rebuilds_run (void)
{
  let_rebuilds_look ();
  let_rebuilds_look ();
}

START_TEST (a_disk_is_marked_before_anything_is_copied_to_it)
{
  struct memory_leg *new;
  uint32_t id;

  make (0);
  accepted (order (ARRAY_FAIL, 2, NULL));
  new = offer (0);
  new->meanwhile[CHILD_WRITE] = let_rebuilds_run;
  id = accepted (order (ARRAY_ADD, 0, "memory:0"));
  wait_in_sync (id);
  unmake_alike (memory.leg[0], new);
}
END_TEST

START_TEST (the_mark_is_on_the_disk_for_sure_before_it_joins)
{
  struct memory_leg *new;

  make (0);
  accepted (order (ARRAY_FAIL, 2, NULL));
  array_sync_pause (memory.array);
  new = offer (0);
  accepted (order (ARRAY_ADD, 0, "memory:0"));
  ck_assert (unfinished_is ((const uint8_t *)new->data));
  ck_assert_uint_ge (new->count[CHILD_FLUSH], 1);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* Flushes before the last write to the new disk, and before the one before. */
static unsigned at_last_write, at_write_before;

static void
count_flushes (void)
{
  at_write_before = at_last_write;
  at_last_write = memory.other[0]->count[CHILD_FLUSH];
  memory.other[0]->meanwhile[CHILD_WRITE] = count_flushes;
}

/* The beginning is written last, over the mark. */
START_TEST (the_mark_goes_between_two_flushes)
{
  struct memory_leg *new;
  uint32_t id;

  make (0);
  accepted (order (ARRAY_FAIL, 2, NULL));
  new = offer (0);
  new->meanwhile[CHILD_WRITE] = count_flushes;
  id = accepted (order (ARRAY_ADD, 0, "memory:0"));
  wait_in_sync (id);
  ck_assert_uint_gt (at_last_write, at_write_before);
  ck_assert_uint_gt (new->count[CHILD_FLUSH], at_last_write);
  new->meanwhile[CHILD_WRITE] = NULL;
  unmake_alike (memory.leg[0], new);
}
END_TEST

START_TEST (what_was_not_finished_may_be_begun_anew)
{
  struct memory_leg *new;
  uint32_t id;

  make (0);
  accepted (order (ARRAY_FAIL, 2, NULL));
  new = offer (0);
  unfinished_encode ((uint8_t *)new->data);
  memset (new->data + AT, 'x', AT);
  id = accepted (order (ARRAY_ADD, 0, "memory:0"));
  wait_in_sync (id);
  unmake_alike (memory.leg[0], new);
}
END_TEST

START_TEST (what_a_disk_holds_is_not_overwritten_unasked)
{
  struct array_order with_discard
    = { .verb = ARRAY_ADD, .disk = "memory:0", .discard = true };
  struct memory_leg *new;
  uint32_t id;

  make (0);
  accepted (order (ARRAY_FAIL, 2, NULL));
  offer (0)->data[MEMORY_LEG_SIZE - 1] = 'x';
  refused (order (ARRAY_ADD, 0, "memory:0"), "overwrites");
  /* Another disk than the one that failed. */
  offer (0)->data[0] = 'x';
  refused (order (ARRAY_READD, 2, "memory:0"), "overwrites");
  new = offer (0);
  new->data[0] = 'x';
  id = accepted (give (&with_discard));
  wait_in_sync (id);
  unmake_alike (memory.leg[0], new);
}
END_TEST

START_TEST (a_disk_that_failed_comes_back_with_all_data)
{
  struct array_answer answer;
  struct memory_leg *old;

  make (_i);
  accepted (order (ARRAY_FAIL, 2, NULL));
  memset (data, 'n', sizeof data);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, AT, 0), 0);
  while (!memory.leg[1]->closed)
    sched_yield ();
  old = offer (0);
  memcpy (old->data, memory.leg[1]->data, MEMORY_LEG_SIZE);
  strcpy (old->leg.identity, memory.leg[1]->leg.identity);
  answer = order (ARRAY_READD, 2, "memory:0");
  accepted (answer);
  ck_assert_uint_eq (answer.to_copy, array_get_layout (memory.array).member_size);
  ck_assert_int_eq (state_of (2), MEMBER_STATES);
  wait_in_sync (answer.member);
  refused (order (ARRAY_READD, 1, "memory:0"), "same-disk");
  unmake_alike (memory.leg[0], old);
}
END_TEST

START_TEST (a_replaced_disk_serves_until_the_new_one_has_everything)
{
  struct memory_leg *new;
  uint32_t id;

  make (_i);
  array_sync_pause (memory.array);
  new = offer (0);
  id = accepted (order (ARRAY_REPLACE, 1, "memory:0"));
  ck_assert_int_eq (state_of (1), MEMBER_IN_SYNC);
  ck_assert_int_eq (state_of (id), MEMBER_REPLACING);
  /* Where the one cannot be read the other one is. */
  memory.leg[0]->bad = AT;
  memory.leg[0]->bad_length = 4096;
  array_sync_resume (memory.array);
  wait_in_sync (id);
  ck_assert_int_eq (state_of (1), MEMBER_FAULTY);
  accepted (order (ARRAY_REMOVE, 1, NULL));
  unmake_alike (new, memory.leg[1]);
}
END_TEST

/* The only current copy refuses a write that the other one takes. */
static void
tear (void)
{
  memset (data, 't', sizeof data);
  memory.leg[0]->once[CHILD_WRITE] = true;
  memory.leg[0]->error[CHILD_WRITE] = -EIO;
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, AT, 0), -EIO);
}

START_TEST (what_a_failed_write_left_on_a_new_disk_is_copied_over)
{
  struct memory_leg *new;
  uint32_t id;

  make (_i);
  accepted (order (ARRAY_FAIL, 2, NULL));
  array_sync_pause (memory.array);
  new = offer (0);
  id = accepted (order (ARRAY_ADD, 0, "memory:0"));
  /* When all was copied. */
  new->meanwhile[CHILD_FLUSH] = tear;
  array_sync_resume (memory.array);
  wait_in_sync (id);
  unmake_alike (memory.leg[0], new);
}
END_TEST

START_TEST (a_disk_that_does_not_fit_is_refused)
{
  struct memory_leg *new;

  make (0);
  accepted (order (ARRAY_FAIL, 2, NULL));
  new = offer (0);
  new->leg.caps.size--;
  refused (order (ARRAY_ADD, 0, "memory:0"), "too-small");
  new = offer (0);
  new->leg.caps.block_minimum = 512;
  refused (order (ARRAY_ADD, 0, "memory:0"), "block-size");
  new = offer (0);
  new->leg.caps.readonly = true;
  refused (order (ARRAY_ADD, 0, "memory:0"), "read-only");
  new = offer (0);
  new->error[CHILD_WRITE] = -EIO;
  refused (order (ARRAY_ADD, 0, "memory:0"), "not-recorded");
  ck_assert_int_eq (state_of (3), MEMBER_STATES);
  refused (order (ARRAY_ADD, 0, "memory:5"), "missing");
  refused (order (ARRAY_READD, 1, "memory:5"), "missing");
  offer (0);
  refused (order (ARRAY_READD, 1, "memory:0"), "in-use");
  offer (0);
  refused (order (ARRAY_REPLACE, 2, "memory:0"), "failed");
  offer (0);
  strcpy (memory.other[0]->leg.identity, memory.leg[0]->leg.identity);
  refused (order (ARRAY_ADD, 0, "memory:0"), "same-disk");
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (a_member_of_an_md_array_is_refused)
{
  struct memory_leg *new;
  char *member;

  /* One of those has a superblock. */
  memory_array_plan (false);
  memory_array_make ();
  ck_assert_int_eq (memory_array_unmake (), 0);
  member = malloc (MEMORY_LEG_SIZE);
  memcpy (member, memory.leg[0]->data, MEMORY_LEG_SIZE);
  make (0);
  accepted (order (ARRAY_FAIL, 2, NULL));
  new = offer (0);
  memcpy (new->data, member, MEMORY_LEG_SIZE);
  free (member);
  refused (order (ARRAY_ADD, 0, "memory:0"), "md-member");
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* The read has its range locked when the disk comes in sync, and the only other
 * copy is gone then.
 */
static _Atomic bool all_is_copied, read_is_under_way;
static uint32_t newcomer;

static void
wait_for_the_read (void)
{
  all_is_copied = true;
  while (!read_is_under_way)
    sched_yield ();
}

static void
last_flush_waits (void)
{
  memory.other[0]->meanwhile[CHILD_FLUSH] = wait_for_the_read;
}

static void
old_copy_goes (void)
{
  read_is_under_way = true;
  wait_in_sync (newcomer);
  memory.leg[0]->error[CHILD_READ] = -ENODEV;
}

static void
first_try_fails (void)
{
  memory.leg[0]->once[CHILD_READ] = true;
  memory.leg[0]->error[CHILD_READ] = -EIO;
  memory.leg[0]->meanwhile[CHILD_READ] = old_copy_goes;
}

START_TEST (a_read_finds_a_copy_that_came_in_sync_meanwhile)
{
  make (0);
  accepted (order (ARRAY_FAIL, 2, NULL));
  array_sync_pause (memory.array);
  offer (0);
  newcomer = accepted (order (ARRAY_ADD, 0, "memory:0"));
  memory.other[0]->meanwhile[CHILD_FLUSH] = last_flush_waits;
  array_sync_resume (memory.array);
  while (!all_is_copied)
    sched_yield ();
  memory.leg[0]->meanwhile[CHILD_READ] = first_try_fails;
  ck_assert_int_eq (array_read (memory.array, back, sizeof back, AT), 0);
  ck_assert_mem_eq (back, data, sizeof back);
  ck_assert_int_eq (state_of (1), MEMBER_FAULTY);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_loop_test (tcase, a_new_disk_is_copied_to_while_clients_write, 0,
                       LAYOUTS);
  tcase_add_loop_test (tcase, a_disk_that_was_not_finished_says_so_itself, 0,
                       LAYOUTS);
  tcase_add_test (tcase, a_disk_is_marked_before_anything_is_copied_to_it);
  tcase_add_test (tcase, the_mark_is_on_the_disk_for_sure_before_it_joins);
  tcase_add_test (tcase, the_mark_goes_between_two_flushes);
  tcase_add_test (tcase, what_was_not_finished_may_be_begun_anew);
  tcase_add_test (tcase, what_a_disk_holds_is_not_overwritten_unasked);
  tcase_add_loop_test (tcase, a_disk_that_failed_comes_back_with_all_data, 0,
                       LAYOUTS);
  tcase_add_loop_test (
    tcase, a_replaced_disk_serves_until_the_new_one_has_everything, 0,
    LAYOUTS);
  tcase_add_loop_test (
    tcase, what_a_failed_write_left_on_a_new_disk_is_copied_over, 0, LAYOUTS);
  tcase_add_test (tcase, a_read_finds_a_copy_that_came_in_sync_meanwhile);
  tcase_add_test (tcase, a_disk_that_does_not_fit_is_refused);
  tcase_add_test (tcase, a_member_of_an_md_array_is_refused);
}

int
main (void)
{
  return unit_main ("change-plain", add_tests);
}
