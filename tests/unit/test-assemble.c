/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be made of members, and why. */
#include "md-samples.h"

static struct sample sample;
static struct assemble_member given[ASSEMBLE_MEMBERS_MAX];
static struct assembly verdict;

static void
array (enum level level, const char *layout, unsigned slots)
{
  sample_make (&sample, level, layout, slots, SB1_VERSION_1_2, true);
}

/* Member @i of the sample, with a bitmap as old as its superblock, is given
 * as member @at.
 */
static void
give (unsigned at, unsigned i)
{
  static char nothing[] = "";

  given[at]
    = (struct assemble_member){ .verdict = SB1_GOOD,
                                .sb = &sample.sb[i],
                                .why = nothing,
                                .bitmap_verdict = BITMAP_GOOD,
                                .bitmap_chunk = 64 * 1024 * 1024,
                                .bitmap_events = sample.sb[i].events,
                                .events_cleared = 20,
                                .bitmap_why = nothing };
}

static enum assemble_result
judge (unsigned count, int keep)
{
  assemble (given, count, keep, &verdict);
  return verdict.result;
}

static enum assemble_result
judge_all (void)
{
  for (unsigned i = 0; i < sample.plan.layout.slots; i++)
    give (i, i);
  return judge (sample.plan.layout.slots, -1);
}

START_TEST (all_well)
{
  array (LEVEL_RAID1, NULL, 3);
  ck_assert_int_eq (judge_all (), ASSEMBLE_START);
  ck_assert_uint_eq (verdict.in_sync, 7);
  ck_assert (!verdict.degraded && !verdict.dirty && !verdict.recovering);
  ck_assert (verdict.bitmap && verdict.bitmap_good);
  ck_assert_uint_eq (verdict.events, 20);
  ck_assert_uint_eq (verdict.layout.array_size,
                     sample.plan.layout.array_size);
  /* In any order. */
  give (0, 2);
  give (1, 0);
  give (2, 1);
  ck_assert_int_eq (judge (3, -1), ASSEMBLE_START);
  ck_assert_uint_eq (verdict.part[0].slot, 2);
  ck_assert_uint_eq (verdict.part[1].slot, 0);
}
END_TEST

START_TEST (a_missing_member_degrades)
{
  array (LEVEL_RAID1, NULL, 3);
  give (0, 1);
  ck_assert_int_eq (judge (1, -1), ASSEMBLE_START);
  ck_assert (verdict.degraded);
  ck_assert_uint_eq (verdict.in_sync, 2);
}
END_TEST

START_TEST (raid10_wants_one_of_each_group)
{
  array (LEVEL_RAID10, "n2", 4);
  give (0, 0);
  give (1, 2);
  ck_assert_int_eq (judge (2, -1), ASSEMBLE_START);
  give (1, 1);
  ck_assert_int_eq (judge (2, -1), ASSEMBLE_FAILED);
  ck_assert_msg (strstr (verdict.why, "slots 2 3") != NULL, "%s",
                 verdict.why);
}
END_TEST

START_TEST (a_failed_member_is_stale_although_it_does_not_know)
{
  array (LEVEL_RAID1, NULL, 2);
  sample_fail (&sample, 1);
  ck_assert_int_eq (judge_all (), ASSEMBLE_START);
  ck_assert_int_eq (verdict.part[1].part, PART_STALE_BITMAP);
  ck_assert_uint_eq (verdict.part[1].slot, 1);
  ck_assert_uint_eq (verdict.authority, 0);
  ck_assert_uint_eq (verdict.in_sync, 1);
  /* Its events are older than what the bitmap remembers. */
  sample.sb[1].events = 19;
  ck_assert_int_eq (judge_all (), ASSEMBLE_START);
  ck_assert_int_eq (verdict.part[1].part, PART_STALE);
  /* The bitmap of those who went on is of no use. */
  sample.sb[1].events = 20;
  give (0, 0);
  given[0].bitmap_verdict = BITMAP_OUTDATED;
  ck_assert_int_eq (judge (2, -1), ASSEMBLE_START);
  ck_assert_int_eq (verdict.part[1].part, PART_STALE);
  ck_assert (!verdict.bitmap_good);
}
END_TEST

START_TEST (one_event_behind_is_fresh_unless_failed)
{
  array (LEVEL_RAID1, NULL, 2);
  sample.sb[0].events++;
  ck_assert_int_eq (judge_all (), ASSEMBLE_START);
  ck_assert_uint_eq (verdict.in_sync, 3);
  sample.sb[0].roles[1] = SB1_ROLE_FAULTY;
  ck_assert_int_eq (judge_all (), ASSEMBLE_START);
  ck_assert_uint_eq (verdict.in_sync, 1);
  ck_assert_int_eq (verdict.part[1].part, PART_STALE_BITMAP);
  give (0, 0);
  given[0].bitmap_verdict = BITMAP_NONE;
  ck_assert_int_eq (judge (2, -1), ASSEMBLE_START);
  ck_assert_int_eq (verdict.part[1].part, PART_FAULTY);
}
END_TEST

