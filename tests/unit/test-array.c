/* SPDX-License-Identifier: BSD-3-Clause */
/* The array's decisions, one by one: what takes a member out, what does not,
 * what a client is told.  (Interleavings are the simulator's.)
 */
#include <unistd.h>

#include "engine/array-internal.h"
#include "engine/array/failure.h"
#include "ground/ground.h"
#include "ground/log.h"
#include "ground/util.h"
#include "tests/unit/memory-leg.h"
#include "tests/unit/unit.h"

static struct memory_leg *leg[LEGS_MAX];
static struct array *array;
static char messages[64 * 1024];
static char data[8192], back[8192];
static unsigned pool, requests; /* 0: the defaults */
static uint64_t joined_at; /* the connection number of new legs */

static void
remember (enum log_level level, const char *message)
{
  if (level == LOG_LEVEL_ERROR)
    strcat (strcat (messages, message), "\n");
}

static unsigned
messages_about (const char *text)
{
  unsigned count = 0;

  for (const char *at = messages; (at = strstr (at, text)) != NULL; at++)
    count++;
  return count;
}

/* raid1, or raid10 with near copies and 4 KiB chunks. */
static void
make (unsigned slots, unsigned near)
{
  struct array_config config
    = { .legs = slots,
        .layout = { .level = near > 1 ? LEVEL_RAID10 : LEVEL_RAID1,
                    .slots = slots,
                    .near = near,
                    .far = 1,
                    .chunk = near > 1 ? 4096 : 0 },
        .pool = pool,
        .requests = requests };
  struct leg *legs[LEGS_MAX];
  char why[MESSAGE_MAX] = "";

  log_set_sink (remember);
  messages[0] = '\0';
  memset (data, 'x', sizeof data);
  for (unsigned i = 0; i < slots; i++) {
    leg[i] = memory_leg_new (i);
    legs[i] = &leg[i]->leg;
    atomic_store (&legs[i]->generation, joined_at);
  }
  ck_assert_msg (array_create (&config, legs, NULL, &array, why) == 0, "%s", why);
  ck_assert_int_eq (array_start (array), 0);
}

static uint32_t
in_sync (void)
{
  struct array_status status;

  array_get_status (array, &status);
  ck_assert_uint_eq (status.pool_free, status.pool_total);
  ck_assert_uint_eq (status.requests_free, status.requests_total);
  return status.in_sync;
}

static void
unmake (void)
{
  array_quiesce (array, ground_now () + GROUND_S);
  array_close (array);
}

START_TEST (a_write_reaches_every_disk)
{
  make (3, 1);
  ck_assert_int_eq (array_write (array, data, 8192, 12345, 0), 0);
  for (unsigned i = 0; i < 3; i++)
    ck_assert_mem_eq (leg[i]->data + 12345, data, 8192);
  unmake ();
}
END_TEST

/* Of the reads since the last time. */
static uint32_t
read_flags (unsigned slots)
{
  uint32_t flags = 0;

  for (unsigned i = 0; i < slots; i++) {
    flags |= leg[i]->flags[CHILD_READ];
    leg[i]->flags[CHILD_READ] = 0;
  }
  return flags;
}

START_TEST (a_read_is_alone_if_it_has_one_piece_only)
{
  make (4, 2);
  ck_assert_int_eq (array_read (array, back, 4096, 0), 0);
  ck_assert_uint_eq (read_flags (4), CHILD_ALONE);
  ck_assert_int_eq (array_read (array, back, 8192, 0), 0);
  ck_assert_uint_eq (read_flags (4), 0);
  unmake ();
}
END_TEST

