/* SPDX-License-Identifier: BSD-3-Clause */
/* Bits are stored before the write that needs them goes out, and are cleared
 * only after a whole period without writes and a flush.
 */
#include <stdbool.h>

#include "ground/util.h"
#include "logic/bitmap.h"
#include "unit.h"

#define REGION 512u

/* Regions whose bits lie in the first page, and in each other one. */
#define FIRST_PAGE ((BITMAP_PAGE_SIZE - BITMAP_HEAD_SIZE) * 8)
#define OTHER_PAGE (BITMAP_PAGE_SIZE * 8)

static uint8_t *
page_memory (size_t bytes)
{
  uint8_t *memory;

  ck_assert_int_eq (posix_memalign ((void **)&memory, BITMAP_PAGE_SIZE, bytes),
                    0);
  memset (memory, 0xa5, bytes);
  return memory;
}

/* A bitmap of that many regions, the last one short by @missing bytes. */
static uint8_t *
set_up (struct bitmap *bitmap, uint64_t regions, uint64_t missing)
{
  uint8_t *memory = page_memory (bitmap_memory (regions));

  bitmap_init (bitmap, regions * REGION - missing, REGION, memory);
  ck_assert_uint_eq (bitmap->regions, regions);
  return memory;
}

static uint64_t
begin (struct bitmap *bitmap, uint64_t offset, uint64_t length)
{
  uint64_t sequence = 12345;

  ck_assert (bitmap_begin (bitmap, offset, length, &sequence));
  ck_assert_uint_ne (sequence, 12345);
  return sequence;
}

/* Begun and ended. */
static uint64_t
write_region (struct bitmap *bitmap, uint64_t region)
{
  uint64_t sequence = begin (bitmap, region * REGION, REGION);

  bitmap_end (bitmap, region * REGION, REGION);
  return sequence;
}

static bool
keep_none (void *opaque, uint64_t offset, uint64_t length)
{
  (void)opaque;
  (void)offset;
  (void)length;
  return false;
}

struct asked {
  uint64_t offset, length; /* of the last time */
  unsigned times;
  bool keep;
};

static bool
note_asked (void *opaque, uint64_t offset, uint64_t length)
{
  struct asked *asked = opaque;

  asked->offset = offset;
  asked->length = length;
  asked->times++;
  return asked->keep;
}

/* --------------------------------------------------------------- the start */

static const uint64_t counts[] = {
  1, 7, 8, 9, FIRST_PAGE - 1, FIRST_PAGE, FIRST_PAGE + 1,
  FIRST_PAGE + OTHER_PAGE, FIRST_PAGE + OTHER_PAGE + 1,
};
static const uint64_t pages[] = { 1, 1, 1, 1, 1, 1, 2, 2, 3 };

START_TEST (at_the_start_only_bits_of_no_region_are_set)
{
  uint64_t regions = counts[_i];
  size_t bytes = bitmap_memory (regions);
  uint8_t *memory = page_memory (bytes + 64);
  struct bitmap bitmap;

  bitmap_init (&bitmap, regions * REGION - 1, REGION, memory);
  ck_assert_uint_eq (bitmap.regions, regions);
  ck_assert_uint_eq (bitmap.area_size, pages[_i] * BITMAP_PAGE_SIZE);
  ck_assert_ptr_eq (bitmap.image, memory);
  for (unsigned i = 0; i < BITMAP_HEAD_SIZE; i++)
    ck_assert_uint_eq (bitmap.image[i], 0);
  for (uint64_t i = 0; i < (bitmap.area_size - BITMAP_HEAD_SIZE) * 8; i++)
    UNIT_CHECK (bitmap_get (bitmap.image + BITMAP_HEAD_SIZE, i)
                  == (i >= regions),
                "bit %" PRIu64, i);
  for (unsigned i = 0; i < pages[_i]; i++)
    ck_assert (bitmap.marked[i] == 0 && !bitmap.changed[i]);
  ck_assert_uint_eq (bitmap.settled, 0);

  /* All of it can be used, and nothing behind it is. */
  bitmap_load (&bitmap, NULL);
  bitmap_untake (&bitmap);
  begin (&bitmap, 0, bitmap.size);
  for (unsigned i = 0; i < 64; i++)
    ck_assert_uint_eq (memory[bytes + i], 0xa5);
  free (memory);
}
END_TEST

