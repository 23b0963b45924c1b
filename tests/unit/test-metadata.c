/* SPDX-License-Identifier: BSD-3-Clause */
/* What goes on record after something went wrong, one by one.  (Orders and
 * crashes are mirror-crash's.)
 */
#include <sched.h>

#include "engine/array-internal.h"
#include "engine/record/metadata.h"
#include "ground/ground.h"
#include "logic/bitmap-disk.h"
#include "memory-array.h"

#define BYTES 65536

static char data[4096];

static void
set_error (enum child_op op, int first, int second)
{
  memory.leg[0]->error[op] = first;
  memory.leg[1]->error[op] = second;
}

/* An array with a bitmap, whose first region was written to. */
static void
make_written (void)
{
  memory_array_plan (true);
  memory_array_make ();
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0), 0);
}

/* Written to, and copies differ where a write failed. */
static void
make_different (void)
{
  make_written ();
  set_error (CHILD_WRITE, -EINVAL, -EINVAL);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0),
                    -EINVAL);
  set_error (CHILD_WRITE, 0, 0);
}

START_TEST (copies_that_differ_are_not_recorded_as_clean_when_a_member_goes)
{
  make_different ();
  /* Clean cannot be stored; that takes nobody out. */
  set_error (CHILD_WRITE, -EAGAIN, -EAGAIN);
  ck_assert_int_eq (metadata_commit_clean (memory.array), -EAGAIN);
  set_error (CHILD_WRITE, 0, 0);
  /* Now somebody goes without a write. */
  set_error (CHILD_FLUSH, 0, -EIO);
  ck_assert_int_eq (array_flush (memory.array), 0);
  ck_assert_uint_eq (memory_array_super (0).roles[1], SB1_ROLE_FAULTY);
  ck_assert_uint_eq (memory_array_super (0).resync_offset, 0);
  set_error (CHILD_FLUSH, 0, 0);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (a_member_that_goes_while_all_is_clean_leaves_it_clean)
{
  make_written ();
  ck_assert_int_eq (metadata_commit_clean (memory.array), 0);
  set_error (CHILD_FLUSH, 0, -EIO);
  ck_assert_int_eq (array_flush (memory.array), 0);
  ck_assert_uint_eq (memory_array_super (0).roles[1], SB1_ROLE_FAULTY);
  ck_assert_uint_eq (memory_array_super (0).resync_offset, SB1_CLEAN);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* The resync's thread has tried and failed, more than once. */
static void
wait_for_errors (unsigned slot)
{
  struct array_status status;

  do
    memory_array_look (&status);
  while (status.errors[slot] < 3);
}

START_TEST (a_resync_that_met_a_passing_error_goes_on_by_itself)
{
  struct array_status status;

  memory_array_plan (false);
  memory.sb[0].resync_offset = memory.sb[1].resync_offset = 0;
  memset (memory.leg[0]->data, 'x', sizeof data);
  memory_array_make ();
  set_error (CHILD_WRITE, -EAGAIN, -EAGAIN);
  ck_assert_int_eq (array_allow_writes (memory.array), 0);
  wait_for_errors (1);
  set_error (CHILD_WRITE, 0, 0);
  do
    memory_array_look (&status);
  while (status.resyncing);
  ck_assert_mem_eq (memory.leg[1]->data, memory.leg[0]->data, sizeof data);
  ck_assert_int_eq (memory_array_unmake (), 0);
  /* It was said once that it could not begin. */
  ck_assert_ptr_null (strstr (strstr (memory.messages, "cannot begin") + 1,
                              "cannot begin"));
}
END_TEST

/* A source that cannot be read is no reason to believe who lacks it. */
START_TEST (who_has_no_source_for_some_part_is_not_in_sync)
{
  struct job_progress progress;
  struct array_status status;

  memory_array_plan (false);
  memory.sb[1].features |= SB1_FEATURE_RECOVERY_OFFSET;
  memset (memory.leg[0]->data, 'x', sizeof data);
  memory_array_make ();
  set_error (CHILD_READ, -EIO, 0);
  ck_assert_int_eq (array_allow_writes (memory.array), 0);
  do {
    memory_array_look (&status);
    array_sync_progress (memory.array, &progress);
  } while (status.errors[0] == 0 || progress.total > 0);
  memory_array_look (&status);
  ck_assert_uint_eq (status.in_sync, 1);
  ck_assert (memory_array_super (1).features & SB1_FEATURE_RECOVERY_OFFSET);
  ck_assert_uint_eq (memory_array_super (0).roles[1], 1);
  memory_array_unmake ();
  ck_assert (memory_array_super (1).features & SB1_FEATURE_RECOVERY_OFFSET);
}
END_TEST

START_TEST (a_rebuild_that_met_a_passing_error_goes_on_by_itself)
{
  struct array_status status;

  memory_array_plan (false);
  memory.sb[1].features |= SB1_FEATURE_RECOVERY_OFFSET;
  memset (memory.leg[0]->data, 'x', sizeof data);
  memory_array_make ();
  set_error (CHILD_READ, -ENOMEM, 0);
  ck_assert_int_eq (array_allow_writes (memory.array), 0);
  wait_for_errors (0);
  set_error (CHILD_READ, 0, 0);
  do
    memory_array_look (&status);
  while (status.in_sync != 3);
  ck_assert_mem_eq (memory.leg[1]->data, memory.leg[0]->data, sizeof data);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (a_rebuild_can_be_paused_cancelled_and_told_of)
{
  struct array_status status;
  struct job_progress progress;

  memory_array_plan (false);
  memory.sb[1].features |= SB1_FEATURE_RECOVERY_OFFSET;
  memset (memory.leg[0]->data, 'x', sizeof data);
  memory_array_make ();
  array_sync_pause (memory.array);
  ck_assert_int_eq (array_allow_writes (memory.array), 0);
  do {
    memory_array_look (&status);
    array_sync_progress (memory.array, &progress);
  } while (progress.total == 0);
  ck_assert (progress.paused);
  ck_assert_uint_eq (progress.done, 0);
  ck_assert_uint_eq (progress.rate, 0);
  ck_assert_uint_eq (progress.left_ns, UINT64_MAX);
  ck_assert_int_eq (array_sync_set_rates (memory.array, 0, 1), -EINVAL);
  ck_assert_int_eq (array_sync_set_rates (memory.array, 2, 1), -EINVAL);
  ck_assert_int_eq (array_sync_set_rates (memory.array, 1 << 30, 1 << 30), 0);

  array_sync_cancel (memory.array);
  do {
    memory_array_look (&status);
    array_sync_progress (memory.array, &progress);
  } while (progress.total != 0);
  memory_array_look (&status);
  ck_assert_uint_eq (status.in_sync, 1);

  array_sync_resume (memory.array);
  worker_wake (&memory.array->resync.worker);
  do
    memory_array_look (&status);
  while (status.in_sync != 3);
  ck_assert_mem_eq (memory.leg[1]->data, memory.leg[0]->data, sizeof data);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* After a crash, first copy 'a', second one 'b', and one sector of the first
 * that cannot be read.
 */
static void
make_with_bad_sector (char *expected)
{
  memory_array_plan (false);
  memory.sb[0].resync_offset = memory.sb[1].resync_offset = 0;
  memset (memory.leg[0]->data, 'a', BYTES);
  memset (memory.leg[1]->data, 'b', BYTES);
  memory.leg[0]->bad = 100 * SECTOR_SIZE;
  memory.leg[0]->bad_length = SECTOR_SIZE;
  memory_array_make ();
  memset (expected, 'a', BYTES);
  memset (expected + memory.leg[0]->bad, 'b', SECTOR_SIZE);
}

START_TEST (where_copies_differ_each_block_has_one_copy_for_all_reads)
{
  static char expected[BYTES], back[BYTES];

  make_with_bad_sector (expected);
  for (size_t length = SECTOR_SIZE; length <= BYTES; length *= 2) {
    ck_assert_int_eq (array_read (memory.array, back, length, 0), 0);
    ck_assert_mem_eq (back, expected, length);
  }
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (resync_takes_of_each_block_the_copy_that_was_read)
{
  static char expected[BYTES];
  struct array_status status;

  make_with_bad_sector (expected);
  ck_assert_int_eq (array_allow_writes (memory.array), 0);
  do
    memory_array_look (&status);
  while (status.resyncing);
  ck_assert_mem_eq (memory.leg[0]->data, expected, BYTES);
  ck_assert_mem_eq (memory.leg[1]->data, expected, BYTES);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* Somebody may have read it there before. */
START_TEST (resync_waits_for_the_copy_that_counts_if_its_error_may_pass)
{
  struct array_status status;

  memory_array_plan (false);
  memory.sb[0].resync_offset = memory.sb[1].resync_offset = 0;
  memset (memory.leg[0]->data, 'a', BYTES);
  memset (memory.leg[1]->data, 'b', BYTES);
  memory_array_make ();
  set_error (CHILD_READ, -EAGAIN, 0);
  ck_assert_int_eq (array_allow_writes (memory.array), 0);
  wait_for_errors (0);
  set_error (CHILD_READ, 0, 0);
  do
    memory_array_look (&status);
  while (status.resyncing);
  ck_assert_int_eq (memory.leg[0]->data[0], 'a');
  ck_assert_mem_eq (memory.leg[1]->data, memory.leg[0]->data, BYTES);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (resync_writes_what_the_bad_block_log_names_and_does_not_read_it)
{
  struct badblocks log;
  struct array_status status;
  const struct sb1 *sb;

  memory_array_plan (false);
  for (unsigned i = 0; i < MEMBERS; i++) {
    memory.sb[i].resync_offset = 0;
    memory.sb[i].features |= SB1_FEATURE_BAD_BLOCKS;
    sb = &memory.sb[i];
    log.range[0] = (struct badblock){ sb->data_offset + 8, 8 };
    log.count = i;
    ck_assert (badblocks_encode (
      &log, sb->bblog_shift,
      (uint8_t *)memory.leg[i]->data
        + (sb->super_offset + sb->bblog_offset) * SECTOR_SIZE,
      sb->bblog_size * SECTOR_SIZE));
  }
  memset (memory.leg[0]->data, 'a', BYTES);
  memory.leg[1]->bad = 8 * SECTOR_SIZE;
  memory.leg[1]->bad_length = 8 * SECTOR_SIZE;
  memory_array_make ();
  ck_assert_int_eq (array_allow_writes (memory.array), 0);
  do
    memory_array_look (&status);
  while (status.resyncing);
  ck_assert_uint_eq (status.errors[1], 0);
  ck_assert_mem_eq (memory.leg[1]->data, memory.leg[0]->data, BYTES);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (who_stays_is_flushed_before_the_others_are_recorded_as_gone)
{
  make_written ();
  ck_assert_uint_eq (memory.leg[1]->count[CHILD_FLUSH], 0);
  set_error (CHILD_WRITE, -EIO, 0);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0), 0);
  ck_assert_uint_eq (memory_array_super (1).roles[0], SB1_ROLE_FAULTY);
  ck_assert_uint_eq (memory.leg[1]->count[CHILD_FLUSH], 1);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* It may have had one update more than was found, alone. */
START_TEST (who_was_missing_is_left_two_events_behind)
{
  memory_array_plan (true);
  memory_array_make_without (2);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0), 0);
  ck_assert_uint_eq (memory_array_super (0).events, 20 + 1 + 2);
  ck_assert_uint_ge (memory_array_super (0).roles[1], SB1_ROLE_SLOTS);
  ck_assert_int_eq (memory_array_unmake (), 0);
  memory.leg[1]->leg.ops->close (&memory.leg[1]->leg);
}
END_TEST

/* A part of it could be taken for all of it. */
START_TEST (a_stale_bitmap_is_stale_until_all_of_it_is_stored)
{
  struct metadata *md;

  memory_array_plan (true);
  memory.bitmap.state |= BITMAP_STATE_STALE;
  memory_array_make ();
  /* As one who has the turn. */
  md = memory.array->md;
  ck_assert_int_eq (request_begin (&md->requests, &md->request), 0);
  ck_assert_int_eq (metadata_store_bits (memory.array), 0);
  request_end (&md->requests, md->request);
  ck_assert_uint_ne (memory_array_bitmap (0).state & BITMAP_STATE_STALE, 0);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0), 0);
  ck_assert_uint_eq (memory_array_bitmap (0).state & BITMAP_STATE_STALE, 0);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* Bits that only some member has must be on all of them before the array
 * goes on: the next start may be without that one.
 */
START_TEST (a_flush_that_is_the_first_of_a_run_stores_the_bits)
{
  memory_array_plan (true);
  memory.sb[0].resync_offset = memory.sb[1].resync_offset = 0;
  memory_array_make ();
  atomic_store (&memory.array->may_write, true);
  set_error (CHILD_FLUSH, 0, -EIO);
  ck_assert_int_eq (array_flush (memory.array), 0);
  ck_assert_uint_eq (memory_array_super (0).roles[1], SB1_ROLE_FAULTY);
  ck_assert (memory.array->md->bits_stored);
  set_error (CHILD_FLUSH, 0, 0);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (nobody_joins_while_copies_differ)
{
  uint64_t events;

  memory_array_plan (false);
  memory.sb[1].features |= SB1_FEATURE_RECOVERY_OFFSET;
  memory_array_make ();
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0), 0);
  set_error (CHILD_WRITE, -EINVAL, -EINVAL);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0),
                    -EINVAL);
  set_error (CHILD_WRITE, 0, 0);
  events = memory_array_super (0).events;
  ck_assert_int_eq (metadata_commit_join (memory.array, memory.array->members[1]), -EBUSY);
  ck_assert_uint_ne (memory_array_super (1).features
                       & SB1_FEATURE_RECOVERY_OFFSET, 0);
  ck_assert_uint_eq (memory_array_super (0).events, events);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* The client gets the error, and nobody knows what is where. */
static void
write_in_vain (void)
{
  set_error (CHILD_WRITE, -EINVAL, -EINVAL);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0),
                    -EINVAL);
  set_error (CHILD_WRITE, 0, 0);
}

