/* SPDX-License-Identifier: BSD-3-Clause */
/* The write-intent bitmap on disk: which is believed, and its bits. */
#include "logic/bytes.h"
#include "md-samples.h"

START_TEST (what_was_written_is_read)
{
  struct sample sample;
  uint8_t head[BITMAP_HEAD_SIZE], again[BITMAP_HEAD_SIZE];
  struct bitmap_super read;
  char why[MESSAGE_MAX];

  sample_make (&sample, LEVEL_RAID10, "n2", 3, _i, true);
  memset (head, 0xa5, sizeof head);
  bitmap_encode (&sample.bitmap, head);
  bitmap_decode (head, &read);
  ck_assert_mem_eq (&read, &sample.bitmap, sizeof read);
  ck_assert_int_eq (bitmap_check (&read, &sample.sb[0], SAMPLE_BYTES, why),
                    BITMAP_GOOD);
  ck_assert_str_eq (why, "");
  /* What we do not know stays. */
  ck_assert_uint_eq (head[200], 0xa5);
  memcpy (again, head, sizeof again);
  bitmap_encode (&read, again);
  ck_assert_mem_eq (again, head, sizeof again);
}
END_TEST

#define CASE(field, value, verdict, text)                                     \
  { offsetof (struct bitmap_super, field),                                    \
    sizeof (((struct bitmap_super *)NULL)->field), (uint64_t)(value),         \
    verdict, text }

static const struct {
  size_t offset, size;
  uint64_t value;
  enum bitmap_verdict verdict;
  const char *text;
} bent[] = {
  CASE (magic, 0, BITMAP_DAMAGED, "bitmap magic 0x00000000:"),
  CASE (version, 3, BITMAP_UNSUPPORTED, "bitmap version 3:"),
  CASE (version, 5, BITMAP_UNSUPPORTED, "bitmap version 5, nodes 0: the"),
  CASE (version, 6, BITMAP_UNSUPPORTED, "bitmap version 6: a lockless"),
  CASE (version, 7, BITMAP_UNSUPPORTED, "bitmap version 7:"),
  CASE (nodes, 2, BITMAP_UNSUPPORTED, "bitmap version 4, nodes 2:"),
  CASE (uuid[15], 1, BITMAP_DAMAGED, "bitmap uuid 616e2061...:"),
  CASE (state, 0x2, BITMAP_OUTDATED, "bitmap state 0x2: stale"),
  CASE (state, 0x4, BITMAP_DAMAGED, "bitmap state 0x4: a write"),
  CASE (state, 0x8000, BITMAP_UNSUPPORTED, "bitmap state 0x8000: bits"),
  CASE (chunk, 0, BITMAP_DAMAGED, "bitmap chunksize 0:"),
  CASE (chunk, 256, BITMAP_DAMAGED, "bitmap chunksize 256:"),
  CASE (chunk, 65537, BITMAP_DAMAGED, "bitmap chunksize 65537:"),
  CASE (chunk, 512, BITMAP_GOOD, ""), /* eight sectors, to the last byte */
  CASE (daemon_sleep, 0, BITMAP_DAMAGED, "bitmap daemon_sleep 0:"),
  CASE (write_behind, 16384, BITMAP_DAMAGED, "bitmap write_behind 16384:"),
  CASE (write_behind, 16383, BITMAP_GOOD, ""),
  CASE (sync_size, 0, BITMAP_DAMAGED, "bitmap sync_size 0:"),
  CASE (sync_size, UINT64_MAX, BITMAP_DAMAGED, "bitmap sync_size 184467440"),
  CASE (sync_size, 30719, BITMAP_DAMAGED, "bitmap sync_size 30719:"),
  CASE (sync_size, 30721, BITMAP_DAMAGED, "bitmap sync_size 30721:"),
  CASE (sectors_reserved, 8, BITMAP_GOOD, ""),
  CASE (events, 19, BITMAP_OUTDATED, "bitmap events 19: older"),
  CASE (events, 21, BITMAP_GOOD, ""),
};

/* Of a raid1 on two members of 30720 sectors, version 1.2, events 20. */
START_TEST (each_refusal_names_field_and_value)
{
  struct sample sample;
  char why[MESSAGE_MAX];
  enum bitmap_verdict verdict;

  sample_make (&sample, LEVEL_RAID1, NULL, 2, SB1_VERSION_1_2, true);
  memcpy ((char *)&sample.bitmap + bent[_i].offset, &bent[_i].value,
          bent[_i].size);
  verdict = bitmap_check (&sample.bitmap, &sample.sb[0], SAMPLE_BYTES, why);
  ck_assert_msg (verdict == bent[_i].verdict
                   && strncmp (why, bent[_i].text, strlen (bent[_i].text))
                        == 0,
                 "%d: %s, expected %d: %s", verdict, why, bent[_i].verdict,
                 bent[_i].text);
}
END_TEST