START_TEST (two_events_behind_is_stale)
{
  array (LEVEL_RAID1, NULL, 2);
  sample.sb[0].events += 2;
  ck_assert_int_eq (judge_all (), ASSEMBLE_START);
  ck_assert_uint_eq (verdict.in_sync, 1);
  ck_assert (!assemble_part_is_fresh (verdict.part[1].part));
}
END_TEST

/* The bitmap of a member that is one behind says nothing about today. */
START_TEST (an_old_bitmap_is_not_good)
{
  array (LEVEL_RAID1, NULL, 2);
  sample.sb[0].events++;
  give (0, 0);
  give (1, 1);
  given[0].bitmap_verdict = BITMAP_OUTDATED;
  ck_assert_int_eq (judge (2, -1), ASSEMBLE_START);
  ck_assert (verdict.bitmap && !verdict.bitmap_good);
}
END_TEST

START_TEST (dirty_is_what_any_fresh_member_says)
{
  array (LEVEL_RAID1, NULL, 2);
  sample.sb[1].resync_offset = 1000;
  ck_assert_int_eq (judge_all (), ASSEMBLE_START);
  ck_assert (verdict.dirty);
  ck_assert_uint_eq (verdict.resync_from, 1000);
  sample.sb[0].resync_offset = 0;
  ck_assert_int_eq (judge_all (), ASSEMBLE_START);
  ck_assert_uint_eq (verdict.resync_from, 0);
}
END_TEST

/* It is said of which events the others are, but not that they are others. */
static void
check_split_text (void)
{
  uint64_t own = sample.sb[verdict.culprit].events;
  char same[64];

  snprintf (same, sizeof same, "the members that have events %" PRIu64 ",",
            own);
  ck_assert_msg (strstr (verdict.why, same) == NULL, "%s", verdict.why);
  ck_assert_msg ((strstr (verdict.why, "that have as many,") != NULL)
                   == (own == verdict.events),
                 "%s", verdict.why);
}

START_TEST (two_lives_are_a_split_brain)
{
  array (LEVEL_RAID1, NULL, 2);
  sample_run_alone (&sample, 0, (unsigned)_i);
  sample_run_alone (&sample, 1, 4);
  ck_assert_int_eq (judge_all (), ASSEMBLE_SPLIT);
  ck_assert_uint_lt (verdict.culprit, 2);
  check_split_text ();
  /* Either can be kept; the other is another history for good. */
  ck_assert_int_eq (judge (2, 0), ASSEMBLE_START);
  ck_assert_uint_eq (verdict.authority, 0);
  ck_assert_uint_eq (verdict.in_sync, 1);
  ck_assert_int_eq (verdict.part[1].part, PART_SPLIT);
  ck_assert_int_eq (judge (2, 1), ASSEMBLE_START);
  ck_assert_uint_eq (verdict.authority, 1);
  ck_assert_int_eq (verdict.part[0].part, PART_SPLIT);
}
END_TEST

/* Both had the same events when all stopped, but for an update that only
 * member 0 got; then member 1 was started alone, and has as many now.
 */
START_TEST (with_the_same_events_who_knows_more_is_believed)
{
  for (unsigned swapped = 0; swapped < 2; swapped++) {
    array (LEVEL_RAID1, NULL, 2);
    sample.sb[0].events++;
    sample.sb[0].resync_offset = 0;
    sample_run_alone (&sample, 1, 1);
    give (swapped, 0);
    give (1 - swapped, 1);
    ck_assert_int_eq (judge (2, -1), ASSEMBLE_START);
    ck_assert_uint_eq (verdict.authority, 1 - swapped);
    ck_assert_uint_eq (verdict.in_sync, 2);
    ck_assert (!assemble_part_is_fresh (verdict.part[swapped].part));
  }
}
END_TEST

/* That would take an update nobody was told of: not ours to decide. */
START_TEST (one_behind_but_alone_is_a_split_brain)
{
  array (LEVEL_RAID1, NULL, 2);
  sample_run_alone (&sample, 1, 1);
  sample.sb[0].events += 2;
  ck_assert_int_eq (judge_all (), ASSEMBLE_SPLIT);
}
END_TEST

/* After a split brain 1 was kept, and 2 was to be rebuilt; then a crash, when 0
 * had heard nothing of it yet: by chance it has as many events as they have.
 */
