/* SPDX-License-Identifier: BSD-3-Clause */
/* Who gets which slot, what is copied to it, and may the array be written. */
#include "logic/seats.h"
#include "md-samples.h"

static struct sample sample;
static struct assemble_member given[ASSEMBLE_MEMBERS_MAX];
static struct assembly verdict;
static struct seats seats;

/* A raid1 of @slots members, all given in their order. */
static void
array (unsigned slots)
{
  static char nothing[] = "";

  sample_make (&sample, LEVEL_RAID1, NULL, slots, SB1_VERSION_1_2, true);
  for (unsigned i = 0; i < slots; i++)
    given[i] = (struct assemble_member){ .verdict = SB1_GOOD,
                                         .sb = &sample.sb[i],
                                         .why = nothing,
                                         .bitmap_verdict = BITMAP_GOOD,
                                         .bitmap_events = 20,
                                         .events_cleared = 20,
                                         .bitmap_why = nothing,
                                         .bitmap_chunk = 65536 };
}

/* The superblocks may have changed since they were given. */
static void
seat_keeping (unsigned count, int keep)
{
  for (unsigned i = 0; i < count; i++)
    if (given[i].sb != NULL)
      given[i].bitmap_events = given[i].sb->events;
  assemble (given, count, keep, &verdict);
  ck_assert_msg (seats_are_given (&verdict), "%s", verdict.why);
  seats_give (&verdict, given, count, &seats);
}

static void
seat (unsigned count)
{
  seat_keeping (count, -1);
}

/* Two, the second of which has missed writes. */
static void
array_left_behind (void)
{
  array (2);
  sample_fail (&sample, 1);
}

static void
no_bitmaps (unsigned count)
{
  for (unsigned i = 0; i < count; i++)
    given[i].bitmap_verdict = BITMAP_NONE;
}

/* Of array_left_behind: the second is not used, the first is. */
static void
check_left_out (void)
{
  seat (2);
  ck_assert_uint_eq (seats.seat[0].slot, 0);
  ck_assert_uint_eq (seats.seat[1].slot, ASSEMBLE_NO_SLOT);
  ck_assert (!seats.seat[1].rejoins && !seats.seat[1].rebuilt);
  ck_assert (!seats.rebuilding);
}

static void
check_readonly (unsigned culprit, bool refuses_writers, const char *why)
{
  ck_assert_msg (strstr (seats.why_readonly, why) != NULL, "%s",
                 seats.why_readonly);
  ck_assert_uint_eq (seats.culprit, culprit);
  ck_assert (seats.refuses_writers == refuses_writers);
  ck_assert (!seats.rebuilding);
}

static void
check_writable (void)
{
  ck_assert_str_eq (seats.why_readonly, "");
  ck_assert (!seats.refuses_writers);
}

START_TEST (all_in_their_slots)
{
  struct assemble_member first;

  array (3);
  first = given[0];
  given[0] = given[2];
  given[2] = first;
  seat (3);
  for (unsigned i = 0; i < 3; i++) {
    ck_assert_uint_eq (seats.seat[i].slot, 2 - i);
    ck_assert (!seats.seat[i].rejoins && !seats.seat[i].rebuilt
               && !seats.seat[i].by_bitmap);
  }
  ck_assert (!seats.rebuilding);
  check_writable ();
}
END_TEST

START_TEST (who_missed_something_comes_back_by_bitmap)
{
  array_left_behind ();
  seat (2);
  ck_assert_uint_eq (seats.seat[1].slot, 1);
  ck_assert (seats.seat[1].rejoins && seats.seat[1].rebuilt);
  ck_assert (seats.seat[1].by_bitmap && seats.rebuilding);
  ck_assert (!seats.seat[0].rejoins && !seats.seat[0].rebuilt);
  check_writable ();
}
END_TEST

START_TEST (a_bitmap_that_is_outdated_or_does_not_reach_back_is_no_help)
{
  array_left_behind ();
  given[1].bitmap_verdict = BITMAP_OUTDATED;
  seat (2);
  ck_assert_int_eq (verdict.part[1].part, PART_STALE_BITMAP);
  ck_assert (seats.seat[1].rejoins && !seats.seat[1].by_bitmap);
  given[1].bitmap_verdict = BITMAP_GOOD;
  sample.sb[1].events = 19;
  seat (2);
  ck_assert_int_eq (verdict.part[1].part, PART_STALE);
  ck_assert (seats.seat[1].rejoins && !seats.seat[1].by_bitmap);
}
END_TEST