START_TEST (a_failed_write_takes_the_disk_out_and_says_so_once)
{
  make (2, 1);
  leg[1]->error[CHILD_WRITE] = -EIO;
  ck_assert_int_eq (array_write (array, data, 4096, 0, 0), 0);
  ck_assert_uint_eq (in_sync (), 1);
  ck_assert_int_eq (array_write (array, data, 4096, 4096, 0), 0);
  ck_assert_uint_eq (leg[1]->count[CHILD_WRITE], 1);
  ck_assert_uint_eq (messages_about ("OUT OF THE MIRROR"), 1);
  unmake ();
}
END_TEST

START_TEST (a_write_that_every_disk_refuses_is_the_clients_error)
{
  make (2, 1);
  leg[0]->error[CHILD_WRITE] = leg[1]->error[CHILD_WRITE] = -ENOSPC;
  ck_assert_int_eq (array_write (array, data, 4096, 0, 0), -ENOSPC);
  ck_assert_uint_eq (in_sync (), 3);
  unmake ();
}
END_TEST

START_TEST (the_last_copy_stays_and_its_errors_reach_the_client)
{
  make (2, 1);
  leg[0]->error[CHILD_WRITE] = -EIO;
  ck_assert_int_eq (array_write (array, data, 4096, 0, 0), 0);
  leg[1]->error[CHILD_WRITE] = leg[1]->error[CHILD_READ] = -EIO;
  ck_assert_int_eq (array_write (array, data, 4096, 0, 0), -EIO);
  ck_assert_int_eq (array_read (array, back, 4096, 0), -EIO);
  ck_assert_uint_eq (in_sync (), 2);
  leg[1]->error[CHILD_READ] = 0;
  ck_assert_int_eq (array_read (array, back, 4096, 0), 0);
  unmake ();
}
END_TEST

/* raid10 n2 on 3 disks: slot 0 gone, then slot 1 fails a chunk that slot 2
 * has, too; but slot 1 holds the last copy of others.
 */
START_TEST (raid10_keeps_a_disk_that_has_some_last_copy)
{
  make (3, 2);
  leg[0]->error[CHILD_WRITE] = -EIO;
  ck_assert_int_eq (array_write (array, data, 4096, 0, 0), 0);
  ck_assert_uint_eq (in_sync (), 6);
  leg[1]->error[CHILD_WRITE] = -EIO;
  /* Chunk 2 lies on slots 1 and 2. */
  ck_assert_int_eq (array_write (array, data, 4096, 2 * 4096, 0), -EIO);
  ck_assert_uint_eq (in_sync (), 6);
  unmake ();
}
END_TEST

static const int odd_errors[]
  = { -EINVAL, -EOPNOTSUPP, -EAGAIN, -EINTR, -ENOMEM };

#define ODD_ERRORS ARRAY_LENGTH (odd_errors)

/* By number. */
static int
modify (unsigned kind)
{
  switch (kind) {
  case 0:
    return array_write (array, data, 4096, 0, 0);
  case 1:
    return array_zero (array, 4096, 0, 0);
  case 2:
    return array_trim (array, 4096, 0, 0);
  case 3:
    return array_write (array, data, 4096, 0, ARRAY_FUA);
  default:
    return array_flush (array);
  }
}

#define KINDS 5

static void
set_odd (unsigned slot, int error, bool once)
{
  leg[slot]->error[CHILD_WRITE] = leg[slot]->error[CHILD_FLUSH] = error;
  leg[slot]->error[CHILD_ZERO] = error;
  leg[slot]->once[CHILD_WRITE] = leg[slot]->once[CHILD_ZERO] = once;
}

START_TEST (who_cannot_do_what_another_did_is_out_whatever_it_says)
{
  for (unsigned i = 0; i < ODD_ERRORS; i++) {
    make (2, 1);
    set_odd (_i % 2, odd_errors[i], false);
    ck_assert_int_eq (modify (_i / 2), 0);
    ck_assert_uint_eq (in_sync (), 2 >> _i % 2);
    ck_assert_int_eq (array_flush (array), 0);
    unmake ();
  }
}
END_TEST