/* A bitmap of eight sectors, moved over the whole member: only where nothing
 * else is will do.
 */
START_TEST (areas_do_not_overlap)
{
  struct sample sample;
  char why[MESSAGE_MAX];
  unsigned accepted = 0;

  sample_make (&sample, LEVEL_RAID1, NULL, 2, SB1_VERSION_1_2, true);
  sample.bitmap.chunk = 512;
  for (int start = -100; start < 33000; start++) {
    bool is_free = (start >= 0 && start <= 0) /* before the superblock */
                   || (start >= 9 && start <= 16)
                   || (start >= 32 && start <= 2040);
    bool is_good;

    sample.sb[0].bitmap_offset = start - 8;
    is_good = sample_check (&sample.sb[0], why) == SB1_GOOD
              && bitmap_check (&sample.bitmap, &sample.sb[0], SAMPLE_BYTES,
                               why)
                   == BITMAP_GOOD;
    UNIT_CHECK (is_good == is_free, "at sector %d: %s", start, why);
    accepted += is_good;
  }
  ck_assert_uint_eq (accepted, 1 + 8 + 2009);
}
END_TEST

START_TEST (the_bitmap_fits_its_room)
{
  struct sample sample;
  char why[MESSAGE_MAX];

  sample_make (&sample, LEVEL_RAID1, NULL, 2, SB1_VERSION_1_2, true);
  sample.bitmap.chunk = 512;
  sample.bitmap.sectors_reserved = 7;
  ck_assert_int_eq (bitmap_check (&sample.bitmap, &sample.sb[0], SAMPLE_BYTES,
                                  why), BITMAP_DAMAGED);
  sample.bitmap.sectors_reserved = 8;
  ck_assert_int_eq (bitmap_check (&sample.bitmap, &sample.sb[0], SAMPLE_BYTES,
                                  why), BITMAP_GOOD);
  /* Behind data that ends early: seven sectors are left, then eight. */
  sample.sb[0].size = sample.bitmap.sync_size = 30704;
  sample.sb[0].bitmap_offset = 32768 - 7 - 8;
  ck_assert_int_eq (bitmap_check (&sample.bitmap, &sample.sb[0], SAMPLE_BYTES,
                                  why), BITMAP_DAMAGED);
  ck_assert_msg (strstr (why, "beyond the member") != NULL, "%s", why);
  sample.sb[0].bitmap_offset--;
  ck_assert_int_eq (bitmap_check (&sample.bitmap, &sample.sb[0], SAMPLE_BYTES,
                                  why), BITMAP_GOOD);
}
END_TEST

START_TEST (regions_and_bytes_are_counted)
{
  ck_assert_uint_eq (bitmap_regions (6144, 65536), 48);
  ck_assert_uint_eq (bitmap_regions (6145, 65536), 49);
  ck_assert_uint_eq (bitmap_area_bytes (6144, 65536), 256 + 6);
  ck_assert_uint_eq (bitmap_area_bytes (6145, 65536), 256 + 7);
  ck_assert_uint_eq (bitmap_regions (1, 1u << 31), 1);
}
END_TEST

START_TEST (bits_are_set_cleared_counted_and_merged)
{
  uint8_t a[3] = { 0 }, b[3] = { 0 };

  bitmap_set (a, 0);
  bitmap_set (a, 9);
  bitmap_set (b, 16);
  ck_assert_uint_eq (a[0], 1);
  ck_assert_uint_eq (a[1], 2);
  ck_assert (bitmap_get (a, 9) && !bitmap_get (a, 8));
  bitmap_merge (a, b, 17);
  ck_assert_uint_eq (bitmap_count (a, 17), 3);
  ck_assert_uint_eq (bitmap_count (a, 16), 2);
  /* Bits past the last region do not count. */
  a[2] = 0xff;
  ck_assert_uint_eq (bitmap_count (a, 17), 3);
  bitmap_clear (a, 9);
  ck_assert_uint_eq (bitmap_count (a, 17), 2);
  /* A bitmap that cannot be believed is all ones. */
  bitmap_merge (a, NULL, 17);
  ck_assert_uint_eq (bitmap_count (a, 17), 17);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_loop_test (tcase, what_was_written_is_read, 0, SB1_VERSION_0_90);
  tcase_add_loop_test (tcase, each_refusal_names_field_and_value, 0,
                       ARRAY_LENGTH (bent));
  tcase_add_test (tcase, areas_do_not_overlap);
  tcase_add_test (tcase, the_bitmap_fits_its_room);
  tcase_add_test (tcase, regions_and_bytes_are_counted);
  tcase_add_test (tcase, bits_are_set_cleared_counted_and_merged);
}

int
main (void)
{
  return unit_main ("bitmap-disk", add_tests);
}