START_TEST (the_same_events_with_another_table_are_another_history)
{
  array (LEVEL_RAID1, NULL, 3);
  for (unsigned i = 0; i < 3; i++)
    sample.sb[i].events = 102;
  sample.sb[0].roles[1] = SB1_ROLE_SPARE;
  sample.sb[1].roles[0] = sample.sb[1].roles[2] = SB1_ROLE_SPARE;
  sample.sb[1].events = 101;
  sample.sb[2].features |= SB1_FEATURE_RECOVERY_OFFSET;
  sample.sb[2].recovery_offset = 0;
  ck_assert_int_eq (judge_all (), ASSEMBLE_SPLIT);
  ck_assert_int_eq (judge (3, 1), ASSEMBLE_START);
  ck_assert_int_eq (verdict.part[0].part, PART_SPLIT);
  ck_assert_int_eq (verdict.part[1].part, PART_IN_SYNC);
  /* 0 alone is as it was. */
  give (0, 0);
  ck_assert_int_eq (judge (1, -1), ASSEMBLE_START);
}
END_TEST

/* After a split brain 1 was kept; 0 was told that it is to be rebuilt, and then
 * there was a crash, before 2, which had run beside 0, was told anything.
 */
START_TEST (whoever_ran_beside_a_member_that_is_overwritten_is_not_believed)
{
  for (unsigned behind = 0; behind < 4; behind++) {
    array (LEVEL_RAID1, NULL, 3);
    sample.sb[0].features |= SB1_FEATURE_RECOVERY_OFFSET;
    sample.sb[0].recovery_offset = 0;
    sample.sb[0].events = 49;
    sample.sb[1].roles[0] = sample.sb[1].roles[2] = SB1_ROLE_SPARE;
    sample.sb[1].events = 48;
    sample.sb[2].roles[1] = SB1_ROLE_SPARE;
    sample.sb[2].events = 49 - behind;
    ck_assert_int_eq (judge_all (), ASSEMBLE_SPLIT);
    ck_assert_int_eq (judge (3, 1), ASSEMBLE_START);
    ck_assert_uint_eq (verdict.in_sync, 2);
    ck_assert_int_eq (verdict.part[2].part, PART_SPLIT);
    ck_assert_int_eq (verdict.part[0].part, PART_SPLIT);
  }
}
END_TEST

/* 1 and 2 ran without 0, which was kept while 1 was away; 2 was overwritten.
 * What 1 knows of 2 looks as if it had merely been left behind.
 */
START_TEST (who_is_ahead_of_the_kept_one_has_another_history)
{
  for (unsigned ahead = 1; ahead < 4; ahead++) {
    array (LEVEL_RAID1, NULL, 3);
    sample.sb[0].events = sample.sb[2].events = 81;
    sample.sb[0].roles[1] = sample.sb[2].roles[1] = SB1_ROLE_FAULTY;
    sample.sb[1].events = 81 + ahead;
    sample.sb[1].roles[0] = SB1_ROLE_FAULTY;
    ck_assert_int_eq (judge_all (), ASSEMBLE_SPLIT);
    ck_assert_int_eq (judge (3, 0), ASSEMBLE_START);
    ck_assert_uint_eq (verdict.in_sync, 5);
    ck_assert_int_eq (verdict.part[1].part, PART_SPLIT);
    ck_assert_uint_eq (verdict.part[1].slot, 1);
  }
}
END_TEST

/* 0 ran alone; 1 and 2 were kept instead, and then 2 went on without 1. */
START_TEST (a_member_that_was_left_behind_is_not_kept)
{
  for (unsigned swapped = 0; swapped < 2; swapped++) {
    array (LEVEL_RAID1, NULL, 3);
    sample.sb[0].roles[1] = sample.sb[0].roles[2] = SB1_ROLE_SPARE;
    sample.sb[1].roles[0] = SB1_ROLE_SPARE;
    sample.sb[2].roles[0] = sample.sb[2].roles[1] = SB1_ROLE_SPARE;
    sample.sb[0].events = sample.sb[2].events = 10;
    sample.sb[1].events = 8;
    give (0, swapped ? 2 : 0);
    give (1, 1);
    give (2, swapped ? 0 : 2);
    ck_assert_int_eq (judge (3, 1), ASSEMBLE_SPLIT);
    ck_assert_int_eq (judge (3, swapped ? 0 : 2), ASSEMBLE_START);
    ck_assert_uint_eq (verdict.in_sync, 4);
  }
}
END_TEST

/* 0 was being rebuilt from 1 when they ran without 2; now 2 is kept, and 1 is
 * rebuilt from it.
 */
START_TEST (keep_helps_when_the_newest_has_lost_its_source)
{
  array (LEVEL_RAID1, NULL, 3);
  sample.sb[0].events = 71;
  sample.sb[0].roles[2] = SB1_ROLE_SPARE;
  sample.sb[0].features |= SB1_FEATURE_RECOVERY_OFFSET;
  sample.sb[0].recovery_offset = 16;
  sample.sb[1].features |= SB1_FEATURE_RECOVERY_OFFSET;
  sample.sb[1].recovery_offset = 0;
  for (unsigned i = 1; i < 3; i++) {
    sample.sb[i].events = 70;
    sample.sb[i].roles[0] = SB1_ROLE_SPARE;
  }
  ck_assert_int_eq (judge_all (), ASSEMBLE_FAILED);
  ck_assert_int_eq (judge (3, 2), ASSEMBLE_START);
  ck_assert_uint_eq (verdict.in_sync, 4);
  ck_assert_int_eq (verdict.part[0].part, PART_SPLIT);
}
END_TEST