START_TEST (who_can_do_it_the_second_time_stays)
{
  for (unsigned i = 0; i < ODD_ERRORS; i++) {
    make (2, 1);
    set_odd (1, odd_errors[i], true);
    leg[1]->error[CHILD_FLUSH] = 0;
    leg[1]->leg.caps.fua = false;
    view_publish (array);
    ck_assert_int_eq (modify (_i), 0);
    ck_assert_uint_eq (in_sync (), 3);
    ck_assert_mem_eq (leg[0]->data, leg[1]->data, MEMORY_LEG_SIZE);
    unmake ();
  }
}
END_TEST

START_TEST (who_failed_for_good_is_not_forgotten_while_others_repeat)
{
  make (3, 1);
  leg[1]->error[CHILD_WRITE] = -EIO;
  leg[2]->error[CHILD_WRITE] = -EAGAIN;
  leg[2]->once[CHILD_WRITE] = true;
  ck_assert_int_eq (array_write (array, data, 4096, 0, 0), 0);
  ck_assert_uint_eq (in_sync (), 5);
  ck_assert_mem_eq (leg[2]->data, data, 4096);
  unmake ();
}
END_TEST

/* Before each write to the second disk: the third one is stored. */
static void
fail_two_writes (void)
{
  if (leg[1]->count[CHILD_WRITE] < 2)
    leg[1]->meanwhile[CHILD_WRITE] = fail_two_writes;
  leg[1]->error[CHILD_WRITE] = leg[1]->count[CHILD_WRITE] < 2 ? -EAGAIN : 0;
}

START_TEST (each_part_of_a_write_that_failed_is_repeated)
{
  make (2, 1);
  leg[1]->leg.caps.request_max = 4096;
  fail_two_writes ();
  ck_assert_int_eq (array_write (array, data, 8192, 0, 0), 0);
  ck_assert_uint_eq (leg[1]->count[CHILD_WRITE], 4);
  ck_assert_uint_eq (in_sync (), 3);
  ck_assert_mem_eq (leg[1]->data, data, 8192);
  unmake ();
}
END_TEST

START_TEST (what_nobody_can_do_is_the_clients_error)
{
  for (unsigned i = 0; i < ODD_ERRORS; i++) {
    make (2, 1);
    set_odd (0, odd_errors[i], false);
    set_odd (1, odd_errors[i], false);
    if (_i < 4)
      ck_assert_int_eq (modify (_i), odd_errors[i]);
    else
      ck_assert_int_eq (modify (_i), odd_errors[i] == -EOPNOTSUPP ? 0 : -EIO);
    ck_assert_uint_eq (in_sync (), 3);
    unmake ();
  }
}
END_TEST

/* A write with FUA is a flush, too: what that has lost is told once. */
START_TEST (a_stable_write_is_not_repeated_nor_a_flush_believed_after_it)
{
  static const int errors[] = { -EIO, -EINVAL, -EOPNOTSUPP };

  for (unsigned slot = 0; slot < 2; slot++) {
    make (2, 1);
    leg[0]->leg.caps.fua = leg[1]->leg.caps.fua = true;
    view_publish (array);
    set_odd (slot, errors[_i], true);
    leg[slot]->error[CHILD_FLUSH] = 0;
    ck_assert_int_eq (array_write (array, data, 4096, 0, ARRAY_FUA), 0);
    ck_assert_uint_eq (in_sync (), 2 >> slot);
    set_odd (1 - slot, errors[_i], true);
    leg[1 - slot]->error[CHILD_FLUSH] = 0;
    ck_assert_int_eq (array_write (array, data, 4096, 0, ARRAY_FUA),
                      errors[_i]);
    ck_assert_int_eq (array_write (array, data, 4096, 0, ARRAY_FUA), 0);
    ck_assert_int_eq (array_flush (array), -EIO);
    unmake ();
  }
}
END_TEST

/* The second child, of those that slot 1 gets. */
static void
then_eio (void)
{
  leg[1]->error[CHILD_WRITE] = -EIO;
}

