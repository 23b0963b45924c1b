/* SPDX-License-Identifier: BSD-3-Clause */
/* Orders that give an array more room, or another bitmap. */
#define MEMORY_LEG_SIZE (4 * 1024 * 1024)

#include "engine/array-internal.h"
#include "ground/ground.h"
#include "ground/util.h"
#include "memory-array.h"
#include "memory-order.h"
#include "unit.h"

#define LITTLE 1024 /* sectors */
#define METADATA (MEMORY_LEG_SIZE - 131072) /* from there on, at an end */

/* By the number of a loop test. */
static const struct kind {
  enum sb1_version version;
  bool has_bitmap, disks_grow;
} kinds[] = {
  { SB1_VERSION_1_2, true, false }, { SB1_VERSION_1_2, false, false },
  { SB1_VERSION_1_2, true, true },  { SB1_VERSION_1_0, true, false },
  { SB1_VERSION_1_0, false, false }, { SB1_VERSION_1_0, true, true },
};

#define KINDS ((int)ARRAY_LENGTH (kinds))

static char back[sizeof data];

/* An array that uses only a part of its members, or whose members grew; what
 * lies behind its data is not the same on both.
 */
static void
prepare (const struct kind *kind)
{
  memory_leg_bytes
    = kind->disks_grow ? MEMORY_LEG_SIZE / 2 : MEMORY_LEG_SIZE;
  memory_array_plan_sized (kind->version, kind->has_bitmap,
                           kind->disks_grow ? 0 : LITTLE);
  for (unsigned i = 0; i < MEMBERS; i++) {
    uint64_t end = (memory.sb[i].data_offset + memory.sb[i].size) * SECTOR_SIZE;

    if (kind->version == SB1_VERSION_1_0 && kind->disks_grow)
      end = memory_leg_bytes;
    memset (memory.leg[i]->data + end, 'A' + (int)i, METADATA - end);
  }
  memory_array_make ();
  memset (data, 'd', sizeof data);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, AT, 0), 0);
  for (unsigned i = 0; i < MEMBERS; i++)
    memory.leg[i]->grown = MEMORY_LEG_SIZE;
}

static struct array_answer
grow (uint64_t size)
{
  return order_whole (
    &(struct array_order){ .verb = ARRAY_GROW_SIZE, .size = size });
}

static struct array_answer
bitmap (uint32_t chunk)
{
  return order_whole (
    &(struct array_order){ .verb = ARRAY_BITMAP, .chunk = chunk });
}

static uint64_t
array_size (void)
{
  struct array_limits limits;

  array_get_limits (memory.array, &limits);
  return limits.size;
}

static void
wait_same (void)
{
  struct array_status status;

  do
    memory_array_look (&status);
  while (status.sync_left > 0);
}

/* Where the superblocks lie now. */
static void
find_supers (void)
{
  for (unsigned i = 0; i < MEMBERS; i++) {
    uint64_t size = memory.leg[i]->grown != 0 ? memory.leg[i]->grown
                                              : memory_leg_bytes;
    uint64_t at;

    ck_assert (sb1_offset (memory.wish.version, size, &at));
    memory.sb[i].super_offset = at / SECTOR_SIZE;
    memory.sb[i] = memory_array_super (i);
  }
}

static void
both_the_same (void)
{
  uint64_t at = memory.sb[0].data_offset * SECTOR_SIZE;

  ck_assert_mem_eq (memory.leg[0]->data + at, memory.leg[1]->data + at,
                    memory.sb[0].size * SECTOR_SIZE);
  ck_assert_mem_eq (memory.leg[0]->data + at + AT, data, sizeof data);
}

/* There is room for data up to the first of its metadata, no further. */
static void
ends_before_metadata (const struct sb1 *sb)
{
  int64_t first = 0;

  if (memory.wish.version != SB1_VERSION_1_0)
    return;
  if (sb->features & SB1_FEATURE_BITMAP)
    first = MIN (first, (int64_t)sb->bitmap_offset);
  if (sb->bblog_size != 0)
    first = MIN (first, (int64_t)sb->bblog_offset);
  ck_assert_int_le ((int64_t)(sb->data_offset + sb->data_size),
                    (int64_t)sb->super_offset + first);
}

/* Once more, of what is on the members, as large as they are. */
static void
start_again (void)
{
  for (unsigned i = 0; i < MEMBERS; i++)
    if (memory.leg[i]->grown != 0)
      memory.leg[i]->leg.caps.size = memory.leg[i]->leg.caps.exact_size
        = memory.leg[i]->grown;
  memory_array_start (0);
}