START_TEST (what_members_say_is_in_force_together)
{
  static const uint8_t one[] = { 0x01, 0x02 }, other[] = { 0x81, 0x00 };
  struct bitmap bitmap;
  uint8_t *memory = set_up (&bitmap, 10, 0);

  bitmap_load (&bitmap, one);
  bitmap_load (&bitmap, other);
  for (uint64_t i = 0; i < 10; i++)
    ck_assert_int_eq (bitmap_is_set (&bitmap, i), i == 0 || i == 7 || i == 9);
  ck_assert_uint_eq (bitmap.settled, 3);
  ck_assert (!bitmap.changed[0]);
  ck_assert_uint_eq (bitmap.sets, 0);
  /* Who finds them set need not wait. */
  ck_assert_uint_eq (write_region (&bitmap, 7), 0);

  bitmap_load (&bitmap, NULL);
  ck_assert_uint_eq (bitmap.settled, 10);
  ck_assert (!bitmap.changed[0]);
  ck_assert_uint_eq (bitmap_age (&bitmap, 0), 0);
  ck_assert_uint_eq (bitmap_age (&bitmap, 0), 10);
  free (memory);
}
END_TEST

/* ------------------------------------------------- numbers, pages, storing */

START_TEST (who_sets_or_follows_waits_for_the_last_mark_of_the_page)
{
  struct bitmap bitmap;
  uint8_t *memory = set_up (&bitmap, FIRST_PAGE + 10, 0);
  uint64_t border = FIRST_PAGE * (uint64_t)REGION;

  ck_assert_uint_eq (begin (&bitmap, 0, 1), 1);
  ck_assert_uint_eq (begin (&bitmap, REGION - 1, 1), 1);
  ck_assert_uint_eq (begin (&bitmap, REGION, 1), 2);
  ck_assert_uint_eq (begin (&bitmap, 0, 1), 2);
  /* Another page is another store. */
  ck_assert_uint_eq (begin (&bitmap, border, 1), 3);
  ck_assert_uint_eq (begin (&bitmap, 0, 1), 2);
  /* One write, one number, in both pages. */
  ck_assert_uint_eq (begin (&bitmap, border - 1, REGION + 2), 4);
  ck_assert_uint_eq (bitmap.sets, 4);
  ck_assert_uint_eq (begin (&bitmap, 0, 1), 4);
  ck_assert_uint_eq (begin (&bitmap, border, 1), 4);
  free (memory);
}
END_TEST

START_TEST (a_write_over_two_pages_waits_for_the_later_one)
{
  struct bitmap bitmap;
  uint8_t *memory = set_up (&bitmap, FIRST_PAGE + 10, 0);
  uint64_t border = FIRST_PAGE * (uint64_t)REGION;

  ck_assert_uint_eq (begin (&bitmap, border, 1), 1);
  ck_assert_uint_eq (begin (&bitmap, border - 1, 1), 2);
  ck_assert_uint_eq (begin (&bitmap, border - 1, 2), 2);
  free (memory);
}
END_TEST

