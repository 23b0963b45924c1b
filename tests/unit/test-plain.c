/* SPDX-License-Identifier: BSD-3-Clause */
/* Disks that are copies of one another, and those that are not. */
#include "ground/util.h"
#include "logic/plain.h"
#include "logic/unfinished.h"
#include "unit.h"

static const char *const names[] = { "a", "b", "c", "d" };

/* Disks that all hold this. */
static void
make_looks (struct plain_look looks[4], const char *holds)
{
  for (unsigned i = 0; i < 4; i++) {
    looks[i] = (struct plain_look){ .looked = true };
    snprintf (looks[i].holds, sizeof looks[i].holds, "%s", holds);
  }
}

START_TEST (copies_hold_the_same)
{
  struct layout layout = { .level = LEVEL_RAID1, .slots = 4 };
  struct plain_refusal refusal;
  struct plain_look looks[4];

  make_looks (looks, "ext4 1");
  ck_assert (plain_check (looks, names, &layout, &refusal));
  strcpy (looks[2].holds, "ext4 2");
  ck_assert (!plain_check (looks, names, &layout, &refusal));
  ck_assert_uint_eq (refusal.culprit, 2);
  ck_assert_str_eq (refusal.why, "holds ext4 2, but disk a holds ext4 1, so "
                                 "they are not copies of one another");
  strcpy (looks[2].holds, "");
  ck_assert (!plain_check (looks, names, &layout, &refusal));
  ck_assert_ptr_nonnull (strstr (refusal.why, "holds nothing that is known"));
  /* Nobody knows what it holds. */
  looks[2].looked = false;
  ck_assert (plain_check (looks, names, &layout, &refusal));
  looks[3].partitions_sum = 1;
  ck_assert (!plain_check (looks, names, &layout, &refusal));
  ck_assert_uint_eq (refusal.culprit, 3);
  ck_assert_ptr_nonnull (strstr (refusal.why, "its partitions are not those"));
}
END_TEST

START_TEST (a_member_is_no_copy_wherever_it_stands)
{
  struct layout layout
    = { .level = LEVEL_RAID10, .slots = 4, .near = 1, .far = 2 };
  struct plain_refusal refusal;
  struct plain_look looks[4];

  make_looks (looks, "");
  strcpy (looks[3].member, "is a member");
  looks[3].advice = "use it";
  ck_assert (!plain_check (looks, names, &layout, &refusal));
  ck_assert_uint_eq (refusal.culprit, 3);
  ck_assert_str_eq (refusal.why, "is a member");
  ck_assert_str_eq (refusal.advice, "use it");
}
END_TEST

/* What the mirror has said itself counts before what a disk looks like. */
START_TEST (an_unfinished_disk_is_no_copy_for_certain)
{
  struct layout layout = { .level = LEVEL_RAID1, .slots = 4 };
  struct plain_refusal refusal;
  struct plain_look looks[4];
  uint8_t head[UNFINISHED_SIZE];

  make_looks (looks, "");
  strcpy (looks[1].member, "is a member");
  ck_assert (!plain_check (looks, names, &layout, &refusal));
  ck_assert (!refusal.is_certain);
  strcpy (looks[2].member, unfinished_text);
  looks[2].unfinished = true;
  ck_assert (!plain_check (looks, names, &layout, &refusal));
  ck_assert (refusal.is_certain);
  ck_assert_uint_eq (refusal.culprit, 2);

  unfinished_encode (head);
  ck_assert (unfinished_is (head));
  head[0]++;
  ck_assert (!unfinished_is (head));
}
END_TEST

/* Of RAID10 those of one near set are copies, if the sets are whole. */
START_TEST (only_copies_are_compared)
{
  struct layout layout
    = { .level = LEVEL_RAID10, .slots = 4, .near = 2, .far = 1 };
  struct plain_refusal refusal;
  struct plain_look looks[4];

  make_looks (looks, "ext4 1");
  looks[2].holds[0] = looks[3].holds[0] = '\0';
  ck_assert (plain_check (looks, names, &layout, &refusal));
  looks[1].holds[0] = '\0';
  ck_assert (!plain_check (looks, names, &layout, &refusal));
  layout.slots = 3;
  ck_assert (plain_check (looks, names, &layout, &refusal));
  layout
    = (struct layout){ .level = LEVEL_RAID10, .slots = 4, .near = 1, .far = 2 };
  ck_assert (plain_check (looks, names, &layout, &refusal));
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, copies_hold_the_same);
  tcase_add_test (tcase, a_member_is_no_copy_wherever_it_stands);
  tcase_add_test (tcase, only_copies_are_compared);
  tcase_add_test (tcase, an_unfinished_disk_is_no_copy_for_certain);
}

int
main (void)
{
  return unit_main ("plain", add_tests);
}