START_TEST (an_array_grows_and_what_is_new_is_made_equal)
{
  const struct kind *kind = &kinds[_i];
  uint64_t before, after;

  prepare (kind);
  before = array_size ();
  accepted (grow (0));
  after = array_size ();
  ck_assert_uint_gt (after, before + 1024 * 1024);
  wait_same ();
  ck_assert_int_eq (
    array_write (memory.array, data, sizeof data, after - sizeof data, 0), 0);
  refused (grow (0), "already");
  refused (grow (before), "smaller");
  refused (grow (MEMORY_LEG_SIZE * UINT64_C (2)), "too-small");
  ck_assert_int_eq (memory_array_unmake (), 0);

  find_supers ();
  both_the_same ();
  ends_before_metadata (&memory.sb[0]);
  ck_assert_uint_eq (memory.sb[0].resync_offset, SB1_CLEAN);
  ck_assert_uint_eq (memory.sb[0].features & SB1_FEATURE_BITMAP,
                     kind->has_bitmap ? SB1_FEATURE_BITMAP : 0);
  start_again ();
  ck_assert_uint_eq (array_size (), after);
  ck_assert_int_eq (array_read (memory.array, back, sizeof back, AT), 0);
  ck_assert_mem_eq (back, data, sizeof back);
  ck_assert_int_eq (
    array_read (memory.array, back, sizeof back, after - sizeof back), 0);
  ck_assert_mem_eq (back, data, sizeof back);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (it_grows_to_the_size_that_is_asked_for)
{
  prepare (&kinds[0]);
  accepted (grow (1024 * 1024));
  ck_assert_uint_eq (array_size (), 1024 * 1024);
  wait_same ();
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (a_bitmap_goes_comes_and_changes)
{
  const struct kind *kind = &kinds[_i];
  struct array_identity identity;

  prepare (kind);
  if (!kind->has_bitmap)
    accepted (bitmap (131072));
  refused (bitmap (kind->has_bitmap ? 65536 : 131072), "already");
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, AT, 0), 0);
  accepted (bitmap (0));
  array_get_identity (memory.array, &identity);
  ck_assert (!identity.has_bitmap);
  refused (bitmap (0), "already");
  ck_assert_uint_eq (metadata_marked (memory.array), 0);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, AT, 0), 0);
  accepted (bitmap (4096));
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, AT, 0), 0);
  ck_assert_uint_eq (metadata_marked (memory.array), sizeof data);
  find_supers ();
  ck_assert_uint_eq (memory_array_bitmap (0).chunk, 4096);
  ck_assert_uint_eq (memory_array_bitmap (1).chunk, 4096);
  /* Coarser: what was set is. */
  accepted (bitmap (16384));
  ck_assert_uint_eq (metadata_marked (memory.array), 16384);
  ck_assert_int_eq (memory_array_unmake (), 0);
  find_supers ();
  both_the_same ();
  start_again ();
  ck_assert_uint_eq (memory.array->md->bitmap.region_size, 16384);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* Far behind the block that the bitmap's own superblock is in. */