START_TEST (changed_pages_are_taken_once)
{
  struct bitmap bitmap;
  uint64_t regions = FIRST_PAGE + 3 * OTHER_PAGE;
  uint8_t *memory = set_up (&bitmap, regions, 0);
  uint8_t *staging = page_memory (bitmap.area_size);
  uint64_t first = 99, count = 99;

  ck_assert_uint_eq (bitmap_take (&bitmap, staging, &first, &count), 0);
  ck_assert_uint_eq (count, 0);
  ck_assert_uint_eq (staging[0], 0xa5);

  begin (&bitmap, FIRST_PAGE * (uint64_t)REGION, 1);
  begin (&bitmap, (FIRST_PAGE + 2 * OTHER_PAGE) * (uint64_t)REGION, 1);
  ck_assert_uint_eq (bitmap_take (&bitmap, staging, &first, &count), 2);
  ck_assert_uint_eq (first, 1);
  ck_assert_uint_eq (count, 3);
  ck_assert_mem_eq (staging + BITMAP_PAGE_SIZE,
                    bitmap.image + BITMAP_PAGE_SIZE, 3 * BITMAP_PAGE_SIZE);
  for (unsigned i = 0; i < BITMAP_PAGE_SIZE; i++)
    ck_assert_uint_eq (staging[i], 0xa5);

  ck_assert_uint_eq (bitmap_take (&bitmap, staging, &first, &count), 2);
  ck_assert_uint_eq (count, 0);

  bitmap_untake (&bitmap);
  ck_assert_uint_eq (bitmap_take (&bitmap, staging, &first, &count), 2);
  ck_assert_uint_eq (first, 0);
  ck_assert_uint_eq (count, 4);
  ck_assert_mem_eq (staging, bitmap.image, bitmap.area_size);
  free (staging);
  free (memory);
}
END_TEST

/* ----------------------------------------------------------------- writers */

START_TEST (too_many_writers_change_nothing)
{
  struct bitmap bitmap, before;
  size_t bytes = bitmap_memory (10);
  uint8_t *memory = set_up (&bitmap, 10, 0), *copy = page_memory (bytes);
  uint64_t sequence = 77;

  for (unsigned i = 0; i < UINT16_MAX; i++)
    begin (&bitmap, 5 * REGION, 1);
  before = bitmap;
  memcpy (copy, memory, bytes);
  ck_assert (!bitmap_begin (&bitmap, 5 * REGION, 1, &sequence));
  ck_assert (!bitmap_begin (&bitmap, 4 * REGION, 3 * REGION, &sequence));
  ck_assert_uint_eq (sequence, 77);
  ck_assert_mem_eq (&bitmap, &before, sizeof bitmap);
  ck_assert_mem_eq (memory, copy, bytes);

  bitmap_end (&bitmap, 5 * REGION, 1);
  ck_assert (bitmap_begin (&bitmap, 4 * REGION, 3 * REGION, &sequence));
  ck_assert_uint_eq (sequence, 2);
  free (copy);
  free (memory);
}
END_TEST

/* ------------------------------------------------------------------ ageing */

START_TEST (a_bit_is_cleared_after_two_calls_without_writes)
{
  struct bitmap bitmap;
  uint8_t *memory = set_up (&bitmap, 10, 0);
  uint64_t first, count;
  uint8_t staging[BITMAP_PAGE_SIZE];

  ck_assert_uint_eq (bitmap_age (&bitmap, 0), 0);
  begin (&bitmap, 3 * REGION, 1);
  /* However long it takes. */
  for (unsigned i = 0; i < 5; i++)
    ck_assert_uint_eq (bitmap_age (&bitmap, 0), 0);
  bitmap_end (&bitmap, 3 * REGION, 1);
  ck_assert_uint_eq (bitmap.settled, 1);
  ck_assert_uint_eq (bitmap_age (&bitmap, 0), 0);
  ck_assert_uint_eq (bitmap_clear_aged (&bitmap, keep_none, NULL), 0);
  ck_assert_uint_eq (bitmap_age (&bitmap, 0), 1);
  ck_assert_uint_eq (bitmap_age (&bitmap, 0), 1);

  bitmap_take (&bitmap, staging, &first, &count);
  ck_assert_uint_eq (bitmap_clear_aged (&bitmap, keep_none, NULL), 1);
  ck_assert (!bitmap_is_set (&bitmap, 3));
  ck_assert_uint_eq (bitmap.settled, 0);
  ck_assert_uint_eq (bitmap_age (&bitmap, 0), 0);
  ck_assert_uint_eq (bitmap_clear_aged (&bitmap, keep_none, NULL), 0);
  /* That is to be stored, too. */
  ck_assert_uint_eq (bitmap_take (&bitmap, staging, &first, &count), 2);
  ck_assert_uint_eq (count, 1);
  ck_assert_mem_eq (staging, bitmap.image, sizeof staging);
  free (memory);
}
END_TEST