/* 0 and 1 ran without 2, which was kept; 0 was rebuilt from it, 1 was not. */
START_TEST (another_history_is_never_merged_by_bitmap)
{
  array (LEVEL_RAID1, NULL, 3);
  for (unsigned i = 0; i < 3; i += 2) {
    sample.sb[i].events += 4;
    sample.sb[i].roles[1] = SB1_ROLE_SPARE;
  }
  ck_assert_int_eq (judge_all (), ASSEMBLE_START);
  ck_assert_int_eq (verdict.part[1].part, PART_STALE_BITMAP);
  sample.sb[1].roles[2] = SB1_ROLE_SPARE;
  ck_assert_int_eq (judge_all (), ASSEMBLE_START);
  ck_assert_int_eq (verdict.part[1].part, PART_STALE);
}
END_TEST

/* 1 is kept, whose history has its data on 2; and it is the newest already, and
 * lists 0, which had as many events as 2.
 */
START_TEST (only_who_knows_the_kept_one_is_of_its_history)
{
  array (LEVEL_RAID1, NULL, 3);
  sample.sb[0].events = sample.sb[2].events = 31;
  sample.sb[1].events = 32;
  sample.sb[0].roles[1] = sample.sb[0].roles[2] = SB1_ROLE_SPARE;
  sample.sb[2].roles[0] = SB1_ROLE_SPARE;
  sample.sb[1].features |= SB1_FEATURE_RECOVERY_OFFSET;
  sample.sb[1].recovery_offset = 0;
  ck_assert_int_eq (judge_all (), ASSEMBLE_SPLIT);
  ck_assert_int_eq (judge (3, 1), ASSEMBLE_START);
  ck_assert_uint_eq (verdict.in_sync, 4);
  ck_assert_int_eq (verdict.part[0].part, PART_SPLIT);
}
END_TEST

/* A new member was told of its slot, the old one was not. */
START_TEST (a_new_member_makes_nobody_stale)
{
  array (LEVEL_RAID1, NULL, 2);
  sample.sb[0].roles[1] = SB1_ROLE_SPARE;
  sample.sb[1].features |= SB1_FEATURE_RECOVERY_OFFSET;
  sample.sb[1].events++;
  ck_assert_int_eq (judge_all (), ASSEMBLE_START);
  ck_assert_uint_eq (verdict.in_sync, 1);
  ck_assert_int_eq (verdict.part[1].part, PART_RECOVERING);
}
END_TEST

START_TEST (two_halves_of_four_are_a_split_brain)
{
  array (LEVEL_RAID10, "n2", 4);
  for (unsigned i = 0; i < 4; i++) {
    sample.sb[i].roles[(i + 1) % 4] = SB1_ROLE_SPARE;
    sample.sb[i].roles[(i + 3) % 4] = SB1_ROLE_SPARE;
    sample.sb[i].events += i % 2 ? 8 : 6;
  }
  ck_assert_int_eq (judge_all (), ASSEMBLE_SPLIT);
  ck_assert_int_eq (judge (4, 2), ASSEMBLE_START);
  ck_assert_uint_eq (verdict.in_sync, 5);
  ck_assert_int_eq (verdict.part[1].part, PART_SPLIT);
  ck_assert_int_eq (verdict.part[3].part, PART_SPLIT);
}
END_TEST

/* Asked for long ago, it must not make an old member the authority. */
START_TEST (keep_decides_nothing_without_a_split)
{
  array (LEVEL_RAID1, NULL, 2);
  sample_fail (&sample, 1);
  give (0, 0);
  give (1, 1);
  ck_assert_int_eq (judge (2, 1), ASSEMBLE_START);
  ck_assert_uint_eq (verdict.authority, 0);
}
END_TEST

/* Slot 0's first member failed, then slot 2's; then slot 0 was filled by
 * another.  Who left second knew that slot 0 was empty, and ran with nobody.
 */
START_TEST (left_behind_is_not_split)
{
  array (LEVEL_RAID1, NULL, 3);
  sample_fail (&sample, 0);
  sample_fail (&sample, 2);
  sample.sb[0] = sample.sb[1];
  sample.sb[0].device_uuid[0] = 'n';
  sample.sb[0].dev_number = 3;
  for (unsigned i = 0; i < 2; i++) {
    sample.sb[i].roles[0] = SB1_ROLE_SPARE;
    sample.sb[i].roles[3] = 0;
    sample.sb[i].events += 5;
  }
  for (unsigned first = 0; first < 3; first++) {
    for (unsigned i = 0; i < 3; i++)
      give ((i + first) % 3, i);
    ck_assert_msg (judge (3, -1) == ASSEMBLE_START, "%s", verdict.why);
    ck_assert_uint_eq (verdict.in_sync, 3);
    ck_assert_int_eq (verdict.part[(2 + first) % 3].part, PART_STALE_BITMAP);
  }
}
END_TEST