START_TEST (what_was_set_is_set_on_the_disks_in_the_new_bitmap)
{
  uint64_t at = 2 * 1024 * 1024;

  memory_leg_bytes = MEMORY_LEG_SIZE;
  memory_array_plan_sized (SB1_VERSION_1_2, true, 0);
  memory_array_make ();
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, at, 0), 0);
  accepted (bitmap (512));
  for (unsigned i = 0; i < MEMBERS; i++) {
    const uint8_t *bits = (const uint8_t *)memory.leg[i]->data
                          + bitmap_offset_bytes (&memory.sb[i])
                          + BITMAP_HEAD_SIZE;

    ck_assert (bitmap_get (bits, at / 512));
    ck_assert (!bitmap_get (bits, at / 512 + 65536 / 512));
  }
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (a_bitmap_without_room_is_refused_and_nothing_changes)
{
  memory_leg_bytes = MEMORY_LEG_SIZE;
  memory_array_plan_sized (SB1_VERSION_1_2, true, 0);
  /* Behind the one sector that it needs. */
  for (unsigned i = 0; i < MEMBERS; i++)
    memory.sb[i].bblog_offset = 9;
  memory_array_make ();
  refused (bitmap (512), "no-room");
  ck_assert_uint_eq (memory.array->md->bitmap.region_size, 65536);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (an_array_that_lacks_something_does_not_grow)
{
  struct array_answer answer;

  prepare (&kinds[_i]);
  accepted (order (ARRAY_FAIL, 2, NULL, false));
  refused (grow (0), "degraded");
  /* A bitmap keeps what the other one has missed. */
  accepted (bitmap (16384));
  ck_assert_uint_ge (metadata_marked (memory.array),
                     kinds[_i].has_bitmap ? 65536 : 0);
  /* Its own says nothing any more. */
  memory.other[0] = memory.leg[1];
  do
    answer = order (ARRAY_READD, 2, "memory:0", false);
  while (answer.reason != NULL && strcmp (answer.reason, "still-closing") == 0);
  accepted (answer);
  memory_order_wait_in_sync ();
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (what_is_only_asked_for_is_not_done)
{
  struct array_order ask = { .verb = ARRAY_GROW_SIZE, .dry_run = true };
  uint64_t before;

  prepare (&kinds[_i]);
  before = array_size ();
  accepted (order_whole (&ask));
  ask = (struct array_order){ .verb = ARRAY_BITMAP, .chunk = 32768,
                              .dry_run = true };
  accepted (order_whole (&ask));
  ck_assert_uint_eq (array_size (), before);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* It has no bitmap yet, so nobody has judged where that is said to lie. */
START_TEST (who_missed_that_a_bitmap_came_gets_it_where_the_array_has_it)
{
  static const int32_t lies[] = { 0, -1000, 4096, INT32_MIN, INT32_MAX };
  uint64_t at = 2 * 1024 * 1024, bits;

  memory_leg_bytes = MEMORY_LEG_SIZE;
  memory_array_plan_sized (SB1_VERSION_1_2, true, 0);
  memory.sb[0].events++;
  memory.bitmap.events++;
  bits = bitmap_offset_bytes (&memory.sb[0]) + BITMAP_HEAD_SIZE;
  memory.sb[1].features &= ~(uint32_t)SB1_FEATURE_BITMAP;
  memory_array_write_supers ();
  memory.sb[1].bitmap_offset = lies[_i];
  sb1_encode (&memory.sb[1],
              (uint8_t *)memory.leg[1]->data
                + memory.sb[1].super_offset * SECTOR_SIZE);
  memory_array_start (0);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, at, 0), 0);
  for (unsigned i = 0; i < MEMBERS; i++)
    ck_assert (bitmap_get ((const uint8_t *)memory.leg[i]->data + bits,
                           at / 65536));
  ck_assert_int_eq (memory_array_unmake (), 0);
  /* And nowhere else. */
  ck_assert_mem_eq (memory.leg[0]->data + bits, memory.leg[1]->data + bits,
                    MEMORY_LEG_SIZE - bits);
  ck_assert_int_eq (memory_array_super (1).bitmap_offset,
                    memory.sb[0].bitmap_offset);
}
END_TEST

/* ------------------------------------------------- spares, and who is away */

static uint32_t
make_spare (void)
{
  struct array_answer answer;

  memory_order_offer (0);
  answer = order (ARRAY_SPARE, 0, "memory:0", false);
  accepted (answer);
  return answer.member;
}

/* As it lies on a disk that @like describes. */
static struct bitmap_super
bitmap_on (const struct memory_leg *leg, const struct sb1 *like)
{
  struct bitmap_super ret;

  bitmap_decode ((const uint8_t *)leg->data + bitmap_offset_bytes (like), &ret);
  return ret;
}

START_TEST (a_spare_goes_with_the_array)
{
  const struct kind *kind = &kinds[_i];
  struct sb1 sb;

  prepare (kind);
  make_spare ();
  memory.other[0]->grown = MEMORY_LEG_SIZE;
  accepted (grow (0));
  wait_same ();
  if (kind->has_bitmap)
    accepted (bitmap (16384));
  find_supers ();
  sb = memory_array_super_on (memory.other[0]);
  ck_assert_uint_eq (sb1_own_role (&sb), SB1_ROLE_SPARE);
  ck_assert_uint_eq (sb.size, memory.sb[0].size);
  ck_assert_uint_eq (sb.super_offset, memory.sb[0].super_offset);
  ends_before_metadata (&sb);
  ck_assert_int_eq (sb.bitmap_offset, memory.sb[0].bitmap_offset);
  ck_assert_uint_eq (sb.features & SB1_FEATURE_BITMAP,
                     kind->has_bitmap ? SB1_FEATURE_BITMAP : 0);
  if (kind->has_bitmap) {
    struct bitmap_super head = bitmap_on (memory.other[0], &sb);

    ck_assert_uint_eq (head.chunk, 16384);
    ck_assert_uint_eq (head.sync_size, memory_array_bitmap (0).sync_size);
  }
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (a_spare_without_room_is_in_the_way)
{
  uint64_t before;

  prepare (&kinds[_i]);
  make_spare ();
  before = array_size ();
  refused (grow (before + 1024 * 1024), "too-small");
  refused (grow (0), "already");
  ck_assert_uint_eq (array_size (), before);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (nothing_is_laid_anew_while_something_is_copied)
{
  prepare (&kinds[_i]);
  array_sync_pause (memory.array);
  accepted (grow (1024 * 1024));
  refused (grow (0), "sync-running");
  refused (bitmap (4096), "sync-running");
  array_sync_resume (memory.array);
  wait_same ();
  array_sync_pause (memory.array);
  accepted (order (ARRAY_REMOVE, 2, NULL, false));
  memory_order_offer (0);
  accepted (order (ARRAY_ADD, 0, "memory:0", false));
  refused (grow (0), "sync-running");
  refused (bitmap (4096), "sync-running");
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* How many flushes there had been before the first write of the order. */
static unsigned flushed[MEMBERS];

static void
on_first_write (void)
{
  for (unsigned i = 0; i < MEMBERS; i++) {
    memory.leg[i]->meanwhile[CHILD_WRITE] = NULL;
    flushed[i] = memory.leg[i]->count[CHILD_FLUSH];
  }
}

/* The new bitmap says nothing of what was written before. */
START_TEST (what_was_written_is_flushed_before_there_is_a_bitmap)
{
  unsigned before[MEMBERS];

  prepare (&kinds[_i]);
  for (unsigned i = 0; i < MEMBERS; i++)
    before[i] = memory.leg[i]->count[CHILD_FLUSH];
  for (unsigned i = 0; i < MEMBERS; i++)
    memory.leg[i]->meanwhile[CHILD_WRITE] = on_first_write;
  accepted (bitmap (32768));
  for (unsigned i = 0; i < MEMBERS; i++)
    ck_assert_uint_gt (flushed[i], before[i]);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

START_TEST (the_last_region_is_carried_over)
{
  prepare (&kinds[2]);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data,
                                 array_size () - sizeof data, 0), 0);
  accepted (bitmap (4096));
  /* The region at AT, and the last one, which may be a short one. */
  ck_assert_uint_ge (metadata_marked (memory.array), 65536 + sizeof data);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* It has one of the same kind, but what it missed was written without any. */
START_TEST (a_new_bitmap_does_not_speak_for_who_is_away)
{
  uint64_t at;

  prepare (&kinds[_i]);
  at = memory.sb[0].data_offset * SECTOR_SIZE;
  accepted (order (ARRAY_FAIL, 2, NULL, false));
  accepted (bitmap (0));
  memset (data, 'e', sizeof data);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, AT, 0), 0);
  accepted (bitmap (65536));
  memory_order_offer (0);
  memcpy (memory.other[0]->data, memory.leg[1]->data, MEMORY_LEG_SIZE);
  accepted (order (ARRAY_READD, 2, "memory:0", false));
  memory_order_wait_in_sync ();
  ck_assert_mem_eq (memory.other[0]->data + at + AT, data, sizeof data);
  ck_assert_int_eq (memory_array_unmake (), 0);
}
END_TEST

/* ------------------------------------------------------------- power cuts */

static unsigned writes, cut_at;
static char at_cut[MEMBERS][MEMORY_LEG_SIZE];

/* Before each write of a member: is it the one that is not done any more? */
static void
on_write (void)
{
  if (writes++ == cut_at)
    for (unsigned i = 0; i < MEMBERS; i++)
      memcpy (at_cut[i], memory.leg[i]->data, MEMORY_LEG_SIZE);
  for (unsigned i = 0; i < MEMBERS; i++)
    memory.leg[i]->meanwhile[CHILD_WRITE] = on_write;
}

/* What a cut there leaves. */
static void
live_on (const struct kind *kind)
{
  struct array_status status;

  for (unsigned i = 0; i < MEMBERS; i++) {
    memory.leg[i]->meanwhile[CHILD_WRITE] = NULL;
    memcpy (memory.leg[i]->data, at_cut[i], MEMORY_LEG_SIZE);
    if (!kind->disks_grow)
      memory.leg[i]->grown = 0;
  }
  start_again ();
  ck_assert_int_eq (array_allow_writes (memory.array), 0);
  array_get_status (memory.array, &status);
  ck_assert_msg (status.in_sync == 3, "after %u writes: in sync 0x%x", cut_at,
                 status.in_sync);
  ck_assert_int_eq (array_read (memory.array, back, sizeof back, AT), 0);
  ck_assert_mem_eq (back, data, sizeof back);
  ck_assert_int_eq (array_write (memory.array, data, sizeof data, AT, 0), 0);
  wait_same ();
  ck_assert_int_eq (memory_array_unmake (), 0);
  find_supers ();
  both_the_same ();
  ck_assert_uint_eq (memory.sb[0].features, memory.sb[1].features);
  if (memory.sb[0].features & SB1_FEATURE_BITMAP)
    ck_assert_int_eq (memory.sb[0].bitmap_offset, memory.sb[1].bitmap_offset);
}

static bool
cut (const struct kind *kind, const struct array_order *order)
{
  bool was_cut;

  prepare (kind);
  array_sync_pause (memory.array);
  writes = 0;
  for (unsigned i = 0; i < MEMBERS; i++)
    memory.leg[i]->meanwhile[CHILD_WRITE] = on_write;
  accepted (order_whole (order));
  was_cut = writes > cut_at;
  for (unsigned i = 0; i < MEMBERS; i++)
    memory.leg[i]->meanwhile[CHILD_WRITE] = NULL;
  memory_array_unmake ();
  if (was_cut)
    live_on (kind);
  return was_cut;
}

START_TEST (a_power_cut_while_it_grows_loses_nothing)
{
  const struct array_order order = { .verb = ARRAY_GROW_SIZE };
  unsigned first = 0;

  /* Members whose superblocks were left behind by their own end have none,
   * until the order has written them.
   */
  if (kinds[_i].disks_grow && kinds[_i].version == SB1_VERSION_1_0)
    first = 2;
  for (cut_at = first; cut (&kinds[_i], &order); cut_at++)
    ;
  ck_assert_uint_ge (cut_at, 4);
}
END_TEST

START_TEST (a_power_cut_while_the_bitmap_changes_loses_nothing)
{
  const struct array_order order = { .verb = ARRAY_BITMAP, .chunk = 16384 };

  for (cut_at = 0; cut (&kinds[_i], &order); cut_at++)
    ;
  ck_assert_uint_ge (cut_at, 4);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_loop_test (tcase, an_array_grows_and_what_is_new_is_made_equal, 0,
                       KINDS);
  tcase_add_test (tcase, it_grows_to_the_size_that_is_asked_for);
  tcase_add_loop_test (tcase, a_bitmap_goes_comes_and_changes, 0, 2);
  tcase_add_test (tcase,
                  what_was_set_is_set_on_the_disks_in_the_new_bitmap);
  tcase_add_test (tcase,
                  a_bitmap_without_room_is_refused_and_nothing_changes);
  tcase_add_loop_test (
    tcase, who_missed_that_a_bitmap_came_gets_it_where_the_array_has_it, 0, 5);
  tcase_add_loop_test (tcase, an_array_that_lacks_something_does_not_grow, 0,
                       2);
  tcase_add_loop_test (tcase, what_is_only_asked_for_is_not_done, 0, KINDS);
  tcase_add_loop_test (tcase, a_spare_goes_with_the_array, 0, KINDS);
  tcase_add_loop_test (tcase, a_spare_without_room_is_in_the_way, 2, 3);
  tcase_add_loop_test (tcase, nothing_is_laid_anew_while_something_is_copied, 0,
                       2);
  tcase_add_loop_test (
    tcase, what_was_written_is_flushed_before_there_is_a_bitmap, 0, 2);
  tcase_add_test (tcase, the_last_region_is_carried_over);
  tcase_add_loop_test (tcase, a_new_bitmap_does_not_speak_for_who_is_away, 0,
                       1);
  tcase_add_loop_test (tcase, a_power_cut_while_it_grows_loses_nothing, 0,
                       KINDS);
  tcase_add_loop_test (
    tcase, a_power_cut_while_the_bitmap_changes_loses_nothing, 0, 2);
  tcase_add_loop_test (
    tcase, a_power_cut_while_the_bitmap_changes_loses_nothing, 3, 5);
}

int
main (void)
{
  return unit_main ("resize", add_tests);
}