/* A write that fails while others are told that it is in sync: it must not be
 * the copy that counts, and has to say so.
 */
START_TEST (who_joins_while_a_write_fails_takes_it_back)
{
  static char back[BYTES];

  memory_array_plan (false);
  memory.sb[1].features |= SB1_FEATURE_RECOVERY_OFFSET;
  memory_array_make ();
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0), 0);
  memory.leg[0]->meanwhile[CHILD_FLUSH] = write_in_vain;
  ck_assert_int_eq (metadata_commit_join (memory.array, memory.array->members[1]), -EBUSY);
  ck_assert (memory.leg[0]->meanwhile[CHILD_FLUSH] == NULL);
  ck_assert_uint_eq (atomic_load (&memory.array->view)->in_sync, 1);
  ck_assert_uint_ne (memory_array_super (1).features
                       & SB1_FEATURE_RECOVERY_OFFSET, 0);
  ck_assert_uint_eq (memory_array_super (0).resync_offset, 0);
  /* As soon as that is brought together, it may. */
  atomic_store (&memory.array->may_write, true);
  ck_assert_int_eq (array_read (memory.array, back, BYTES, 0), 0);
  ck_assert_int_eq (metadata_commit_join (memory.array, memory.array->members[1]), 0);
  ck_assert_uint_eq (atomic_load (&memory.array->view)->in_sync, 3);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* An update that lists it would be one more. */