START_TEST (a_write_makes_an_aged_region_young)
{
  struct bitmap bitmap;
  uint8_t *memory = set_up (&bitmap, 10, 0);

  write_region (&bitmap, 3);
  bitmap_age (&bitmap, 0);
  ck_assert_uint_eq (bitmap_age (&bitmap, 0), 1);
  begin (&bitmap, 3 * REGION, 1);
  ck_assert_uint_eq (bitmap_clear_aged (&bitmap, keep_none, NULL), 0);
  bitmap_end (&bitmap, 3 * REGION, 1);
  /* What was flushed does not cover this write. */
  ck_assert_uint_eq (bitmap_clear_aged (&bitmap, keep_none, NULL), 0);
  ck_assert (bitmap_is_set (&bitmap, 3));
  ck_assert_uint_eq (bitmap_age (&bitmap, 0), 0);
  ck_assert_uint_eq (bitmap_age (&bitmap, 0), 1);
  ck_assert_uint_eq (bitmap_clear_aged (&bitmap, keep_none, NULL), 1);
  free (memory);
}
END_TEST

START_TEST (at_a_stop_all_without_writers_are_aged)
{
  struct bitmap bitmap;
  uint8_t *memory = set_up (&bitmap, 10, 0);

  write_region (&bitmap, 3);
  bitmap_age (&bitmap, 0);
  write_region (&bitmap, 4);
  begin (&bitmap, 5 * REGION, 1);
  bitmap_age_at_once (&bitmap);
  ck_assert_uint_eq (bitmap_clear_aged (&bitmap, keep_none, NULL), 2);
  ck_assert (bitmap_is_set (&bitmap, 5));
  free (memory);
}
END_TEST

START_TEST (the_hot_ones_keep_their_bits)
{
  struct bitmap bitmap;
  uint8_t *memory = set_up (&bitmap, 10, 0);

  for (uint64_t i = 0; i < 6; i++)
    write_region (&bitmap, i);
  for (unsigned i = 0; i < 300; i++) {
    ck_assert_uint_eq (bitmap_age (&bitmap, 6), 0);
    /* Some are written to again and again. */
    write_region (&bitmap, 1);
    if (i % 3 == 0)
      write_region (&bitmap, 4);
  }
  begin (&bitmap, 9 * REGION, 1);
  /* It, these two, and the first of the others. */
  ck_assert_uint_eq (bitmap_age (&bitmap, 4), 3);
  ck_assert_uint_eq (bitmap_clear_aged (&bitmap, keep_none, NULL), 3);
  for (uint64_t i = 0; i < 10; i++)
    ck_assert_int_eq (bitmap_is_set (&bitmap, i),
                      i == 0 || i == 1 || i == 4 || i == 9);
  /* None has to stay. */
  bitmap_age (&bitmap, 0);
  ck_assert_uint_eq (bitmap_age (&bitmap, 0), 3);
  free (memory);
}
END_TEST

START_TEST (what_is_kept_stays_aged)
{
  struct bitmap bitmap;
  uint8_t *memory = set_up (&bitmap, 10, 100);
  struct asked asked = { .keep = true };

  write_region (&bitmap, 4);
  bitmap_age_at_once (&bitmap);
  ck_assert_uint_eq (bitmap_clear_aged (&bitmap, note_asked, &asked), 0);
  ck_assert_uint_eq (asked.times, 1);
  ck_assert_uint_eq (asked.offset, 4 * REGION);
  ck_assert_uint_eq (asked.length, REGION);
  ck_assert (bitmap_is_set (&bitmap, 4));
  /* Nothing happened, so nothing is to be stored. */
  ck_assert_uint_eq (bitmap.sets, 1);
  ck_assert (!bitmap_is_clearable (&bitmap, note_asked, &asked));
  asked.keep = false;
  ck_assert (bitmap_is_clearable (&bitmap, note_asked, &asked));
  ck_assert_uint_eq (bitmap_clear_aged (&bitmap, note_asked, &asked), 1);
  ck_assert (!bitmap_is_clearable (&bitmap, note_asked, &asked));

  /* The last region is shorter, for the question, too. */
  begin (&bitmap, 10 * REGION - 101, 1);
  bitmap_end (&bitmap, 10 * REGION - 101, 1);
  bitmap_age_at_once (&bitmap);
  ck_assert_uint_eq (bitmap_clear_aged (&bitmap, note_asked, &asked), 1);
  ck_assert_uint_eq (asked.offset, 9 * REGION);
  ck_assert_uint_eq (asked.length, REGION - 100);
  free (memory);
}
END_TEST