/* Member 1 went on alone, and another filled slot 0; then the old member 0
 * went on alone too.
 */
START_TEST (a_filled_slot_does_not_hide_a_split)
{
  array (LEVEL_RAID1, NULL, 2);
  sample_run_alone (&sample, 0, 3);
  sample_run_alone (&sample, 1, 9);
  sample.sb[1].roles[2] = 0;
  sample.sb[2] = sample.sb[1];
  sample.sb[2].dev_number = 2;
  sample.sb[2].device_uuid[0] = 'n';
  for (unsigned i = 0; i < 3; i++)
    give (i, i);
  ck_assert_int_eq (judge (3, -1), ASSEMBLE_SPLIT);
  ck_assert_uint_eq (verdict.culprit, 0);
  ck_assert_int_eq (judge (3, 2), ASSEMBLE_START);
  ck_assert_uint_eq (verdict.in_sync, 3);
}
END_TEST

/* The bitmap may have been cleared for who took the slot. */
START_TEST (a_slot_given_away_is_not_given_back_by_bitmap)
{
  array (LEVEL_RAID1, NULL, 3);
  sample_fail (&sample, 1);
  sample.sb[0].roles[3] = sample.sb[2].roles[3] = 1;
  ck_assert_int_eq (judge_all (), ASSEMBLE_START);
  ck_assert_int_eq (verdict.part[1].part, PART_STALE);
}
END_TEST

/* It ran alone and gave the other's slot to somebody who is not here; the other
 * ran alone, too, and counted higher.
 */
START_TEST (who_gave_the_slot_away_has_a_history_of_its_own)
{
  array (LEVEL_RAID1, NULL, 2);
  sample.sb[0].events = 20;
  sample.sb[0].roles[1] = SB1_ROLE_SPARE;
  sample.sb[0].roles[2] = 1;
  sample.sb[1].events = 30;
  sample.sb[1].roles[0] = SB1_ROLE_SPARE;
  ck_assert_int_eq (judge_all (), ASSEMBLE_SPLIT);
}
END_TEST

/* The array grew in the update that one of them missed. */
START_TEST (a_member_that_missed_that_the_array_grew_is_in_sync)
{
  array (LEVEL_RAID1, NULL, 2);
  sample.sb[0].events++;
  sample.sb[0].raid_disks = 3;
  sample.sb[1].size = 16;
  ck_assert_int_eq (judge_all (), ASSEMBLE_START);
  ck_assert_uint_eq (verdict.in_sync, 3);
  ck_assert_uint_eq (verdict.layout.slots, 3);
}
END_TEST

/* Where the data of a raid10 lie depends on its number of disks, and in a far
 * layout on their size.
 */
START_TEST (a_member_whose_data_lie_elsewhere_than_the_arrays_is_refused)
{
  array (LEVEL_RAID10, "n2", 4);
  sample.sb[0].events++;
  sample.sb[0].raid_disks = 2;
  sample.sb[0].roles[2] = sample.sb[0].roles[3] = SB1_ROLE_SPARE;
  ck_assert_int_eq (judge_all (), ASSEMBLE_REFUSED);
  array (LEVEL_RAID10, "f2", 2);
  sample.sb[0].events++;
  sample.sb[1].size /= 2;
  ck_assert_int_eq (judge_all (), ASSEMBLE_REFUSED);
  array (LEVEL_RAID10, "n2", 2);
  sample.sb[0].events++;
  sample.sb[1].size /= 2;
  ck_assert_int_eq (judge_all (), ASSEMBLE_START);
  ck_assert_uint_eq (verdict.in_sync, 3);
}
END_TEST

/* Its areas were judged by its own size. */
START_TEST (a_member_with_metadata_where_the_array_has_data_now_is_refused)
{
  array (LEVEL_RAID1, NULL, 2);
  sample.sb[0].events++;
  sample.sb[1].size = 16;
  sample.sb[1].bblog_size = 8;
  sample.sb[1].bblog_offset = (int32_t)(sample.sb[1].data_offset
                                        - sample.sb[1].super_offset + 16);
  ck_assert_int_eq (judge_all (), ASSEMBLE_REFUSED);
  ck_assert_msg (strstr (verdict.why, "size 16") != NULL, "%s", verdict.why);
}
END_TEST