static void
wait_for_second (void)
{
  leg[1]->meanwhile[CHILD_WRITE] = then_eio;
}

/* Of several children, what a later one says is not hidden by an error of the
 * first one that means less.
 */
START_TEST (the_worst_of_a_disks_errors_counts)
{
  static const int errors[] = { -EAGAIN, -EINVAL, -ENOSPC };

  make (2, 1);
  leg[1]->leg.caps.request_max = 4096;
  leg[1]->meanwhile[CHILD_WRITE] = wait_for_second;
  set_odd (1, errors[_i], true);
  leg[1]->error[CHILD_FLUSH] = 0;
  ck_assert_int_eq (array_write (array, data, 8192, 0, ARRAY_FUA), 0);
  ck_assert_uint_eq (in_sync (), 1);
  ck_assert_uint_eq (messages_about ("Input/output error"), 1);
  unmake ();
}
END_TEST

/* A zero request with FUA that a leg cannot do is written; but the flush in it
 * may have failed, and is not forgotten.
 */
START_TEST (a_zero_request_that_is_to_be_stable_is_flushed)
{
  make (2, 1);
  leg[0]->leg.caps.fua = leg[1]->leg.caps.fua = true;
  view_publish (array);
  leg[1]->error[CHILD_ZERO] = -EIO;
  leg[1]->once[CHILD_ZERO] = true;
  ck_assert_int_eq (array_zero (array, 4096, 0, ARRAY_FUA), 0);
  ck_assert_uint_eq (leg[0]->flags[CHILD_ZERO], 0);
  ck_assert_uint_eq (leg[0]->count[CHILD_FLUSH], 1);
  ck_assert_uint_eq (leg[1]->count[CHILD_FLUSH], 1);
  ck_assert_uint_eq (in_sync (), 3);
  leg[1]->error[CHILD_FLUSH] = -EINVAL;
  ck_assert_int_eq (array_zero (array, 4096, 0, ARRAY_FUA), 0);
  ck_assert_uint_eq (in_sync (), 1);
  unmake ();
}
END_TEST

/* raid10 n2 on 4 disks: chunk 0 lies on slots 0 and 1, chunk 1 on 2 and 3.  Of
 * one write both disks fail the one, and one disk the other.
 */
START_TEST (who_is_to_blame_is_judged_chunk_by_chunk)
{
  unsigned both = _i == 0 ? 0 : 2, one = 2 - both;

  make (4, 2);
  leg[both]->error[CHILD_WRITE] = leg[both + 1]->error[CHILD_WRITE] = -EIO;
  leg[one]->error[CHILD_WRITE] = -EIO;
  ck_assert_int_eq (array_write (array, data, 8192, 0, 0), -EIO);
  ck_assert_uint_eq (in_sync (), 0xf & ~(1u << one));
  ck_assert_uint_eq (messages_about ("OUT OF THE MIRROR"), 1);
  ck_assert_uint_eq (messages_about ("a write failed on every disk"), 1);
  unmake ();
}
END_TEST

/* "Invalid" would say that it could be asked for otherwise. */
START_TEST (of_two_errors_the_client_hears_of_the_disk_that_failed)
{
  make (2, 1);
  leg[_i]->error[CHILD_WRITE] = -EINVAL;
  leg[1 - _i]->error[CHILD_WRITE] = -EIO;
  ck_assert_int_eq (array_write (array, data, 4096, 0, 0), -EIO);
  ck_assert_uint_eq (in_sync (), 3);
  unmake ();
}
END_TEST

START_TEST (a_flush_is_judged_group_by_group)
{
  make (4, 2);
  leg[0]->error[CHILD_FLUSH] = leg[1]->error[CHILD_FLUSH] = -EIO;
  leg[2]->error[CHILD_FLUSH] = -EIO;
  ck_assert_int_eq (array_flush (array), -EIO);
  ck_assert_uint_eq (in_sync (), 0xb);
  ck_assert_uint_eq (messages_about ("OUT OF THE MIRROR"), 1);
  ck_assert_uint_eq (messages_about ("(slot 0), like 1 other"), 1);
  unmake ();
}
END_TEST