START_TEST (nobody_waits_for_a_clearing_but_who_sets_again)
{
  struct bitmap bitmap;
  uint8_t *memory = set_up (&bitmap, 10, 0);

  write_region (&bitmap, 3);
  bitmap_age_at_once (&bitmap);
  ck_assert_uint_eq (write_region (&bitmap, 4), 2);
  ck_assert_uint_eq (bitmap_clear_aged (&bitmap, keep_none, NULL), 1);
  ck_assert_uint_eq (bitmap.sets, 3);
  ck_assert_uint_eq (begin (&bitmap, 4 * REGION, 1), 2);
  ck_assert_uint_eq (begin (&bitmap, 3 * REGION, 1), 4);
  free (memory);
}
END_TEST

/* ------------------------------------------------------------ our own bugs */

START_TEST (an_end_without_a_begin_is_our_bug)
{
  struct bitmap bitmap;

  set_up (&bitmap, 10, 0);
  begin (&bitmap, 0, REGION);
  bitmap_end (&bitmap, 0, REGION + 1);
}
END_TEST

START_TEST (a_write_beyond_the_array_is_our_bug)
{
  struct bitmap bitmap;
  uint64_t sequence;

  set_up (&bitmap, 10, 100);
  bitmap_begin (&bitmap, 9 * REGION, REGION - 99, &sequence);
}
END_TEST

START_TEST (an_empty_write_is_our_bug)
{
  struct bitmap bitmap;
  uint64_t sequence;

  set_up (&bitmap, 10, 0);
  bitmap_begin (&bitmap, REGION, 0, &sequence);
}
END_TEST

START_TEST (loading_under_a_write_is_our_bug)
{
  struct bitmap bitmap;

  set_up (&bitmap, 10, 0);
  begin (&bitmap, 0, 1);
  bitmap_load (&bitmap, NULL);
}
END_TEST

/* ---------------------------------------------------------- the naive model */

#define WRITES 24

struct write {
  uint64_t offset, length, sequence;
  bool out; /* to the members */
};

struct model_region {
  bool set;
  unsigned writers;
  unsigned age; /* how often it was aged since the last one ended */
  bool aged;    /* and was not among the hot ones then */
  /* Its copies may differ: */
  bool unflushed; /* a write that went out ended since the last ageing */
  bool flushable; /* one ended before */
};

struct model {
  struct bitmap *bitmap;
  struct model_region *region;
  struct write write[WRITES];
  unsigned writes;
  uint64_t sets;
  uint64_t marked[4];
  bool changed[4];
  uint8_t *disk, *staging;
  uint64_t stored;
  bool storing; /* what is in staging: */
  uint64_t first, count, covers;
  uint64_t keep; /* every so many-th region is kept; 0: none */
  uint64_t asked;
  uint64_t random;
};

static unsigned
model_page (uint64_t region)
{
  return region < FIRST_PAGE ? 0 : 1 + (region - FIRST_PAGE) / OTHER_PAGE;
}

static bool
touches (const struct write *write, uint64_t region)
{
  return ranges_overlap (write->offset, write->length, region * REGION,
                         REGION);
}

static bool
model_aged (const struct model *model, uint64_t region)
{
  const struct model_region *r = &model->region[region];

  return r->set && r->writers == 0 && r->aged;
}

/* Mostly near the borders of pages, so that regions are met again. */
static void
random_range (struct model *model, struct write *ret)
{
  uint64_t size = model->bitmap->size;
  uint64_t page = unit_below (&model->random, 4);
  uint64_t near = page == 0 ? 20 : FIRST_PAGE + (page - 1) * OTHER_PAGE;
  uint64_t length = 1 + unit_below (&model->random, 5 * REGION);

  near = (near - 20) * REGION + unit_below (&model->random, 40 * REGION);
  if (unit_below (&model->random, 50) == 0)
    length = size;
  *ret = (struct write){ .offset = near % size };
  ret->length = MIN (length, size - ret->offset);
}