START_TEST (a_member_too_small_for_the_array_is_refused)
{
  array (LEVEL_RAID1, NULL, 2);
  sample.sb[0].events++;
  sample.sb[1].size = sample.sb[1].data_size = 30000;
  ck_assert_int_eq (judge_all (), ASSEMBLE_REFUSED);
  ck_assert_msg (strncmp (verdict.why, "data_size 30000:", 16) == 0, "%s",
                 verdict.why);
}
END_TEST

START_TEST (rebuilt_members_are_no_authority_and_no_copy)
{
  array (LEVEL_RAID1, NULL, 2);
  sample.sb[0].features |= SB1_FEATURE_RECOVERY_OFFSET;
  sample.sb[0].recovery_offset = 4096;
  ck_assert_int_eq (judge_all (), ASSEMBLE_START);
  ck_assert_uint_eq (verdict.authority, 1);
  ck_assert_uint_eq (verdict.in_sync, 2);
  ck_assert (verdict.recovering && verdict.degraded);
  ck_assert_int_eq (verdict.part[0].part, PART_RECOVERING);
  ck_assert_uint_eq (verdict.part[0].recovery_offset, 4096);
  ck_assert_int_eq (judge (1, -1), ASSEMBLE_FAILED);
}
END_TEST

START_TEST (a_replacement_shares_its_slot)
{
  array (LEVEL_RAID1, NULL, 2);
  sample.sb[2] = sample.sb[0];
  sample.sb[2].dev_number = 2;
  sample.sb[2].device_uuid[0] = 'n';
  sample.sb[2].features |= SB1_FEATURE_RECOVERY_OFFSET;
  for (unsigned i = 0; i < 3; i++) {
    sample.sb[i].roles[2] = 0;
    give (i, i);
  }
  /* Without its own mark it is a second member in the slot. */
  ck_assert_int_eq (judge (3, -1), ASSEMBLE_REFUSED);
  ck_assert_msg (strncmp (verdict.why, "role 0:", 7) == 0, "%s", verdict.why);
  sample.sb[2].features |= SB1_FEATURE_REPLACEMENT;
  ck_assert_int_eq (judge (3, -1), ASSEMBLE_START);
  ck_assert_int_eq (verdict.part[2].part, PART_REPLACEMENT);
  ck_assert_uint_eq (verdict.in_sync, 3);
  ck_assert (verdict.recovering);
}
END_TEST

/* It stood beside the member that it was to replace, and nobody else; then it
 * was lost, and another disk filled the other slot.
 */
START_TEST (a_replacement_that_was_left_behind_is_not_split)
{
  array (LEVEL_RAID1, NULL, 2);
  sample.sb[0].roles[1] = SB1_ROLE_FAULTY;
  sample.sb[0].roles[2] = 0;
  sample.sb[2] = sample.sb[0];
  sample.sb[2].dev_number = 2;
  sample.sb[2].device_uuid[0] = 'n';
  sample.sb[2].features
    |= SB1_FEATURE_RECOVERY_OFFSET | SB1_FEATURE_REPLACEMENT;
  sample.sb[0].events += 5;
  sample.sb[0].roles[2] = SB1_ROLE_FAULTY;
  sample.sb[0].roles[3] = 1;
  sample.sb[1] = sample.sb[0];
  sample.sb[1].dev_number = 3;
  sample.sb[1].device_uuid[0] = 'm';
  for (unsigned i = 0; i < 3; i++)
    give (i, i);
  ck_assert_msg (judge (3, -1) == ASSEMBLE_START, "%s", verdict.why);
  ck_assert_uint_eq (verdict.in_sync, 3);
  ck_assert_int_eq (verdict.part[2].part, PART_STALE);
  /* It says itself that the other one is gone. */
  sample.sb[2].roles[0] = SB1_ROLE_FAULTY;
  ck_assert_int_eq (judge (3, -1), ASSEMBLE_SPLIT);
}
END_TEST

START_TEST (spares_do_not_compete)
{
  array (LEVEL_RAID1, NULL, 2);
  sample.sb[2] = sample.sb[0];
  sample.sb[2].dev_number = 2;
  sample.sb[2].device_uuid[0] = 's';
  sample.sb[2].events = 1000;
  for (unsigned i = 0; i < 3; i++)
    give (i, i);
  ck_assert_int_eq (judge (3, -1), ASSEMBLE_START);
  ck_assert_int_eq (verdict.part[2].part, PART_SPARE);
  ck_assert_uint_eq (verdict.in_sync, 3);
  give (0, 2);
  ck_assert_int_eq (judge (1, -1), ASSEMBLE_FAILED);
}
END_TEST