/* Each disk may have lost something else. */
START_TEST (after_a_flush_that_failed_everywhere_readers_agree)
{
  make (2, 1);
  leg[0]->error[CHILD_FLUSH] = leg[1]->error[CHILD_FLUSH] = -EIO;
  ck_assert_int_eq (array_flush (array), -EIO);
  leg[1]->data[0] = 'b';
  for (unsigned i = 0; i < 10; i++) {
    ck_assert_int_eq (array_read (array, back, 512, 512 * (i % 2)), 0);
    ck_assert_int_eq (back[0], 0);
  }
  ck_assert_uint_eq (leg[1]->count[CHILD_READ], 0);
  unmake ();
}
END_TEST

/* What a flush has lost on both is not forgotten because one of them leaves. */
START_TEST (a_lost_flush_is_remembered_of_each_disk)
{
  make (2, 1);
  leg[0]->error[CHILD_FLUSH] = leg[1]->error[CHILD_FLUSH] = -EIO;
  ck_assert_int_eq (array_flush (array), -EIO);
  ck_assert_uint_eq (in_sync (), 3);
  leg[0]->error[CHILD_FLUSH] = leg[1]->error[CHILD_FLUSH] = 0;
  leg[_i]->error[CHILD_WRITE] = -EIO;
  ck_assert_int_eq (array_write (array, data, 4096, 0, 0), 0);
  ck_assert_uint_eq (in_sync (), 2 >> _i);
  ck_assert_int_eq (array_flush (array), -EIO);
  unmake ();
}
END_TEST

/* What is lost now was to be kept. */
START_TEST (legs_that_could_flush_before_cannot_say_that_they_have_none)
{
  struct array_status status;

  make (2, 1);
  ck_assert_int_eq (array_flush (array), 0);
  leg[0]->error[CHILD_FLUSH] = leg[1]->error[CHILD_FLUSH] = -EOPNOTSUPP;
  ck_assert_int_lt (array_flush (array), 0);
  leg[0]->error[CHILD_FLUSH] = leg[1]->error[CHILD_FLUSH] = 0;
  ck_assert_int_lt (array_flush (array), 0);
  array_get_status (array, &status);
  ck_assert_uint_eq (status.flush_absent, 0);
  ck_assert_uint_eq (in_sync (), 3);
  unmake ();
}
END_TEST

/* They said they could. */
START_TEST (legs_that_cannot_flush_stay_and_are_known)
{
  struct array_status status;

  make (2, 1);
  leg[0]->error[CHILD_FLUSH] = leg[1]->error[CHILD_FLUSH] = -EOPNOTSUPP;
  array_get_status (array, &status);
  ck_assert_uint_eq (status.flush_absent, 0);
  ck_assert_int_eq (array_flush (array), 0);
  ck_assert_int_eq (array_flush (array), 0);
  array_get_status (array, &status);
  ck_assert_uint_eq (status.flush_absent, 3);
  ck_assert_uint_eq (in_sync (), 3);
  unmake ();
}
END_TEST

START_TEST (zero_is_written_where_the_leg_cannot)
{
  make (2, 1);
  leg[1]->error[CHILD_ZERO] = -EOPNOTSUPP;
  memset (leg[0]->data, 'y', MEMORY_LEG_SIZE);
  memset (leg[1]->data, 'y', MEMORY_LEG_SIZE);
  ck_assert_int_eq (array_zero (array, 300000, 1000, 0), 0);
  ck_assert_mem_eq (leg[0]->data, leg[1]->data, MEMORY_LEG_SIZE);
  ck_assert_int_eq (leg[1]->data[999], 'y');
  ck_assert_int_eq (leg[1]->data[1000], 0);
  ck_assert_int_eq (leg[1]->data[300999], 0);
  ck_assert_int_eq (leg[1]->data[301000], 'y');
  ck_assert_uint_eq (in_sync (), 3);
  unmake ();
}
END_TEST