static void
random_begin (struct model *model)
{
  struct bitmap *bitmap = model->bitmap;
  struct write *write = &model->write[model->writes++];
  uint64_t expected = 0;
  bool sets = false;

  random_range (model, write);
  for (uint64_t i = 0; i < bitmap->regions; i++)
    if (touches (write, i))
      sets |= !model->region[i].set;
  model->sets += sets;
  for (uint64_t i = 0; i < bitmap->regions; i++)
    if (touches (write, i)) {
      struct model_region *r = &model->region[i];

      if (!r->set) {
        model->marked[model_page (i)] = model->sets;
        model->changed[model_page (i)] = true;
      }
      r->set = true;
      r->aged = false;
      r->writers++;
      expected = MAX (expected, model->marked[model_page (i)]);
    }
  write->sequence = begin (bitmap, write->offset, write->length);
  UNIT_CHECK (write->sequence == expected, "%" PRIu64 " instead of %" PRIu64,
              write->sequence, expected);
}

static void
random_end (struct model *model)
{
  unsigned index = unit_below (&model->random, model->writes);
  struct write write = model->write[index];

  model->write[index] = model->write[--model->writes];
  for (uint64_t i = 0; i < model->bitmap->regions; i++)
    if (touches (&write, i)) {
      model->region[i].writers--;
      model->region[i].age = 0;
      model->region[i].unflushed |= write.out;
    }
  bitmap_end (model->bitmap, write.offset, write.length);
}

static void
start_store (struct model *model)
{
  uint64_t first = 4, last = 0;

  for (unsigned i = 0; i < 4; i++)
    if (model->changed[i]) {
      first = MIN (first, i);
      last = i;
      model->changed[i] = false;
    }
  model->covers = bitmap_take (model->bitmap, model->staging, &model->first,
                               &model->count);
  UNIT_CHECK (model->covers == model->sets, "covers");
  UNIT_CHECK (model->count == (first == 4 ? 0 : last - first + 1), "count");
  UNIT_CHECK (model->count == 0 || model->first == first, "first");
  model->storing = true;
}

/* A store that failed left some pages on the members and others not. */
static void
end_store (struct model *model)
{
  bool failed = unit_below (&model->random, 4) == 0;

  for (uint64_t i = model->first; i < model->first + model->count; i++)
    if (!failed || unit_below (&model->random, 2) == 0)
      memcpy (model->disk + i * BITMAP_PAGE_SIZE,
              model->staging + i * BITMAP_PAGE_SIZE, BITMAP_PAGE_SIZE);
  model->storing = false;
  if (!failed) {
    model->stored = model->covers;
    return;
  }
  bitmap_untake (model->bitmap);
  for (unsigned i = 0; i < model->bitmap->area_size / BITMAP_PAGE_SIZE; i++)
    model->changed[i] = true;
}

/* One after the other: those that are written to are the hottest, then who was
 * written to last; of one age the first ones.
 */
static void
model_age (struct model *model, bool at_once, uint64_t hot)
{
  uint64_t of_age[256] = { 0 }, younger[256] = { 0 };

  for (uint64_t i = 0; i < model->bitmap->regions; i++) {
    struct model_region *r = &model->region[i];

    r->flushable |= r->unflushed;
    r->unflushed = false;
    if (r->set && r->writers == 0)
      r->age = MIN (r->age + 1, 254u);
    if (r->set && !model_aged (model, i))
      of_age[r->writers > 0 ? 0 : r->age]++;
  }
  for (unsigned age = 1; age < 256; age++)
    younger[age] = younger[age - 1] + of_age[age - 1];
  for (uint64_t i = 0; i < model->bitmap->regions; i++) {
    struct model_region *r = &model->region[i];

    if (r->set && r->writers == 0 && !r->aged)
      r->aged = at_once || (younger[r->age]++ >= hot && r->age >= 2);
  }
}