START_TEST (who_cannot_say_that_it_is_rebuilt_is_listed_by_nobody)
{
  memory_array_plan (false);
  memory.sb[1].features |= SB1_FEATURE_RECOVERY_OFFSET;
  memory_array_make ();
  set_error (CHILD_WRITE, 0, _i > 0 ? -EINVAL : -EIO);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0), 0);
  ck_assert_uint_eq (memory_array_super (0).events, 20 + 2);
  ck_assert_uint_eq (memory_array_super (0).roles[1], SB1_ROLE_FAULTY);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

static const int odd_errors[]
  = { -EINVAL, -EOPNOTSUPP, -EAGAIN, -EINTR, -ENOMEM };

#define ODD_ERRORS ARRAY_LENGTH (odd_errors)

/* The metadata of one cannot be stored, whatever its error says: it is out, and
 * the other one says so.  With FUA (_i beyond the errors) "invalid" counts the
 * first time, else the second.
 */
START_TEST (who_cannot_store_metadata_that_another_stored_is_out)
{
  bool fua = _i >= (int)ODD_ERRORS;

  memory_array_plan (true);
  memory.leg[1]->leg.caps.fua = fua;
  memory_array_make ();
  set_error (CHILD_WRITE, 0, odd_errors[_i % ODD_ERRORS]);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0), 0);
  ck_assert_uint_eq (atomic_load (&memory.array->view)->in_sync, 1);
  ck_assert_uint_eq (memory_array_super (0).roles[1], SB1_ROLE_FAULTY);
  ck_assert_uint_eq (memory.leg[1]->count[CHILD_WRITE],
                     fua && !leg_error_may_pass (odd_errors[_i % ODD_ERRORS])
                       ? 1 : 2);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (metadata_that_could_be_stored_the_second_time_is_stored)
{
  memory_array_plan (true);
  memory.leg[1]->leg.caps.fua = false;
  memory_array_make ();
  memory.leg[1]->once[CHILD_WRITE] = true;
  set_error (CHILD_WRITE, 0, odd_errors[_i]);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0), 0);
  ck_assert_uint_eq (atomic_load (&memory.array->view)->in_sync, 3);
  ck_assert_int_eq (memory_array_unmake (), 0);
  ck_assert_ptr_null (strstr (memory.messages, "failed"));
}
END_TEST

