/* SPDX-License-Identifier: BSD-3-Clause */
/* Which disk is in which slot, and why it is not in sync. */
#include "logic/slots.h"
#include "md-samples.h"

static struct sample sample;
static struct assemble_member given[ASSEMBLE_MEMBERS_MAX];
static struct assembly verdict;
static struct slot slot[LEGS_MAX];

static void
give (unsigned at, unsigned i)
{
  static char nothing[] = "";

  given[at] = (struct assemble_member){ .verdict = SB1_GOOD,
                                        .sb = &sample.sb[i],
                                        .why = nothing,
                                        .bitmap_verdict = BITMAP_GOOD,
                                        .bitmap_events = sample.sb[i].events,
                                        .events_cleared = 20,
                                        .bitmap_why = nothing };
}

static void
look (unsigned count)
{
  assemble (given, count, -1, &verdict);
  ck_assert_msg (slots_are_known (&verdict), "%s", verdict.why);
  slots_find (&verdict, given, count, slot);
}

static void
check_empty (unsigned i, enum slot_has has, const char *word, const char *text)
{
  ck_assert_int_eq (slot[i].has, has);
  ck_assert_str_eq (slot_word (&slot[i]), word);
  ck_assert_str_eq (slot_text (&slot[i]), text);
  ck_assert (!slot_is_in_sync (&slot[i]));
}

static void
check_disk (unsigned i, unsigned member, const char *word, const char *text)
{
  ck_assert_int_eq (slot[i].has, SLOT_HAS_DISK);
  ck_assert_uint_eq (slot[i].member, member);
  ck_assert_str_eq (slot_word (&slot[i]), word);
  if (text == NULL)
    ck_assert (slot_is_in_sync (&slot[i]));
  else {
    ck_assert (!slot_is_in_sync (&slot[i]));
    ck_assert_str_eq (slot_text (&slot[i]), text);
  }
}

/* Four, given in this order: 2 and 0. */
static void
give_two_of_four (void)
{
  sample_make (&sample, LEVEL_RAID10, "n2", 4, SB1_VERSION_1_2, true);
  give (0, 2);
  give (1, 0);
}

static void
record (unsigned entry, uint16_t role)
{
  for (unsigned i = 0; i < 4; i++) {
    sample.sb[i].max_dev = MAX (sample.sb[i].max_dev, entry + 1);
    sample.sb[i].roles[entry] = role;
  }
}

START_TEST (who_is_not_given_is_missing_failed_or_nobody)
{
  give_two_of_four ();
  look (2);
  check_disk (0, 1, "in-sync", NULL);
  check_disk (2, 0, "in-sync", NULL);
  check_empty (1, SLOT_HAS_MISSING, "missing", "its disk is missing");
  check_empty (3, SLOT_HAS_MISSING, "missing", "its disk is missing");
  record (1, SB1_ROLE_FAULTY);
  record (3, SB1_ROLE_SPARE);
  look (2);
  check_empty (1, SLOT_HAS_FAILED, "failed",
               "its disk is missing, and on record as failed");
  check_empty (3, SLOT_HAS_NONE, "none", "no disk, and none is on record");
}
END_TEST

/* The number of a disk that was added later says nothing about its slot. */
START_TEST (an_added_disk_has_a_slot_and_can_fail)
{
  give_two_of_four ();
  record (3, SB1_ROLE_SPARE);
  record (4, 3);
  look (2);
  check_empty (3, SLOT_HAS_MISSING, "missing", "its disk is missing");
  record (4, SB1_ROLE_FAULTY);
  look (2);
  check_empty (1, SLOT_HAS_MISSING, "missing", "its disk is missing");
  ck_assert_str_eq (slot_word (&slot[3]), "failed");
}
END_TEST

START_TEST (who_is_given_is_named_whatever_it_missed)
{
  give_two_of_four ();
  sample_fail (&sample, 1);
  give (0, 2);
  give (1, 0);
  give (2, 1);
  look (3);
  check_disk (1, 2, "stale-bitmap", "which missed writes");
  sample.sb[1].events = 19;
  look (3);
  check_disk (1, 2, "stale", "which missed writes");
  /* Of two that had the slot the one whose data counts. */
  sample.sb[3].roles[3] = 1;
  for (unsigned i = 0; i < 4; i += 2)
    sample.sb[i].roles[3] = 1;
  sample.sb[3].features |= SB1_FEATURE_RECOVERY_OFFSET;
  give (3, 3);
  look (4);
  check_disk (1, 3, "recovering", "which is being rebuilt");
  check_empty (3, SLOT_HAS_NONE, "none", "no disk, and none is on record");
}
END_TEST

START_TEST (too_few_have_slots_and_two_histories_have_not)
{
  give_two_of_four ();
  give (0, 1);
  look (2);
  ck_assert_int_eq (verdict.result, ASSEMBLE_FAILED);
  check_empty (2, SLOT_HAS_MISSING, "missing", "its disk is missing");
  sample_make (&sample, LEVEL_RAID1, NULL, 2, SB1_VERSION_1_2, true);
  sample_run_alone (&sample, 0, 3);
  sample_run_alone (&sample, 1, 5);
  give (0, 0);
  give (1, 1);
  assemble (given, 2, -1, &verdict);
  ck_assert_int_eq (verdict.result, ASSEMBLE_SPLIT);
  ck_assert (!slots_are_known (&verdict));
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, who_is_not_given_is_missing_failed_or_nobody);
  tcase_add_test (tcase, an_added_disk_has_a_slot_and_can_fail);
  tcase_add_test (tcase, who_is_given_is_named_whatever_it_missed);
  tcase_add_test (tcase, too_few_have_slots_and_two_histories_have_not);
}

int
main (void)
{
  return unit_main ("slots", add_tests);
}