static void
random_age (struct model *model)
{
  bool at_once = unit_below (&model->random, 6) == 0;
  uint64_t hot = unit_below (&model->random, 3) == 0
                   ? unit_below (&model->random, 40) : 0;
  uint64_t aged = 0;

  model_age (model, at_once, hot);
  if (at_once)
    bitmap_age_at_once (model->bitmap);
  else {
    for (uint64_t i = 0; i < model->bitmap->regions; i++)
      aged += model_aged (model, i);
    UNIT_CHECK (bitmap_age (model->bitmap, hot) == aged, "aged");
  }
}

static bool
model_keep (const struct model *model, uint64_t region)
{
  return model->keep != 0 && region % model->keep == 0;
}

static bool
answer_keep (void *opaque, uint64_t offset, uint64_t length)
{
  struct model *model = opaque;
  uint64_t size = model->bitmap->size;

  UNIT_CHECK (is_aligned (offset, REGION) && offset < size, "offset");
  UNIT_CHECK (length == MIN (size - offset, REGION), "length");
  UNIT_CHECK (model_aged (model, offset / REGION), "not aged");
  model->asked++;
  return model_keep (model, offset / REGION);
}

static void
random_clear (struct model *model)
{
  uint64_t aged = 0, expected = 0, cleared;

  model->keep = unit_below (&model->random, 4);
  model->asked = 0;
  /* The members were flushed just now. */
  for (uint64_t i = 0; i < model->bitmap->regions; i++)
    model->region[i].flushable = false;
  cleared = bitmap_clear_aged (model->bitmap, answer_keep, model);
  for (uint64_t i = 0; i < model->bitmap->regions; i++) {
    if (!model_aged (model, i))
      continue;
    aged++;
    if (model_keep (model, i))
      continue;
    model->region[i].set = false;
    model->changed[model_page (i)] = true;
    expected++;
  }
  UNIT_CHECK (model->asked == aged, "each is asked for once");
  UNIT_CHECK (cleared == expected, "cleared");
  model->sets += expected > 0;
}

/* Invariant 3: the bit is stored on the members before any of them changes,
 * and as long as copies may differ.
 */
static void
check_disk (struct model *model)
{
  const uint8_t *bits = model->disk + BITMAP_HEAD_SIZE;

  for (unsigned w = 0; w < model->writes; w++) {
    struct write *write = &model->write[w];

    if (write->sequence <= model->stored)
      write->out = true;
    for (uint64_t i = write->offset / REGION; write->out && touches (write, i);
         i++)
      UNIT_CHECK (bitmap_get (bits, i),
                  "region %" PRIu64 " is written, its bit not stored", i);
  }
  for (uint64_t i = 0; i < model->bitmap->regions; i++)
    UNIT_CHECK (bitmap_get (bits, i)
                  || (!model->region[i].unflushed
                      && !model->region[i].flushable),
                "region %" PRIu64 " may differ, its bit is not stored", i);
}

static void
check_against_model (const struct model *model)
{
  const struct bitmap *bitmap = model->bitmap;
  uint64_t settled = 0, bits = (bitmap->area_size - BITMAP_HEAD_SIZE) * 8;

  for (uint64_t i = 0; i < bitmap->regions; i++) {
    const struct model_region *r = &model->region[i];

    settled += r->set && r->writers == 0;
    UNIT_CHECK (bitmap_is_set (bitmap, i) == r->set, "bit %" PRIu64, i);
    UNIT_CHECK (bitmap->region[i].writers == r->writers, "writers of %" PRIu64,
                i);
    UNIT_CHECK ((bitmap->region[i].age == BITMAP_AGED)
                  == model_aged (model, i),
                "age of %" PRIu64, i);
  }
  for (uint64_t i = bitmap->regions; i < bits; i++)
    UNIT_CHECK (bitmap_get (bitmap->image + BITMAP_HEAD_SIZE, i),
                "bit %" PRIu64 " past the last", i);
  UNIT_CHECK (bitmap->settled == settled, "settled");
  UNIT_CHECK (bitmap->sets == model->sets, "sets");
  for (unsigned i = 0; i < bitmap->area_size / BITMAP_PAGE_SIZE; i++) {
    UNIT_CHECK (bitmap->marked[i] == model->marked[i], "mark of page %u", i);
    UNIT_CHECK (bitmap->changed[i] == model->changed[i], "page %u", i);
  }
}