START_TEST (mixtures_are_refused)
{
  array (LEVEL_RAID1, NULL, 2);
  judge_all ();
  given[1] = (struct assemble_member){ .verdict = SB1_NONE };
  ck_assert_int_eq (judge (2, -1), ASSEMBLE_REFUSED);
  ck_assert_uint_eq (verdict.culprit, 1);
  given[0] = given[1];
  ck_assert_int_eq (judge (2, -1), ASSEMBLE_PLAIN);
  given[1].verdict = SB1_UNSUPPORTED;
  given[1].why = "feature_map 0x4: a reshape";
  ck_assert_int_eq (judge (2, -1), ASSEMBLE_REFUSED);
  ck_assert_str_eq (verdict.why, "feature_map 0x4: a reshape");
}
END_TEST

START_TEST (a_damaged_superblock_only_costs_its_member)
{
  static char log[] = "bad block log entry 0", sum[] = "sb_csum 0";

  array (LEVEL_RAID1, NULL, 2);
  judge_all ();
  given[0].verdict = SB1_DAMAGED;
  given[0].sb = NULL;
  given[0].why = log;
  ck_assert_int_eq (judge (2, -1), ASSEMBLE_START);
  ck_assert_uint_eq (verdict.in_sync, 2);
  ck_assert_int_eq (verdict.part[0].part, PART_UNUSABLE);
  given[1].verdict = SB1_DAMAGED;
  given[1].why = sum;
  ck_assert_int_eq (judge (2, -1), ASSEMBLE_FAILED);
  /* What is damaged is said, of the first. */
  ck_assert_str_eq (verdict.why, "bad block log entry 0; no member has "
                    "metadata that can be believed");
  ck_assert_uint_eq (verdict.culprit, 0);
}
END_TEST

START_TEST (who_cannot_be_read_is_the_reason_if_nobody_is_good)
{
  static char cannot[] = "cannot be read";

  array (LEVEL_RAID1, NULL, 2);
  judge_all ();
  given[1] = (struct assemble_member){ .verdict = SB1_DAMAGED,
                                       .why = cannot,
                                       .unreadable = true };
  ck_assert_int_eq (judge (2, -1), ASSEMBLE_START);
  ck_assert_uint_eq (verdict.in_sync, 1);
  ck_assert_int_eq (verdict.part[1].part, PART_UNUSABLE);
  for (unsigned i = 0; i < 2; i++) {
    given[0].verdict = i == 0 ? SB1_NONE : SB1_DAMAGED;
    ck_assert_int_eq (judge (2, -1), ASSEMBLE_FAILED);
    ck_assert_str_eq (verdict.why, "cannot be read");
    ck_assert_uint_eq (verdict.culprit, 1);
  }
  given[0].unreadable = true;
  ck_assert_int_eq (judge (2, -1), ASSEMBLE_FAILED);
  ck_assert_uint_eq (verdict.culprit, 0);
  /* Not ours, whatever the other is. */
  given[0].verdict = SB1_UNSUPPORTED;
  given[0].unreadable = false;
  ck_assert_int_eq (judge (2, -1), ASSEMBLE_REFUSED);
  ck_assert_uint_eq (verdict.culprit, 0);
}
END_TEST

/* What one changed field of the second member leads to. */
START_TEST (members_that_disagree_are_refused)
{
  struct sb1 *sb = &sample.sb[1];
  const char *words[] = { "set_uuid", "level", "layout", "chunksize",
                          "raid_disks 3", "size 30000", "dev_number 0",
                          "device_uuid" };

  array (LEVEL_RAID1, NULL, 2);
  switch (_i) {
  case 0: sb->set_uuid[3] ^= 1; break;
  case 1: sb->level = LEVEL_RAID10; break;
  case 2: sb->layout = 1; break;
  case 3: sb->chunk = 8; break;
  case 4: sb->raid_disks = 3; break;
  case 5: sb->size = 30000; break;
  case 6: sb->dev_number = 0; break;
  case 7: memcpy (sb->device_uuid, sample.sb[0].device_uuid, 16); break;
  }
  ck_assert_int_eq (judge_all (), ASSEMBLE_REFUSED);
  ck_assert_uint_eq (verdict.culprit, 1);
  ck_assert_msg (strstr (verdict.why, words[_i]) != NULL, "%s", verdict.why);
}
END_TEST

START_TEST (a_damaged_bitmap_is_refused)
{
  array (LEVEL_RAID1, NULL, 2);
  judge_all ();
  given[1].bitmap_verdict = BITMAP_DAMAGED;
  given[1].bitmap_why = "bitmap chunksize 3: no";
  ck_assert_int_eq (judge (2, -1), ASSEMBLE_REFUSED);
  ck_assert_str_eq (verdict.why, "bitmap chunksize 3: no");
  ck_assert (verdict.readable);
  ck_assert_uint_eq (verdict.in_sync, 3);
}
END_TEST