/* Resync cannot make one like the copy that counts: it is out. */
START_TEST (who_cannot_store_what_resync_brings_is_out)
{
  struct array_status status;

  memory_array_plan (false);
  memory.sb[0].resync_offset = memory.sb[1].resync_offset = 0;
  memset (memory.leg[0]->data, 'x', sizeof data);
  memory_array_make ();
  ck_assert_int_eq (metadata_activate (memory.array), 0);
  set_error (CHILD_WRITE, 0, odd_errors[_i]);
  ck_assert_int_eq (array_allow_writes (memory.array), 0);
  do
    array_get_status (memory.array, &status);
  while (status.in_sync != 1 || status.resyncing);
  ck_assert_uint_eq (memory_array_super (0).roles[1], SB1_ROLE_FAULTY);
  ck_assert_int_eq (memory_array_unmake (), 0);
  ck_assert_ptr_nonnull (strstr (memory.messages, "resync failed on it"));
}
END_TEST

/* The same of a rebuild. */
START_TEST (who_cannot_store_what_a_rebuild_brings_is_out)
{
  struct array_status status;

  memory_array_plan (false);
  memory.sb[1].features |= SB1_FEATURE_RECOVERY_OFFSET;
  memory_array_make ();
  ck_assert_int_eq (metadata_activate (memory.array), 0);
  set_error (CHILD_WRITE, 0, odd_errors[_i]);
  ck_assert_int_eq (array_allow_writes (memory.array), 0);
  do
    array_get_status (memory.array, &status);
  while (status.recovering != 0);
  ck_assert_uint_eq (status.in_sync, 1);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* A failed store with FUA may be all that is heard of what was lost before: on
 * every disk, so both stay, and no flush is believed.
 */
START_TEST (a_flush_after_a_stable_store_that_failed_is_not_believed)
{
  memory_array_plan (true);
  memory.leg[0]->leg.caps.fua = memory.leg[1]->leg.caps.fua = true;
  memory_array_make ();
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 0, 0), 0);
  set_error (CHILD_WRITE, -EIO, -EIO);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 2 * BYTES, 0),
                    -EIO);
  set_error (CHILD_WRITE, 0, 0);
  ck_assert_uint_eq (atomic_load (&memory.array->view)->in_sync, 3);
  ck_assert_int_eq (array_flush (memory.array), -EIO);
  memory_array_unmake ();
}
END_TEST