START_TEST (without_bitmaps_all_is_copied)
{
  array_left_behind ();
  no_bitmaps (2);
  seat (2);
  ck_assert (seats.seat[1].rejoins && seats.seat[1].rebuilt);
  ck_assert (!seats.seat[1].by_bitmap);
  check_writable ();
}
END_TEST

START_TEST (the_failed_and_the_split_come_back_too)
{
  array (2);
  sample.sb[0].events++;
  sample.sb[0].roles[1] = SB1_ROLE_FAULTY;
  no_bitmaps (2);
  seat (2);
  ck_assert_int_eq (verdict.part[1].part, PART_FAULTY);
  ck_assert (seats.seat[1].rejoins);

  array (2);
  sample_run_alone (&sample, 0, 2);
  sample_run_alone (&sample, 1, 3);
  seat_keeping (2, 0);
  ck_assert_int_eq (verdict.part[1].part, PART_SPLIT);
  ck_assert (seats.seat[1].rejoins && !seats.seat[1].by_bitmap);
}
END_TEST

START_TEST (spares_and_the_damaged_have_no_slot)
{
  array (3);
  sample.sb[0].roles[2] = SB1_ROLE_SPARE;
  sample.sb[1].roles[2] = SB1_ROLE_SPARE;
  sample.sb[2].roles[2] = SB1_ROLE_SPARE;
  seat (3);
  ck_assert_int_eq (verdict.part[2].part, PART_SPARE);
  ck_assert_uint_eq (seats.seat[2].slot, ASSEMBLE_NO_SLOT);
  given[2].verdict = SB1_DAMAGED;
  given[2].sb = NULL;
  given[2].readonly = true;
  seat (3);
  ck_assert_uint_eq (seats.seat[2].slot, ASSEMBLE_NO_SLOT);
  check_writable ();
}
END_TEST

START_TEST (a_rebuild_that_has_begun_goes_on)
{
  array (2);
  sample.sb[1].features
    |= SB1_FEATURE_RECOVERY_OFFSET | SB1_FEATURE_RECOVERY_BITMAP;
  seat (2);
  ck_assert_uint_eq (seats.seat[1].slot, 1);
  ck_assert (!seats.seat[1].rejoins && seats.seat[1].rebuilt);
  ck_assert (seats.seat[1].by_bitmap && seats.rebuilding);
  sample.sb[1].features &= ~(uint32_t)SB1_FEATURE_RECOVERY_BITMAP;
  seat (2);
  ck_assert (seats.seat[1].rebuilt && !seats.seat[1].by_bitmap);
}
END_TEST

START_TEST (a_rebuild_by_a_bitmap_that_is_gone_copies_all)
{
  array (2);
  sample.sb[1].features
    |= SB1_FEATURE_RECOVERY_OFFSET | SB1_FEATURE_RECOVERY_BITMAP;
  no_bitmaps (2);
  seat (2);
  ck_assert (seats.seat[1].rebuilt && !seats.seat[1].by_bitmap);
}
END_TEST

/* The update that gave the bitmap up is the one that the member missed. */
START_TEST (a_rebuild_by_a_bitmap_that_the_others_gave_up_copies_all)
{
  array (2);
  sample.sb[0].events++;
  sample.sb[1].features
    |= SB1_FEATURE_RECOVERY_OFFSET | SB1_FEATURE_RECOVERY_BITMAP;
  given[0].bitmap_verdict = BITMAP_NONE;
  seat (2);
  check_writable ();
  ck_assert (seats.seat[1].rebuilt && !seats.seat[1].by_bitmap);
}
END_TEST

/* --------------------------------------------------- who does not come back */

START_TEST (a_slot_that_is_taken_is_not_given_twice)
{
  /* The second of three was left behind, and the third took its slot. */
  array (3);
  sample_fail (&sample, 1);
  sample.sb[0].roles[2] = sample.sb[2].roles[2] = 1;
  seat (3);
  ck_assert_uint_eq (seats.seat[2].slot, 1);
  ck_assert (!assemble_part_is_fresh (verdict.part[1].part));
  ck_assert_uint_eq (seats.seat[1].slot, ASSEMBLE_NO_SLOT);
}
END_TEST