START_TEST (a_fast_zero_that_one_disk_cannot_do_touches_none)
{
  make (2, 1);
  leg[1]->can_zero = false;
  ck_assert_int_eq (array_zero (array, 4096, 0, ARRAY_FAST_ZERO),
                    -EOPNOTSUPP);
  ck_assert_uint_eq (leg[0]->count[CHILD_ZERO], 0);
  unmake ();
}
END_TEST

START_TEST (a_trim_is_done_on_all_disks_or_on_none)
{
  make (2, 1);
  leg[1]->can_zero = false;
  memset (leg[0]->data, 'y', 4096);
  ck_assert_int_eq (array_trim (array, 4096, 0, 0), 0);
  ck_assert_int_eq (leg[0]->data[0], 'y');
  leg[1]->can_zero = true;
  ck_assert_int_eq (array_trim (array, 4096, 0, 0), 0);
  ck_assert_int_eq (leg[0]->data[0], 0);
  unmake ();
}
END_TEST

START_TEST (a_failed_flush_takes_the_disk_out_before_success_is_told)
{
  make (2, 1);
  leg[0]->error[CHILD_FLUSH] = -EIO;
  ck_assert_int_eq (array_flush (array), 0);
  ck_assert_uint_eq (in_sync (), 2);
  unmake ();
}
END_TEST

/* A kernel tells a failed flush once and forgets. */
START_TEST (after_a_failed_flush_of_the_last_copy_none_succeeds)
{
  make (2, 1);
  leg[0]->error[CHILD_FLUSH] = leg[1]->error[CHILD_FLUSH] = -EIO;
  ck_assert_int_eq (array_flush (array), -EIO);
  leg[0]->error[CHILD_FLUSH] = leg[1]->error[CHILD_FLUSH] = 0;
  ck_assert_int_eq (array_flush (array), -EIO);
  unmake ();
}
END_TEST

START_TEST (fua_without_fua_is_a_flush_after_the_write)
{
  make (2, 1);
  leg[0]->leg.caps.fua = false;
  view_publish (array);
  ck_assert_int_eq (array_write (array, data, 4096, 0, ARRAY_FUA), 0);
  ck_assert_uint_eq (leg[0]->count[CHILD_FLUSH], 1);
  ck_assert_uint_eq (leg[1]->count[CHILD_FLUSH], 0);
  unmake ();
}
END_TEST

START_TEST (a_failed_read_is_served_by_another_copy)
{
  make (2, 1);
  memset (leg[0]->data, 'a', MEMORY_LEG_SIZE);
  memset (leg[1]->data, 'a', MEMORY_LEG_SIZE);
  leg[0]->error[CHILD_READ] = -EIO;
  for (unsigned i = 0; i < 10; i++) {
    ck_assert_int_eq (array_read (array, back, 8192, i * 1000), 0);
    ck_assert_mem_eq (back, leg[1]->data, 8192);
  }
  ck_assert_uint_eq (in_sync (), 3);
  unmake ();
}
END_TEST

START_TEST (a_read_from_a_leg_that_is_gone_takes_it_out)
{
  make (2, 1);
  leg[0]->error[CHILD_READ] = -ENOTCONN;
  for (unsigned i = 0; i < 4; i++)
    ck_assert_int_eq (array_read (array, back, 4096, 0), 0);
  ck_assert_uint_eq (in_sync (), 2);
  unmake ();
}
END_TEST