/* Where resync has written, it is flushed before a reader sees it. */
START_TEST (what_a_reader_sees_was_flushed)
{
  static char back[BYTES];

  memory_array_plan (false);
  memory.sb[0].resync_offset = memory.sb[1].resync_offset = 0;
  memset (memory.leg[0]->data + BYTES, 'a', BYTES);
  memory_array_make ();
  atomic_store (&memory.array->may_write, true);
  /* What was there at the start may be in some cache. */
  ck_assert_int_eq (array_read (memory.array, back, BYTES, 0), 0);
  ck_assert_uint_eq (memory.leg[1]->count[CHILD_FLUSH], 1);
  ck_assert_int_eq (array_read (memory.array, back, BYTES, BYTES), 0);
  ck_assert_mem_eq (memory.leg[1]->data + BYTES, back, BYTES);
  ck_assert_uint_eq (memory.leg[1]->count[CHILD_FLUSH], 2);
  /* Copies that are alike are not written, nor flushed again. */
  ck_assert_int_eq (array_read (memory.array, back, BYTES, 2 * BYTES), 0);
  ck_assert_uint_eq (memory.leg[1]->count[CHILD_FLUSH], 2);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

static void
copy_more (void)
{
  atomic_fetch_add (&memory.array->resync.writes, 1);
}

/* What is copied while a flush is under way is not covered by it. */
START_TEST (what_was_copied_during_a_flush_waits_for_the_next)
{
  static char back[BYTES];
  unsigned flushes;

  memory_array_plan (false);
  memory.sb[0].resync_offset = memory.sb[1].resync_offset = 0;
  memory_array_make ();
  atomic_store (&memory.array->may_write, true);
  memory.leg[1]->meanwhile[CHILD_FLUSH] = copy_more;
  ck_assert_int_eq (array_read (memory.array, back, BYTES, 0), 0);
  ck_assert (memory.leg[1]->meanwhile[CHILD_FLUSH] == NULL);
  flushes = memory.leg[1]->count[CHILD_FLUSH];
  ck_assert_int_eq (array_read (memory.array, back, BYTES, BYTES), 0);
  ck_assert_uint_eq (memory.leg[1]->count[CHILD_FLUSH], flushes + 1);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* A flush that failed is no flush, however often it is looked at. */
START_TEST (what_was_copied_and_not_flushed_stays_to_be_done)
{
  static char back[BYTES];
  uint64_t left;

  memory_array_plan (false);
  memory.sb[0].resync_offset = memory.sb[1].resync_offset = 0;
  memset (memory.leg[0]->data, 'a', BYTES);
  memory_array_make ();
  atomic_store (&memory.array->may_write, true);
  left = atomic_load (&memory.array->md->todo_left);
  set_error (CHILD_FLUSH, -EINVAL, -EINVAL);
  for (unsigned i = 0; i < 3; i++) {
    ck_assert_int_eq (array_read (memory.array, back, BYTES, 0), 0);
    ck_assert_int_eq (back[0], 'a');
    ck_assert_uint_eq (atomic_load (&memory.array->md->todo_left), left);
  }
  set_error (CHILD_FLUSH, 0, 0);
  memory_array_unmake ();
}
END_TEST

/* The only disk that has another copy of what a reader gets cannot be made like
 * it: it is out, and that is on record before the reader sees anything.
 */
static void
fail_second_copy (void)
{
  set_error (CHILD_WRITE, 0, -EIO);
}

START_TEST (who_could_not_be_made_like_what_is_read_is_on_record_first)
{
  static char back[BYTES];

  memory_array_plan (false);
  memory.sb[0].resync_offset = memory.sb[1].resync_offset = 0;
  memset (memory.leg[0]->data, 'a', BYTES);
  memory_array_make ();
  atomic_store (&memory.array->may_write, true);
  memory.leg[0]->meanwhile[CHILD_READ] = fail_second_copy;
  ck_assert_int_eq (array_read (memory.array, back, BYTES, 0), 0);
  ck_assert_int_eq (back[0], 'a');
  ck_assert_uint_eq (atomic_load (&memory.array->view)->in_sync, 1);
  ck_assert_uint_eq (memory_array_super (0).roles[1], SB1_ROLE_FAULTY);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* What is brought together is larger than what is read. */
START_TEST (what_a_small_read_sees_is_on_all_copies)
{
  static char back[SECTOR_SIZE];
  const size_t at[] = { 0, BYTES + 8 * SECTOR_SIZE, 4 * BYTES - SECTOR_SIZE };

  memory_array_plan (false);
  memory.sb[0].resync_offset = memory.sb[1].resync_offset = 0;
  memset (memory.leg[0]->data, 'a', 4 * BYTES);
  memory_array_make ();
  atomic_store (&memory.array->may_write, true);
  for (unsigned i = 0; i < ARRAY_LENGTH (at); i++) {
    ck_assert_int_eq (array_read (memory.array, back, sizeof back, at[i]), 0);
    ck_assert_mem_eq (memory.leg[1]->data + at[i], back, sizeof back);
  }
  ck_assert_int_eq (back[0], 'a');
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* Nobody reads there, so nobody else would bring them together. */
START_TEST (a_write_that_leaves_copies_different_wakes_the_resync)
{
  struct array_status status;

  memory_array_plan (false);
  memory.sb[0].resync_offset = memory.sb[1].resync_offset = 0;
  memset (memory.leg[0]->data, 'a', BYTES);
  memory_array_make ();
  ck_assert_int_eq (array_allow_writes (memory.array), 0);
  /* Then it sleeps, or is about to. */
  do
    memory_array_look (&status);
  while (strstr (memory.messages, "resync: finished") == NULL);
  write_in_vain ();
  do
    memory_array_look (&status);
  while (status.resyncing);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* Is the bit of the first region set, as member @i has it stored? */
static bool
is_bit_stored (unsigned i, unsigned region)
{
  const volatile char *bits = memory.leg[i]->data
                              + bitmap_offset_bytes (&memory.sb[i])
                              + BITMAP_HEAD_SIZE;

  return *bits & 1 << region;
}

static bool
is_first_bit_stored (unsigned i)
{
  return is_bit_stored (i, 0);
}

/* What was written is old enough to be cleared by the next sweep. */
static void
make_with_old_bit (void)
{
  make_written ();
  metadata_sweep (memory.array);
  ck_assert (is_first_bit_stored (0));
}

/* It lacks what the bits name. */
START_TEST (bits_stay_when_somebody_leaves_in_the_flush_before)
{
  uint64_t cleared;

  make_with_old_bit ();
  cleared = memory_array_bitmap (0).events_cleared;
  set_error (CHILD_FLUSH, 0, -EIO);
  metadata_sweep (memory.array);
  ck_assert_uint_eq (atomic_load (&memory.array->view)->in_sync, 1);
  ck_assert (is_first_bit_stored (0));
  ck_assert_uint_eq (memory_array_bitmap (0).events_cleared, cleared);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

static unsigned looks;

/* Before each write to the first member. */
static void
look_at_bit (void)
{
  memory.leg[0]->meanwhile[CHILD_WRITE] = look_at_bit;
  looks++;
  ck_assert (is_first_bit_stored (0)
             || memory_array_bitmap (0).events_cleared
                  == memory_array_super (0).events);
}

/* A crash in between must not leave cleared bits that somebody who is older
 * would still believe.
 */
START_TEST (bits_are_cleared_after_the_number_that_tells_of_it)
{
  make_with_old_bit ();
  ck_assert_uint_ne (memory_array_bitmap (0).events_cleared,
                     memory_array_super (0).events);
  looks = 0;
  look_at_bit ();
  metadata_sweep (memory.array);
  look_at_bit ();
  memory.leg[0]->meanwhile[CHILD_WRITE] = NULL;
  ck_assert_uint_ge (looks, 4);
  ck_assert (!is_first_bit_stored (0));
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

static struct ground_thread writer;

static void
write_second_region (void *argument)
{
  (void)argument;
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, 65536, 0), 0);
}

/* In a flush: it goes on when somebody else has made the metadata say more. */
static void
let_somebody_write (void)
{
  ck_assert_int_eq (
    ground_thread_start (&writer, "writer", write_second_region, NULL), 0);
  while (!is_bit_stored (0, 1))
    sched_yield ();
}

START_TEST (nobody_waits_for_the_flush_of_a_sweep_to_set_a_bit)
{
  make_with_old_bit ();
  memory.leg[0]->meanwhile[CHILD_FLUSH] = let_somebody_write;
  metadata_sweep (memory.array);
  ground_thread_join (&writer);
  ck_assert (!is_first_bit_stored (0) && is_bit_stored (0, 1));
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (who_writes_during_the_flush_before_clean_does_not_wait_for_it)
{
  make_written ();
  memory.leg[0]->meanwhile[CHILD_FLUSH] = let_somebody_write;
  ck_assert_int_eq (metadata_commit_clean (memory.array), -EBUSY);
  ground_thread_join (&writer);
  ck_assert_uint_eq (memory_array_super (0).resync_offset, 0);
  ck_assert_int_eq (metadata_commit_clean (memory.array), 0);
  ck_assert_uint_eq (memory_array_super (0).resync_offset, SB1_CLEAN);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

static void
add_bitmap_tests (TCase *tcase)
{
  tcase_add_test (tcase, nobody_waits_for_the_flush_of_a_sweep_to_set_a_bit);
  tcase_add_test (
    tcase, who_writes_during_the_flush_before_clean_does_not_wait_for_it);
  tcase_add_test (tcase, bits_stay_when_somebody_leaves_in_the_flush_before);
  tcase_add_test (tcase, bits_are_cleared_after_the_number_that_tells_of_it);
  tcase_add_test (tcase, what_a_small_read_sees_is_on_all_copies);
  tcase_add_test (tcase,
                  a_write_that_leaves_copies_different_wakes_the_resync);
  tcase_add_test (
    tcase, who_could_not_be_made_like_what_is_read_is_on_record_first);
}

static void
add_tests (TCase *tcase)
{
  add_bitmap_tests (tcase);
  tcase_add_test (
    tcase, resync_waits_for_the_copy_that_counts_if_its_error_may_pass);
  tcase_add_test (
    tcase, resync_writes_what_the_bad_block_log_names_and_does_not_read_it);
  tcase_add_loop_test (
    tcase, who_cannot_say_that_it_is_rebuilt_is_listed_by_nobody, 0, 2);
  tcase_add_test (tcase, what_a_reader_sees_was_flushed);
  tcase_add_loop_test (tcase,
                       who_cannot_store_metadata_that_another_stored_is_out, 0,
                       2 * ODD_ERRORS);
  tcase_add_loop_test (
    tcase, metadata_that_could_be_stored_the_second_time_is_stored, 0,
    ODD_ERRORS);
  tcase_add_loop_test (tcase, who_cannot_store_what_resync_brings_is_out, 0,
                       ODD_ERRORS);
  tcase_add_loop_test (tcase, who_cannot_store_what_a_rebuild_brings_is_out, 0,
                       ODD_ERRORS);
  tcase_add_test (tcase,
                  a_flush_after_a_stable_store_that_failed_is_not_believed);
  tcase_add_test (tcase,
                  where_copies_differ_each_block_has_one_copy_for_all_reads);
  tcase_add_test (tcase, resync_takes_of_each_block_the_copy_that_was_read);
  tcase_add_test (tcase,
                  who_stays_is_flushed_before_the_others_are_recorded_as_gone);
  tcase_add_test (tcase, who_was_missing_is_left_two_events_behind);
  tcase_add_test (tcase, a_stale_bitmap_is_stale_until_all_of_it_is_stored);
  tcase_add_test (tcase,
                  a_flush_that_is_the_first_of_a_run_stores_the_bits);
  tcase_add_test (tcase, nobody_joins_while_copies_differ);
  tcase_add_test (tcase, who_joins_while_a_write_fails_takes_it_back);
  tcase_add_test (tcase,
                  what_was_copied_during_a_flush_waits_for_the_next);
  tcase_add_test (tcase, what_was_copied_and_not_flushed_stays_to_be_done);
  tcase_add_test (tcase, a_resync_that_met_a_passing_error_goes_on_by_itself);
  tcase_add_test (tcase, who_has_no_source_for_some_part_is_not_in_sync);
  tcase_add_test (tcase, a_rebuild_that_met_a_passing_error_goes_on_by_itself);
  tcase_add_test (tcase, a_rebuild_can_be_paused_cancelled_and_told_of);
  tcase_add_test (
    tcase, copies_that_differ_are_not_recorded_as_clean_when_a_member_goes);
  tcase_add_test (tcase,
                  a_member_that_goes_while_all_is_clean_leaves_it_clean);
}

int
main (void)
{
  return unit_main ("metadata", add_tests);
}