START_TEST (of_two_that_want_a_slot_the_first_gets_it)
{
  array (3);
  sample_fail (&sample, 1);
  sample.sb[2].roles[2] = 1;
  sample.sb[2].events = 19;
  seat (3);
  ck_assert_uint_eq (seats.seat[1].slot, 1);
  ck_assert_int_eq (verdict.part[2].part, PART_STALE);
  ck_assert_uint_eq (seats.seat[2].slot, ASSEMBLE_NO_SLOT);
}
END_TEST

START_TEST (a_number_that_is_taken_is_not_given_twice)
{
  array (3);
  sample_fail (&sample, 1);
  sample_fail (&sample, 2);
  seat (3);
  ck_assert (seats.seat[1].rejoins && seats.seat[2].rejoins);
  sample.sb[2].dev_number = 1;
  sample.sb[2].roles[1] = 2;
  seat (3);
  ck_assert (seats.seat[1].rejoins && !seats.seat[2].rejoins);
}
END_TEST

START_TEST (a_slot_that_the_array_has_not_is_not_given)
{
  array (3);
  sample_fail (&sample, 2);
  sample.sb[0].raid_disks = sample.sb[1].raid_disks = 2;
  seat (3);
  ck_assert_uint_eq (verdict.layout.slots, 2);
  ck_assert_uint_eq (seats.seat[2].slot, ASSEMBLE_NO_SLOT);
}
END_TEST

START_TEST (who_says_of_itself_that_it_failed_does_not_come_back)
{
  array_left_behind ();
  sample.sb[1].roles[1] = SB1_ROLE_FAULTY;
  check_left_out ();
  ck_assert_int_eq (verdict.part[1].part, PART_FAULTY);
}
END_TEST

START_TEST (a_member_too_small_does_not_come_back)
{
  array_left_behind ();
  sample.sb[1].data_size = sample.sb[0].size - 1;
  check_left_out ();
}
END_TEST

START_TEST (a_member_of_another_size_does_not_come_back)
{
  array_left_behind ();
  sample.sb[1].size -= 128;
  check_left_out ();
}
END_TEST

START_TEST (an_old_replacement_does_not_come_back)
{
  array_left_behind ();
  sample.sb[1].features |= SB1_FEATURE_REPLACEMENT;
  check_left_out ();
}
END_TEST

START_TEST (a_disk_that_cannot_be_written_does_not_come_back)
{
  array_left_behind ();
  given[1].readonly = true;
  check_left_out ();
  /* It has no slot, so it says nothing about the others. */
  check_writable ();
}
END_TEST

START_TEST (who_cannot_get_the_bitmap_does_not_come_back)
{
  array_left_behind ();
  given[1].bitmap_verdict = BITMAP_DAMAGED;
  check_left_out ();
  given[1].bitmap_verdict = BITMAP_UNSUPPORTED;
  check_left_out ();
  /* No room for the array's. */
  given[1].bitmap_verdict = BITMAP_NONE;
  sample.sb[1].bblog_size = 8;
  sample.sb[1].bblog_offset = sample.sb[0].bitmap_offset;
  check_left_out ();
  check_writable ();
}
END_TEST

/* The array got another bitmap since. */
START_TEST (who_had_another_bitmap_that_was_sound_comes_back_whole)
{
  array_left_behind ();
  for (unsigned i = 0; i < 4; i++) {
    given[0].bitmap_verdict = BITMAP_GOOD;
    given[1].bitmap_chunk = i == 0 ? 131072 : 65536;
    given[1].bitmap_verdict = i == 1 ? BITMAP_NONE : BITMAP_GOOD;
    sample.sb[1].bitmap_offset = sample.sb[0].bitmap_offset + (i == 3 ? 8 : 0);
    if (i == 2)
      given[0].bitmap_verdict = BITMAP_NONE;
    seat (2);
    ck_assert (seats.seat[1].rejoins && !seats.seat[1].by_bitmap);
    check_writable ();
  }
}
END_TEST

/* ------------------------------------------------------- may it be written? */

START_TEST (a_bitmap_that_is_not_understood_can_only_be_read)
{
  array (2);
  given[1].bitmap_verdict = BITMAP_UNSUPPORTED;
  given[1].bitmap_why = "bitmap version 6: no";
  seat (2);
  check_readonly (1, true, "bitmap version 6: no");
  ck_assert_uint_eq (seats.seat[0].slot, 0);
  ck_assert_uint_eq (seats.seat[1].slot, 1);
}
END_TEST

START_TEST (events_near_their_end_can_only_be_read)
{
  array (2);
  sample.sb[0].events = sample.sb[1].events = SB1_EVENTS_MAX;
  seat (2);
  check_writable ();
  sample.sb[1].events++;
  seat (2);
  check_readonly (2, true, "events 4611686018427387904");
}
END_TEST