/* As after a reconnect: the member joined on connection 7. */
START_TEST (an_error_of_an_old_connection_changes_nothing)
{
  joined_at = 7;
  make (2, 1);
  joined_at = 0;
  ck_assert (!failure_report (array, array->members[1], 6, "a write", -EIO));
  ck_assert_uint_eq (in_sync (), 3);
  ck_assert (failure_report (array, array->members[1], 7, "a write", -EIO));
  ck_assert_uint_eq (in_sync (), 1);
  unmake ();
}
END_TEST

START_TEST (requests_after_the_stop_are_refused)
{
  make (2, 1);
  ck_assert_int_eq (array_quiesce (array, ground_now () + GROUND_S), 0);
  ck_assert_uint_eq (leg[0]->count[CHILD_FLUSH], 1);
  ck_assert_int_eq (array_write (array, data, 4096, 0, 0), -ESHUTDOWN);
  ck_assert_int_eq (array_read (array, back, 4096, 0), -ESHUTDOWN);
  ck_assert_int_eq (array_flush (array), -ESHUTDOWN);
  unmake ();
}
END_TEST

START_TEST (a_trim_with_fua_is_stable_whether_it_is_done_or_not)
{
  make (2, 1);
  leg[0]->leg.caps.fua = leg[1]->leg.caps.fua = false;
  view_publish (array);
  ck_assert_int_eq (array_trim (array, 4096, 0, ARRAY_FUA), 0);
  ck_assert_uint_eq (leg[0]->count[CHILD_FLUSH], 1);
  ck_assert_uint_eq (leg[1]->count[CHILD_FLUSH], 1);
  leg[1]->can_zero = false;
  ck_assert_int_eq (array_trim (array, 4096, 0, ARRAY_FUA), 0);
  ck_assert_uint_eq (leg[0]->count[CHILD_FLUSH], 2);
  ck_assert_uint_eq (leg[1]->count[CHILD_FLUSH], 2);
  unmake ();
}
END_TEST

START_TEST (a_second_stop_repeats_the_answer_of_the_first)
{
  int first = _i == 0 ? 0 : -EIO;

  make (2, 1);
  leg[0]->error[CHILD_FLUSH] = leg[1]->error[CHILD_FLUSH] = first;
  ck_assert_int_eq (array_quiesce (array, ground_now () + GROUND_S), first);
  ck_assert_int_eq (array_quiesce (array, ground_now () + GROUND_S), first);
  ck_assert_uint_eq (leg[0]->count[CHILD_FLUSH], 1);
  unmake ();
}
END_TEST

/* In a thread: a write to page number @opaque. */
static void
write_page (void *opaque)
{
  array_write (array, data, 4096, (uintptr_t)opaque * 4096, 0);
}

/* Two writes, while leg 1 answers nothing. */
static void
start_two_writes (struct ground_thread *writer)
{
  leg[1]->hold = true;
  for (uintptr_t i = 0; i < 2; i++)
    ck_assert_int_eq (
      ground_thread_start (&writer[i], "writer", write_page, (void *)i), 0);
  while (atomic_load (&leg[1]->held) == NULL)
    usleep (1000);
  usleep (100000); /* the other one goes as far as it can */
}

START_TEST (the_stop_gives_up_only_the_disks_that_owe_an_answer)
{
  struct ground_thread writer[2];

  make (3, 1);
  start_two_writes (writer);
  ck_assert_int_eq (array_quiesce (array, ground_now ()), 0);
  ck_assert_uint_eq (leg[0]->aborted, 0);
  ck_assert_uint_eq (leg[1]->aborted, 1);
  ck_assert_uint_eq (leg[2]->aborted, 0);
  for (unsigned i = 0; i < 2; i++)
    ground_thread_join (&writer[i]);
  ck_assert_uint_eq (in_sync (), 5);
  unmake ();
}
END_TEST

