/* SPDX-License-Identifier: BSD-3-Clause */
/* What a disk becomes in an array that runs: how much is copied, or why it
 * cannot join.
 */
#include "md-samples.h"
#include "members/fit.h"

static struct sample sample;
static struct assemble_member member[LEGS_MAX];
static struct member_record newcomer;
static struct fit_array array;
static struct fit result;

static int
read_nothing (void *opaque, void *buffer, uint64_t length, uint64_t offset)
{
  (void)opaque, (void)buffer, (void)length, (void)offset;
  ck_abort_msg ("fit reads");
}

static const struct member_disk disk = { .name = "newcomer",
                                         .read = read_nothing,
                                         .size = SAMPLE_BYTES,
                                         .exact_size = SAMPLE_BYTES,
                                         .block = 512 };

/* All members but the last, which has left, and comes back as it was then. */
static void
make (enum level level, const char *layout, unsigned slots, bool bitmap)
{
  static char nothing[] = "";

  sample_make (&sample, level, layout, slots, SB1_VERSION_1_2, bitmap);
  sample_fail (&sample, slots - 1);
  for (unsigned i = 0; i < slots; i++)
    member[i] = (struct assemble_member){
      .verdict = SB1_GOOD,
      .sb = &sample.sb[i],
      .why = nothing,
      .bitmap_verdict = bitmap ? BITMAP_GOOD : BITMAP_NONE,
      .bitmap_events = sample.sb[0].events,
      .events_cleared = sample.bitmap.events_cleared,
      .bitmap_why = nothing,
      .bitmap_chunk = sample.bitmap.chunk
    };
  array = (struct fit_array){ .member = member,
                              .count = slots - 1,
                              .taken = (1u << (slots - 1)) - 1,
                              .marked = 2 * 65536,
                              .block = 512 };
  member_ignore (&disk, &newcomer);
  newcomer.verdict = SB1_GOOD;
  newcomer.version = SB1_VERSION_1_2;
  newcomer.sb = sample.sb[slots - 1];
  newcomer.bitmap = sample.bitmap;
  newcomer.bitmap_verdict = bitmap ? BITMAP_GOOD : BITMAP_NONE;
}

static uint64_t
whole (void)
{
  return sample.plan.layout.member_size;
}

static void
expect (enum fit_as as, enum fit_reason reason, unsigned slot, uint64_t bytes,
        bool discard)
{
  fit_join (&array, &newcomer, discard, &result);
  ck_assert_msg (result.as == as && result.reason == reason,
                 "as %d, expected %d; %s, expected %s: %s", result.as, as,
                 fit_reason_word (result.reason), fit_reason_word (reason),
                 result.why);
  ck_assert_uint_eq (result.slot, slot);
  ck_assert_uint_eq (result.to_copy, bytes);
  ck_assert ((result.why[0] == '\0') == (reason == FIT_OK));
}

static void
expect_refused (enum fit_reason reason)
{
  expect (FIT_REFUSED, reason, ASSEMBLE_NO_SLOT, 0, false);
}

START_TEST (who_missed_little_gets_what_the_bitmap_has_set)
{
  make (LEVEL_RAID1, NULL, 2, true);
  expect (FIT_BY_BITMAP, FIT_OK, 1, 2 * 65536, false);
  /* Of raid10 each member has its share: here half of it. */
  make (LEVEL_RAID10, "n2", 4, true);
  expect (FIT_BY_BITMAP, FIT_OK, 3, 65536, false);
  array.marked = sample.plan.layout.array_size;
  expect (FIT_BY_BITMAP, FIT_OK, 3, whole (), false);
}
END_TEST

/* It left, but nobody has written that down yet: at a start it would be good.
 */