/* The third of three shares the slot of the second. */
static void
array_with_replacement (void)
{
  array (3);
  sample.sb[2].features
    |= SB1_FEATURE_REPLACEMENT | SB1_FEATURE_RECOVERY_OFFSET;
  for (unsigned i = 0; i < 3; i++) {
    sample.sb[i].raid_disks = 2;
    sample.sb[i].roles[2] = 1;
  }
}

START_TEST (a_replacement_shares_the_slot_of_whom_it_replaces)
{
  array_with_replacement ();
  seat (3);
  check_writable ();
  ck_assert_uint_eq (seats.seat[1].slot, 1);
  ck_assert (!seats.seat[1].replaces && !seats.seat[1].rebuilt);
  ck_assert_uint_eq (seats.seat[2].slot, 1);
  ck_assert (seats.seat[2].replaces && seats.seat[2].rebuilt);
}
END_TEST

START_TEST (a_replacement_alone_has_the_slot_to_itself)
{
  array_with_replacement ();
  given[1] = given[2];
  seat (2);
  check_writable ();
  ck_assert_uint_eq (seats.seat[1].slot, 1);
  ck_assert (!seats.seat[1].replaces && seats.seat[1].rebuilt);
}
END_TEST

/* The third of three has no slot. */
static void
array_with_spare (void)
{
  array (3);
  for (unsigned i = 0; i < 3; i++) {
    sample.sb[i].raid_disks = 2;
    sample.sb[i].roles[2] = SB1_ROLE_SPARE;
  }
  sample.sb[2].events = 3;
}

static void
check_spare (enum seat_refusal refusal)
{
  seat (3);
  ck_assert_uint_eq (seats.seat[2].slot, ASSEMBLE_NO_SLOT);
  ck_assert_int_eq (seats.seat[2].refusal, refusal);
  ck_assert (seats.seat[2].waits == (refusal == SEAT_NOT_REFUSED));
  ck_assert (!seats.seat[2].rebuilt);
  check_writable ();
}

/* Only one of them could have that entry of the table. */
START_TEST (of_two_spares_with_one_number_one_waits)
{
  array (4);
  for (unsigned i = 0; i < 4; i++) {
    sample.sb[i].raid_disks = 2;
    sample.sb[i].roles[2] = sample.sb[i].roles[3] = SB1_ROLE_SPARE;
  }
  sample.sb[2].events = sample.sb[3].events = 3;
  sample.sb[3].dev_number = 2;
  seat (4);
  ck_assert (seats.seat[2].waits && !seats.seat[3].waits);
  ck_assert_int_eq (seats.seat[3].refusal, SEAT_TAKEN);
  check_writable ();
}
END_TEST

START_TEST (a_spare_waits_if_it_could_step_in)
{
  array_with_spare ();
  check_spare (SEAT_NOT_REFUSED);
  given[2].readonly = true;
  check_spare (SEAT_READ_ONLY);
  array_with_spare ();
  sample.sb[2].data_size = sample.sb[0].size - 1;
  check_spare (SEAT_SMALL);
  array_with_spare ();
  sample.sb[2].features &= ~(uint32_t)SB1_FEATURE_BITMAP;
  check_spare (SEAT_BITMAP);
  array_with_spare ();
  sample.sb[2].bitmap_offset += 8;
  check_spare (SEAT_BITMAP);
  array_with_spare ();
  sample.sb[2].dev_number = 1;
  sample.sb[2].roles[1] = SB1_ROLE_SPARE;
  check_spare (SEAT_TAKEN);
  sample.sb[2].dev_number = SB1_ROLES_MAX;
  check_spare (SEAT_TAKEN);
}
END_TEST

START_TEST (no_spare_waits_where_nothing_is_written)
{
  array_with_spare ();
  given[1].readonly = true;
  seat (3);
  ck_assert (!seats.seat[2].waits);
}
END_TEST

START_TEST (different_bitmaps_can_only_be_read)
{
  array (2);
  given[1].bitmap_chunk = 131072;
  seat (2);
  check_readonly (1, true, "bitmap");
  array (2);
  given[1].bitmap_verdict = BITMAP_NONE;
  seat (2);
  check_readonly (1, true, "bitmap");
  array (2);
  sample.sb[1].bitmap_offset += 8;
  seat (2);
  check_readonly (1, true, "bitmap");
  array (2);
  given[1].bitmap_verdict = BITMAP_OUTDATED;
  seat (2);
  check_writable ();
}
END_TEST