/* Found on the members. */
static void
random_load (struct model *model)
{
  uint8_t *bits = page_memory (model->bitmap->area_size);

  for (uint64_t i = 0; i < model->bitmap->regions; i++) {
    model->region[i].set = unit_below (&model->random, 4) == 0;
    if (model->region[i].set)
      bitmap_set (bits, i);
    else
      bitmap_clear (bits, i);
  }
  bitmap_load (model->bitmap, bits);
  memcpy (model->disk, model->bitmap->image, model->bitmap->area_size);
  free (bits);
}

static void
random_step (struct model *model)
{
  switch (unit_below (&model->random, 8)) {
  case 0 ... 1:
    if (model->writes < WRITES)
      random_begin (model);
    break;
  case 2 ... 3:
    if (model->writes > 0)
      random_end (model);
    break;
  case 4:
    random_age (model);
    break;
  case 5:
    random_clear (model);
    break;
  default:
    if (model->storing)
      end_store (model);
    else
      start_store (model);
  }
}

static const struct {
  uint64_t regions, missing;
  unsigned steps;
} worlds[] = {
  { 1, 100, 5000 },
  { 37, 0, 50000 },
  { 40, 1, 50000 },
  { FIRST_PAGE + 2 * OTHER_PAGE + 9, 511, 400 },
};

START_TEST (random_operations_agree_with_the_model)
{
  struct bitmap bitmap;
  uint8_t *memory = set_up (&bitmap, worlds[_i].regions, worlds[_i].missing);
  struct model model = {
    .bitmap = &bitmap,
    .region = calloc (bitmap.regions, sizeof (struct model_region)),
    .disk = page_memory (bitmap.area_size),
    .staging = page_memory (bitmap.area_size),
    .random = unit_seed ("bitmap"),
  };

  ck_assert_ptr_nonnull (model.region);
  random_load (&model);
  for (unsigned step = 0; step < worlds[_i].steps; step++) {
    random_step (&model);
    check_disk (&model);
    check_against_model (&model);
  }
  free (model.staging);
  free (model.disk);
  free (model.region);
  free (memory);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_loop_test (tcase, at_the_start_only_bits_of_no_region_are_set, 0,
                       ARRAY_LENGTH (counts));
  tcase_add_test (tcase, what_members_say_is_in_force_together);
  tcase_add_test (tcase,
                  who_sets_or_follows_waits_for_the_last_mark_of_the_page);
  tcase_add_test (tcase, a_write_over_two_pages_waits_for_the_later_one);
  tcase_add_test (tcase, changed_pages_are_taken_once);
  tcase_add_test (tcase, too_many_writers_change_nothing);
  tcase_add_test (tcase, a_bit_is_cleared_after_two_calls_without_writes);
  tcase_add_test (tcase, a_write_makes_an_aged_region_young);
  tcase_add_test (tcase, at_a_stop_all_without_writers_are_aged);
  tcase_add_test (tcase, the_hot_ones_keep_their_bits);
  tcase_add_test (tcase, what_is_kept_stays_aged);
  tcase_add_test (tcase, nobody_waits_for_a_clearing_but_who_sets_again);
  UNIT_ADD_ABORT_TEST (tcase, an_end_without_a_begin_is_our_bug);
  UNIT_ADD_ABORT_TEST (tcase, a_write_beyond_the_array_is_our_bug);
  UNIT_ADD_ABORT_TEST (tcase, an_empty_write_is_our_bug);
  UNIT_ADD_ABORT_TEST (tcase, loading_under_a_write_is_our_bug);
  tcase_add_loop_test (tcase, random_operations_agree_with_the_model, 0,
                       ARRAY_LENGTH (worlds));
}

int
main (void)
{
  return unit_main ("bitmap", add_tests);
}