START_TEST (who_left_an_array_that_runs_is_never_in_sync)
{
  make (LEVEL_RAID1, NULL, 2, true);
  sample.sb[0] = sample.sb[1];
  sample.sb[0].dev_number = 0;
  sample.sb[0].device_uuid[15] ^= 1;
  member[0].bitmap_events = sample.sb[0].events;
  expect (FIT_BY_BITMAP, FIT_OK, 1, 2 * 65536, false);
  /* Whatever a rebuild had done: it may have missed writes below that. */
  newcomer.sb.features |= SB1_FEATURE_RECOVERY_OFFSET;
  newcomer.sb.recovery_offset = 64;
  expect (FIT_WHOLE, FIT_INCOMPLETE, 1, whole (), false);
  newcomer.sb.features |= SB1_FEATURE_RECOVERY_BITMAP;
  expect (FIT_BY_BITMAP, FIT_OK, 1, 2 * 65536, false);
}
END_TEST

START_TEST (all_is_copied_where_no_bitmap_knows_and_it_is_said_why)
{
  make (LEVEL_RAID1, NULL, 2, false);
  expect (FIT_WHOLE, FIT_NO_BITMAP, 1, whole (), false);
  make (LEVEL_RAID1, NULL, 2, true);
  member[0].events_cleared = newcomer.sb.events + 1;
  expect (FIT_WHOLE, FIT_EVENTS, 1, whole (), false);
  make (LEVEL_RAID1, NULL, 2, true);
  newcomer.bitmap_verdict = BITMAP_OUTDATED;
  expect (FIT_WHOLE, FIT_OUTDATED, 1, whole (), false);
  make (LEVEL_RAID1, NULL, 2, true);
  member[0].bitmap_verdict = BITMAP_OUTDATED;
  expect (FIT_WHOLE, FIT_OUTDATED, 1, whole (), false);
}
END_TEST

START_TEST (another_history_is_lost_only_if_that_is_asked_for)
{
  make (LEVEL_RAID1, NULL, 2, true);
  newcomer.sb.roles[0] = SB1_ROLE_SPARE;
  expect_refused (FIT_HISTORY);
  expect (FIT_WHOLE, FIT_HISTORY, 1, whole (), true);
  /* Even if it got further in it. */
  newcomer.sb.events += 100;
  expect_refused (FIT_HISTORY);
  expect (FIT_WHOLE, FIT_HISTORY, 1, whole (), true);
}
END_TEST

START_TEST (who_cannot_be_believed_or_written_is_refused)
{
  make (LEVEL_RAID1, NULL, 2, true);
  newcomer.disk.readonly = true;
  expect_refused (FIT_READ_ONLY);
  make (LEVEL_RAID1, NULL, 2, true);
  newcomer.unreadable = "cannot be read";
  expect_refused (FIT_UNREADABLE);
  ck_assert_str_eq (result.why, "cannot be read");
  make (LEVEL_RAID1, NULL, 2, true);
  newcomer.log_damaged = true;
  strcpy (newcomer.log_why, "its log");
  expect_refused (FIT_DAMAGED);
  ck_assert_str_eq (result.why, "its log");
  make (LEVEL_RAID1, NULL, 2, true);
  newcomer.verdict = SB1_UNSUPPORTED;
  strcpy (newcomer.why, "too new");
  expect_refused (FIT_UNSUPPORTED);
}
END_TEST

START_TEST (who_does_not_fit_is_refused)
{
  make (LEVEL_RAID1, NULL, 2, true);
  newcomer.sb.set_uuid[0] ^= 1;
  expect_refused (FIT_FOREIGN);
  make (LEVEL_RAID1, NULL, 2, true);
  memcpy (newcomer.sb.device_uuid, sample.sb[0].device_uuid, 16);
  expect_refused (FIT_TWIN);
  make (LEVEL_RAID1, NULL, 2, true);
  newcomer.sb.data_size = newcomer.sb.size - 1;
  expect_refused (FIT_SMALL);
  make (LEVEL_RAID1, NULL, 2, true);
  newcomer.bitmap_verdict = BITMAP_UNSUPPORTED;
  expect_refused (FIT_BITMAP);
  make (LEVEL_RAID1, NULL, 2, true);
  newcomer.sb.roles[1] = SB1_ROLE_FAULTY;
  expect_refused (FIT_NO_SLOT);
}
END_TEST