/* With the smallest pool; with one descriptor of each kind. */
START_TEST (writes_that_hang_on_one_disk_stop_no_read_from_another)
{
  struct ground_thread writer[2];

  pool = array_pool_minimum (2);
  requests = _i;
  make (2, 1);
  pool = requests = 0;
  start_two_writes (writer);
  ck_assert_int_eq (array_read (array, back, 4096, 65536), 0);
  leg[1]->leg.ops->abort (&leg[1]->leg);
  for (unsigned i = 0; i < 2; i++)
    ground_thread_join (&writer[i]);
  unmake ();
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, a_trim_with_fua_is_stable_whether_it_is_done_or_not);
  tcase_add_loop_test (tcase, a_second_stop_repeats_the_answer_of_the_first, 0,
                       2);
  tcase_add_test (tcase, the_stop_gives_up_only_the_disks_that_owe_an_answer);
  tcase_add_loop_test (
    tcase, writes_that_hang_on_one_disk_stop_no_read_from_another, 0, 2);
  tcase_add_test (tcase, a_write_reaches_every_disk);
  tcase_add_test (tcase, a_read_is_alone_if_it_has_one_piece_only);
  tcase_add_test (tcase, a_failed_write_takes_the_disk_out_and_says_so_once);
  tcase_add_test (tcase, a_write_that_every_disk_refuses_is_the_clients_error);
  tcase_add_test (tcase, the_last_copy_stays_and_its_errors_reach_the_client);
  tcase_add_test (tcase, raid10_keeps_a_disk_that_has_some_last_copy);
  tcase_add_loop_test (tcase,
                       who_cannot_do_what_another_did_is_out_whatever_it_says,
                       0, 2 * KINDS);
  tcase_add_loop_test (tcase, who_can_do_it_the_second_time_stays, 0,
                       KINDS - 1);
  tcase_add_loop_test (tcase, what_nobody_can_do_is_the_clients_error, 0,
                       KINDS);
  tcase_add_loop_test (
    tcase, a_stable_write_is_not_repeated_nor_a_flush_believed_after_it, 0, 3);
  tcase_add_loop_test (tcase, the_worst_of_a_disks_errors_counts, 0, 3);
  tcase_add_test (tcase, after_a_flush_that_failed_everywhere_readers_agree);
  tcase_add_test (tcase, a_zero_request_that_is_to_be_stable_is_flushed);
  tcase_add_loop_test (tcase, who_is_to_blame_is_judged_chunk_by_chunk, 0, 2);
  tcase_add_test (tcase,
                  who_failed_for_good_is_not_forgotten_while_others_repeat);
  tcase_add_test (tcase, each_part_of_a_write_that_failed_is_repeated);
  tcase_add_loop_test (
    tcase, of_two_errors_the_client_hears_of_the_disk_that_failed, 0, 2);
  tcase_add_test (tcase, a_flush_is_judged_group_by_group);
  tcase_add_loop_test (tcase, a_lost_flush_is_remembered_of_each_disk, 0, 2);
  tcase_add_test (tcase, zero_is_written_where_the_leg_cannot);
  tcase_add_test (tcase, legs_that_cannot_flush_stay_and_are_known);
  tcase_add_test (tcase,
                  legs_that_could_flush_before_cannot_say_that_they_have_none);
  tcase_add_test (tcase, a_fast_zero_that_one_disk_cannot_do_touches_none);
  tcase_add_test (tcase, a_trim_is_done_on_all_disks_or_on_none);
  tcase_add_test (tcase,
                  a_failed_flush_takes_the_disk_out_before_success_is_told);
  tcase_add_test (tcase, after_a_failed_flush_of_the_last_copy_none_succeeds);
  tcase_add_test (tcase, fua_without_fua_is_a_flush_after_the_write);
  tcase_add_test (tcase, a_failed_read_is_served_by_another_copy);
  tcase_add_test (tcase, a_read_from_a_leg_that_is_gone_takes_it_out);
  tcase_add_test (tcase, an_error_of_an_old_connection_changes_nothing);
  tcase_add_test (tcase, requests_after_the_stop_are_refused);
}

int
main (void)
{
  return unit_main ("array", add);
}