/* Members bent at random: never a crash, and what starts is sound. */
START_TEST (whatever_starts_is_sound)
{
  uint64_t seed = unit_seed ("whatever_starts_is_sound");
  unsigned started = 0;

  for (unsigned round = 0; round < 20000; round++) {
    unsigned slots = 2 + (unsigned)unit_below (&seed, 3);
    unsigned count = 1 + (unsigned)unit_below (&seed, slots);

    array (unit_below (&seed, 2) ? LEVEL_RAID1 : LEVEL_RAID10,
           slots == 2 ? "n2" : "f2", slots);
    for (unsigned i = 0; i < slots; i++) {
      sample.sb[i].events += unit_below (&seed, 3);
      sample.sb[i].roles[unit_below (&seed, slots)]
        = (uint16_t)(SB1_ROLE_FAULTY + unit_below (&seed, 2));
      if (unit_below (&seed, 8) == 0)
        sample.sb[i].features |= SB1_FEATURE_RECOVERY_OFFSET;
    }
    for (unsigned i = 0; i < count; i++)
      give (i, i);
    if (judge (count, (int)unit_below (&seed, count + 1) - 1)
        != ASSEMBLE_START)
      continue;
    started++;
    for (unsigned i = 0; i < count; i++) {
      const struct sb1 *authority = given[verdict.authority].sb;

      if (verdict.part[i].part != PART_IN_SYNC)
        continue;
      UNIT_CHECK (verdict.part[i].slot < slots, "slot");
      UNIT_CHECK (authority->roles[i] == verdict.part[i].slot, "the table");
      UNIT_CHECK (!(given[i].sb->features & SB1_FEATURE_RECOVERY_OFFSET)
                    && given[i].sb->events + 1 >= authority->events,
                  "in sync");
    }
  }
  ck_assert_uint_gt (started, 1000);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, all_well);
  tcase_add_test (tcase, a_missing_member_degrades);
  tcase_add_test (tcase, raid10_wants_one_of_each_group);
  tcase_add_test (tcase, a_failed_member_is_stale_although_it_does_not_know);
  tcase_add_test (tcase, one_event_behind_is_fresh_unless_failed);
  tcase_add_test (tcase, two_events_behind_is_stale);
  tcase_add_test (tcase, an_old_bitmap_is_not_good);
  tcase_add_test (tcase, dirty_is_what_any_fresh_member_says);
  tcase_add_loop_test (tcase, two_lives_are_a_split_brain, 1, 8);
  tcase_add_test (tcase, with_the_same_events_who_knows_more_is_believed);
  tcase_add_test (tcase, one_behind_but_alone_is_a_split_brain);
  tcase_add_test (tcase, a_new_member_makes_nobody_stale);
  tcase_add_test (tcase, two_halves_of_four_are_a_split_brain);
  tcase_add_test (tcase, keep_decides_nothing_without_a_split);
  tcase_add_test (tcase,
                  the_same_events_with_another_table_are_another_history);
  tcase_add_test (tcase, a_member_that_was_left_behind_is_not_kept);
  tcase_add_test (tcase, only_who_knows_the_kept_one_is_of_its_history);
  tcase_add_test (tcase, another_history_is_never_merged_by_bitmap);
  tcase_add_test (tcase, keep_helps_when_the_newest_has_lost_its_source);
  tcase_add_test (tcase, who_is_ahead_of_the_kept_one_has_another_history);
  tcase_add_test (
    tcase, whoever_ran_beside_a_member_that_is_overwritten_is_not_believed);
  tcase_add_test (tcase, left_behind_is_not_split);
  tcase_add_test (tcase, a_filled_slot_does_not_hide_a_split);
  tcase_add_test (tcase, a_slot_given_away_is_not_given_back_by_bitmap);
  tcase_add_test (tcase, who_gave_the_slot_away_has_a_history_of_its_own);
  tcase_add_test (tcase, a_member_that_missed_that_the_array_grew_is_in_sync);
  tcase_add_test (
    tcase, a_member_whose_data_lie_elsewhere_than_the_arrays_is_refused);
  tcase_add_test (
    tcase, a_member_with_metadata_where_the_array_has_data_now_is_refused);
  tcase_add_test (tcase, a_member_too_small_for_the_array_is_refused);
  tcase_add_test (tcase, rebuilt_members_are_no_authority_and_no_copy);
  tcase_add_test (tcase, a_replacement_shares_its_slot);
  tcase_add_test (tcase, a_replacement_that_was_left_behind_is_not_split);
  tcase_add_test (tcase, spares_do_not_compete);
  tcase_add_test (tcase, mixtures_are_refused);
  tcase_add_test (tcase, a_damaged_superblock_only_costs_its_member);
  tcase_add_loop_test (tcase, members_that_disagree_are_refused, 0, 8);
  tcase_add_test (tcase, who_cannot_be_read_is_the_reason_if_nobody_is_good);
  tcase_add_test (tcase, a_damaged_bitmap_is_refused);
  tcase_add_test (tcase, whatever_starts_is_sound);
}

int
main (void)
{
  return unit_main ("assemble", add_tests);
}