START_TEST (blocks_of_the_array_are_not_changed_for_anybody)
{
  make (LEVEL_RAID1, NULL, 2, true);
  newcomer.disk.block = 4096;
  expect_refused (FIT_BLOCKS);
  array.block = 4096;
  expect (FIT_BY_BITMAP, FIT_OK, 1, 2 * 65536, false);
  /* The superblock is at 4096. */
  array.block = 8192;
  expect_refused (FIT_BLOCKS);
}
END_TEST

/* Somebody stepped in, on record or not yet. */
START_TEST (a_slot_is_given_once)
{
  make (LEVEL_RAID1, NULL, 2, true);
  array.taken = 3;
  expect_refused (FIT_TAKEN);
  make (LEVEL_RAID1, NULL, 3, true);
  sample.sb[2].dev_number = 3;
  sample.sb[2].device_uuid[15] ^= 1;
  sample.sb[2].events = sample.sb[0].events;
  for (unsigned i = 0; i < 3; i++) {
    sample.sb[i].max_dev = 4;
    sample.sb[i].roles[2] = SB1_ROLE_FAULTY;
    sample.sb[i].roles[3] = 2;
  }
  array.count = 3;
  array.taken = 7;
  expect_refused (FIT_TAKEN);
}
END_TEST

START_TEST (a_new_disk_gets_a_free_slot_or_waits)
{
  make (LEVEL_RAID1, NULL, 3, true);
  newcomer.verdict = SB1_NONE;
  expect (FIT_WHOLE, FIT_NEW, 2, whole (), false);
  array.taken = 5;
  expect (FIT_WHOLE, FIT_NEW, 1, whole (), false);
  array.taken = 7;
  expect (FIT_SPARE, FIT_NEW, ASSEMBLE_NO_SLOT, 0, false);
  newcomer.disk.size = newcomer.disk.exact_size
    = (sample.sb[0].data_offset + sample.sb[0].size) * SECTOR_SIZE;
  expect (FIT_SPARE, FIT_NEW, ASSEMBLE_NO_SLOT, 0, false);
  newcomer.disk.size -= 512;
  expect_refused (FIT_SMALL);
  newcomer.disk = disk;
  newcomer.disk.block = 4096;
  expect_refused (FIT_BLOCKS);
}
END_TEST

/* There everything lies before the superblock, behind the data. */
START_TEST (a_new_disk_needs_room_behind_its_data_too)
{
  uint64_t least = 0;

  make (LEVEL_RAID1, NULL, 2, true);
  sample_make (&sample, LEVEL_RAID1, NULL, 2, SB1_VERSION_1_0, true);
  newcomer.verdict = SB1_NONE;
  newcomer.disk.size = newcomer.disk.exact_size = SAMPLE_BYTES;
  expect (FIT_WHOLE, FIT_NEW, 1, whole (), false);
  least = sample.sb[0].size - MIN (sample.sb[0].bitmap_offset,
                                   sample.sb[0].bblog_offset);
  newcomer.disk.size = newcomer.disk.exact_size
    = round_up (least + 16, 8) * SECTOR_SIZE;
  expect (FIT_WHOLE, FIT_NEW, 1, whole (), false);
  newcomer.disk.size = newcomer.disk.exact_size
    = (round_up (least, 8) + 8) * SECTOR_SIZE;
  expect_refused (FIT_SMALL);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, who_missed_little_gets_what_the_bitmap_has_set);
  tcase_add_test (tcase, who_left_an_array_that_runs_is_never_in_sync);
  tcase_add_test (tcase,
                  all_is_copied_where_no_bitmap_knows_and_it_is_said_why);
  tcase_add_test (tcase, another_history_is_lost_only_if_that_is_asked_for);
  tcase_add_test (tcase, who_cannot_be_believed_or_written_is_refused);
  tcase_add_test (tcase, who_does_not_fit_is_refused);
  tcase_add_test (tcase, blocks_of_the_array_are_not_changed_for_anybody);
  tcase_add_test (tcase, a_slot_is_given_once);
  tcase_add_test (tcase, a_new_disk_gets_a_free_slot_or_waits);
  tcase_add_test (tcase, a_new_disk_needs_room_behind_its_data_too);
}

int
main (void)
{
  return unit_main ("fit", add_tests);
}
