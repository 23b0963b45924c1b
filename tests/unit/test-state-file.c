/* SPDX-License-Identifier: BSD-3-Clause */
/* The head of a state file: bytes <-> struct, and what damage does to it. */
#include "ground/util.h"
#include "logic/bytes.h"
#include "logic/state-file.h"
#include "unit.h"

static struct state_head sample, found;
static uint8_t copy[2][STATE_HEAD_SIZE];
static unsigned chosen;

static void
make_sample (void)
{
  memset (&sample, 0, sizeof sample);
  sample.generation = 7;
  sample.image_size = 1000001;
  memcpy (sample.uuid, "0123456789abcdef", 16);
  sample.entry[0].used = sample.entry[1].used = sample.entry[4].used = true;
  sample.entry[0].size = sample.entry[1].size = 1000001;
  sample.entry[4].size = UINT64_C (1) << 40;
  strcpy (sample.entry[0].text, "/disks/a.img");
  strcpy (sample.entry[1].text, "nbd://far/b");
  memset (sample.entry[4].text, 'x', STATE_TEXT_MAX);
  state_encode (&sample, copy[0]);
  state_encode (&sample, copy[1]);
}

static bool
is_sample (void)
{
  return memcmp (&found, &sample, sizeof found) == 0;
}

START_TEST (what_is_written_is_read)
{
  make_sample ();
  ck_assert_int_eq (state_decode (copy[0], &found), STATE_GOOD);
  ck_assert (is_sample ());
  ck_assert_int_eq (state_find (&found, "nbd://far/b"), 1);
  ck_assert_int_eq (state_find (&found, "nbd://far/"), -1);
  ck_assert_uint_eq (state_file_size (&found), 131072 + 5 * 262144);
}
END_TEST

START_TEST (any_one_byte_that_is_wrong_is_noticed)
{
  make_sample ();
  for (unsigned at = 0; at < STATE_HEAD_SIZE; at++)
    for (unsigned bit = 0; bit < 8; bit += at < 2100 ? 1 : 7) {
      enum state_verdict verdict;

      copy[0][at] ^= (uint8_t)(1u << bit);
      memset (&found, 0, sizeof found);
      verdict = state_decode (copy[0], &found);
      UNIT_CHECK (verdict == (at < 16 ? STATE_FOREIGN : STATE_DAMAGED),
                  "byte %u: %d", at, verdict);
      copy[0][at] ^= (uint8_t)(1u << bit);
    }
}
END_TEST

START_TEST (the_other_copy_is_as_good)
{
  make_sample ();
  for (unsigned which = 0; which < 2; which++)
    for (unsigned at = 0; at < STATE_HEAD_SIZE; at += 97) {
      copy[which][at] ^= 0x40;
      memset (&found, 0, sizeof found);
      ck_assert_int_eq (state_choose (copy[0], copy[1], &found, &chosen),
                        STATE_GOOD);
      ck_assert_uint_eq (chosen, 1 - which);
      ck_assert (is_sample ());
      copy[which][at] ^= 0x40;
    }
  copy[0][500] ^= 1;
  copy[1][0] ^= 1;
  ck_assert_int_eq (state_choose (copy[0], copy[1], &found, &chosen),
                    STATE_DAMAGED);
  copy[0][0] ^= 1;
  ck_assert_int_eq (state_choose (copy[0], copy[1], &found, &chosen),
                    STATE_FOREIGN);
}
END_TEST

START_TEST (the_newer_copy_counts)
{
  for (unsigned newer = 0; newer < 2; newer++) {
    make_sample ();
    sample.generation++;
    strcpy (sample.entry[1].text, "/disks/c.img");
    state_encode (&sample, copy[newer]);
    ck_assert_int_eq (state_choose (copy[0], copy[1], &found, &chosen),
                      STATE_GOOD);
    ck_assert_uint_eq (chosen, newer);
    ck_assert (is_sample ());
  }
}
END_TEST

/* With a checksum that is right. */
static enum state_verdict
verdict_of (const uint8_t *bytes)
{
  memset (&found, 0, sizeof found);
  return state_decode (bytes, &found);
}

static void
seal (uint8_t *bytes)
{
  uint64_t sum = UINT64_C (0xcbf29ce484222325);

  store_le64 (bytes + 24, 0);
  for (unsigned i = 0; i < STATE_HEAD_SIZE; i++)
    sum = (sum ^ bytes[i]) * UINT64_C (0x100000001b3);
  store_le64 (bytes + 24, sum);
}

static enum state_verdict
with_word (unsigned at, uint32_t word)
{
  make_sample ();
  store_le32 (copy[0] + at, word);
  seal (copy[0]);
  return verdict_of (copy[0]);
}

START_TEST (what_makes_no_sense_is_refused)
{
  make_sample ();
  seal (copy[0]);
  ck_assert_int_eq (verdict_of (copy[0]), STATE_GOOD);
  ck_assert_int_eq (with_word (16, 2), STATE_NEWER);
  ck_assert_int_eq (with_word (64, 1), STATE_NEWER);
  ck_assert_int_eq (with_word (2048 - 4, 1), STATE_NEWER);
  /* No size; one that does not fit. */
  make_sample ();
  store_le64 (copy[0] + 40, 0);
  seal (copy[0]);
  ck_assert_int_eq (verdict_of (copy[0]), STATE_DAMAGED);
  ck_assert_int_eq (with_word (44, UINT32_MAX), STATE_DAMAGED);
  /* An entry that is neither used nor not, has no text, or too much. */
  ck_assert_int_eq (with_word (1024, 2), STATE_DAMAGED);
  ck_assert_int_eq (with_word (1024 + 4, 0), STATE_DAMAGED);
  ck_assert_int_eq (with_word (1024 + 4, 1001), STATE_DAMAGED);
  ck_assert_int_eq (with_word (1024 + 4, 13), STATE_DAMAGED);
  /* A disk that is smaller than what is used of it. */
  ck_assert_int_eq (with_word (1024 + 8, 1000000), STATE_DAMAGED);
  /* Twice the same text. */
  make_sample ();
  memcpy (copy[0] + 3072, copy[0] + 1024, 1024);
  seal (copy[0]);
  ck_assert_int_eq (verdict_of (copy[0]), STATE_DAMAGED);
}
END_TEST

START_TEST (a_text_has_a_limit)
{
  char text[STATE_TEXT_MAX + 2];

  memset (text, 'x', sizeof text);
  text[STATE_TEXT_MAX + 1] = '\0';
  ck_assert_ptr_nonnull (state_check_text (text));
  text[STATE_TEXT_MAX] = '\0';
  ck_assert_ptr_null (state_check_text (text));
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, what_is_written_is_read);
  tcase_add_test (tcase, any_one_byte_that_is_wrong_is_noticed);
  tcase_add_test (tcase, the_other_copy_is_as_good);
  tcase_add_test (tcase, the_newer_copy_counts);
  tcase_add_test (tcase, what_makes_no_sense_is_refused);
  tcase_add_test (tcase, a_text_has_a_limit);
}

int
main (void)
{
  return unit_main ("state-file", add);
}