START_TEST (a_disk_that_cannot_be_written_makes_a_quiet_reader)
{
  array (2);
  given[1].readonly = true;
  seat (2);
  check_readonly (1, false, "may only be read");
}
END_TEST

START_TEST (the_first_reason_is_told)
{
  array (2);
  given[0].readonly = true;
  given[1].bitmap_chunk = 131072;
  seat (2);
  check_readonly (1, true, "its bitmap");
  sample.sb[0].events = sample.sb[1].events = SB1_EVENTS_MAX + 1;
  seat (2);
  check_readonly (2, true, "events");
  given[1].bitmap_verdict = BITMAP_DAMAGED;
  given[1].bitmap_why = "bitmap magic 0: no";
  seat (2);
  check_readonly (1, true, "bitmap magic");
}
END_TEST

START_TEST (where_nothing_is_written_nobody_is_rebuilt)
{
  array_left_behind ();
  given[0].readonly = true;
  check_left_out ();
  check_readonly (0, false, "may only be read");

  array (2);
  sample.sb[1].features |= SB1_FEATURE_RECOVERY_OFFSET;
  given[0].readonly = true;
  seat (2);
  ck_assert_uint_eq (seats.seat[1].slot, 1);
  ck_assert (!seats.seat[1].rebuilt);
  check_readonly (0, false, "may only be read");

  /* Of no use to an array that cannot be kept up to date. */
  given[0].readonly = false;
  sample.sb[0].events = sample.sb[1].events = SB1_EVENTS_MAX + 1;
  check_left_out ();
  check_readonly (2, true, "events");
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, all_in_their_slots);
  tcase_add_test (tcase, who_missed_something_comes_back_by_bitmap);
  tcase_add_test (tcase,
                  a_bitmap_that_is_outdated_or_does_not_reach_back_is_no_help);
  tcase_add_test (tcase, without_bitmaps_all_is_copied);
  tcase_add_test (tcase, the_failed_and_the_split_come_back_too);
  tcase_add_test (tcase, spares_and_the_damaged_have_no_slot);
  tcase_add_test (tcase, a_rebuild_that_has_begun_goes_on);
  tcase_add_test (tcase, a_rebuild_by_a_bitmap_that_is_gone_copies_all);
  tcase_add_test (tcase,
                  a_rebuild_by_a_bitmap_that_the_others_gave_up_copies_all);
  tcase_add_test (tcase, a_slot_that_is_taken_is_not_given_twice);
  tcase_add_test (tcase, of_two_that_want_a_slot_the_first_gets_it);
  tcase_add_test (tcase, a_number_that_is_taken_is_not_given_twice);
  tcase_add_test (tcase, a_slot_that_the_array_has_not_is_not_given);
  tcase_add_test (tcase, who_says_of_itself_that_it_failed_does_not_come_back);
  tcase_add_test (tcase, a_member_too_small_does_not_come_back);
  tcase_add_test (tcase, a_member_of_another_size_does_not_come_back);
  tcase_add_test (tcase, an_old_replacement_does_not_come_back);
  tcase_add_test (tcase, a_disk_that_cannot_be_written_does_not_come_back);
  tcase_add_test (tcase, who_cannot_get_the_bitmap_does_not_come_back);
  tcase_add_test (tcase,
                  who_had_another_bitmap_that_was_sound_comes_back_whole);
  tcase_add_test (tcase, a_bitmap_that_is_not_understood_can_only_be_read);
  tcase_add_test (tcase, events_near_their_end_can_only_be_read);
  tcase_add_test (tcase, a_replacement_shares_the_slot_of_whom_it_replaces);
  tcase_add_test (tcase, a_replacement_alone_has_the_slot_to_itself);
  tcase_add_test (tcase, of_two_spares_with_one_number_one_waits);
  tcase_add_test (tcase, a_spare_waits_if_it_could_step_in);
  tcase_add_test (tcase, no_spare_waits_where_nothing_is_written);
  tcase_add_test (tcase, different_bitmaps_can_only_be_read);
  tcase_add_test (tcase, a_disk_that_cannot_be_written_makes_a_quiet_reader);
  tcase_add_test (tcase, the_first_reason_is_told);
  tcase_add_test (tcase, where_nothing_is_written_nobody_is_rebuilt);
}

int
main (void)
{
  return unit_main ("seats", add_tests);
}
