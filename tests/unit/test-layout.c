/* SPDX-License-Identifier: BSD-3-Clause */
/* Every legal layout of 2..12 slots, chunk by chunk, against the arithmetic
 * of the md reference written out a second time; the tables that Linux
 * wrote; and what is refused.
 */
#include <stdbool.h>

#include "ground/util.h"
#include "logic/layout.h"
#include "unit.h"

#define CHUNK UINT64_C (4096)
#define SLOTS_MAX 12
#define ROWS_MAX (3 * SLOTS_MAX + 1)

/* Calls @visit with each legal raid10 of @slots slots. */
static void
for_each_raid10 (unsigned slots, void (*visit) (const struct layout *layout))
{
  struct layout layout
    = { .level = LEVEL_RAID10, .slots = slots, .chunk = CHUNK };

  layout.far = 1;
  for (layout.near = 2; layout.near <= slots; layout.near++)
    visit (&layout);

  layout.near = 1;
  for (layout.far = 2; layout.far <= slots; layout.far++)
    for (unsigned variant = 0; variant < 4; variant++) {
      layout.offset = (variant & 1) != 0;
      layout.far_sets = (variant & 2) != 0;
      visit (&layout);
    }
}

/* Appendix A of the md reference, forward, step by step. */
static unsigned
model_map (const struct layout *layout, uint64_t offset, struct copy *ret)
{
  unsigned slots = layout->slots;
  unsigned width = layout->far_sets ? layout->far * layout->near : slots;
  unsigned sets = slots / width;
  uint64_t place = offset / CHUNK * layout->near;
  uint64_t row = place / slots * (layout->offset ? layout->far : 1);
  uint64_t start = row * CHUNK + offset % CHUNK;
  unsigned slot = place % slots;
  unsigned count = 0;

  for (unsigned i = 0; i < layout->near; i++) {
    unsigned far_slot = slot;
    uint64_t far_start = start;

    ret[count++] = (struct copy){ .slot = slot, .offset = start };
    for (unsigned j = 1; j < layout->far; j++) {
      unsigned set = MIN (far_slot / width, sets - 1);
      unsigned end = set == sets - 1 ? slots : (set + 1) * width;

      far_slot += layout->near;
      if (far_slot >= end)
        far_slot = set * width + (far_slot - end);
      far_start += layout->stride;
      ret[count++] = (struct copy){ .slot = far_slot, .offset = far_start };
    }
    if (++slot == slots) {
      slot = 0;
      start += CHUNK;
    }
  }
  return count;
}

static void
check_size (const struct layout *layout, uint64_t member_bytes)
{
  uint64_t rows = member_bytes / CHUNK / layout->far;
  uint64_t chunks = rows * layout->slots / layout->near;
  uint64_t places = chunks * layout->near * layout->far;
  uint64_t used = (places + layout->slots - 1) / layout->slots;
  struct layout again = *layout;

  ck_assert_uint_eq (layout->array_size, chunks * CHUNK);
  ck_assert_uint_eq (layout->member_size, used * CHUNK);
  ck_assert_uint_eq (layout->stride,
                     layout->offset ? CHUNK : used / layout->far * CHUNK);
  ck_assert_uint_le (layout->member_size, member_bytes);

  layout_set_size (&again, layout->member_size);
  ck_assert_uint_eq (again.array_size, layout->array_size);
  ck_assert_uint_eq (again.member_size, layout->member_size);
  ck_assert_uint_eq (again.stride, layout->stride);
}

/* All copies of one byte: as md places them, on distinct slots, and the way
 * back leads here.
 */
static void
check_byte (const struct layout *layout, uint64_t offset,
            const struct copy *copies)
{
  struct copy model[LEGS_MAX];
  unsigned count = model_map (layout, offset, model);
  uint32_t seen = 0;
  uint64_t back;

  UNIT_CHECK (layout_copies (layout) == count, "%u copies", count);
  for (unsigned i = 0; i < count; i++) {
    UNIT_CHECK (copies[i].slot == model[i].slot
                  && copies[i].offset == model[i].offset,
                "copy %u of byte %" PRIu64, i, offset);
    UNIT_CHECK (copies[i].slot < layout->slots, "slot %u", copies[i].slot);
    UNIT_CHECK ((seen & 1u << copies[i].slot) == 0, "twice on slot %u",
                copies[i].slot);
    seen |= 1u << copies[i].slot;
    UNIT_CHECK (copies[i].offset < layout->member_size, "beyond the end");
    UNIT_CHECK (
      layout_unmap (layout, copies[i].slot, copies[i].offset, &back),
      "copy %u of byte %" PRIu64, i, offset);
    UNIT_CHECK (back == offset, "%" PRIu64 " became %" PRIu64, offset, back);
  }
}

/* Every place below the used size holds one chunk or none, and unmap knows
 * which; exactly all copies are there.
 */
static void
check_places (const struct layout *layout)
{
  static int64_t table[SLOTS_MAX][ROWS_MAX];
  uint64_t rows = layout->member_size / CHUNK;
  uint64_t chunks = layout->array_size / CHUNK;
  uint64_t hits = 0, back;
  struct copy copies[LEGS_MAX];

  UNIT_CHECK (rows <= ROWS_MAX, "the table is too small");
  memset (table, -1, sizeof table);
  for (uint64_t chunk = 0; chunk < chunks; chunk++) {
    layout_map (layout, chunk * CHUNK + CHUNK - 1, copies);
    check_byte (layout, chunk * CHUNK + CHUNK - 1, copies);
    layout_map (layout, chunk * CHUNK, copies);
    check_byte (layout, chunk * CHUNK, copies);
    for (unsigned i = 0; i < layout_copies (layout); i++) {
      int64_t *place = &table[copies[i].slot][copies[i].offset / CHUNK];

      UNIT_CHECK (*place == -1, "chunks %" PRIi64 " and %" PRIu64
                  " in one place", *place, chunk);
      *place = chunk;
    }
  }

  for (unsigned slot = 0; slot < layout->slots; slot++) {
    for (uint64_t row = 0; row < rows; row++) {
      bool used = layout_unmap (layout, slot, row * CHUNK + 17, &back);

      UNIT_CHECK (used == (table[slot][row] != -1),
                  "slot %u row %" PRIu64, slot, row);
      UNIT_CHECK (!used || back == table[slot][row] * CHUNK + 17,
                  "slot %u row %" PRIu64, slot, row);
      hits += used;
    }
    UNIT_CHECK (!layout_unmap (layout, slot, layout->member_size, &back),
                "slot %u is used beyond its end", slot);
    UNIT_CHECK (!layout_unmap (layout, slot, UINT64_MAX, &back),
                "slot %u is used beyond its end", slot);
  }
  ck_assert_uint_eq (hits, chunks * layout_copies (layout));
}

/* A piece stays inside its chunk, unless all slots hold everything. */
static void
check_pieces (const struct layout *layout)
{
  static const uint64_t from[] = { 0, 1, 511, CHUNK - 512, CHUNK - 1 };
  static const uint64_t lengths[] = { 1, 511, CHUNK - 1, CHUNK, CHUNK + 1 };
  bool all_same = layout->near == layout->slots;
  struct copy first[LEGS_MAX], last[LEGS_MAX];

  for (unsigned i = 0; i < ARRAY_LENGTH (from); i++)
    for (unsigned j = 0; j < ARRAY_LENGTH (lengths); j++) {
      uint64_t piece = layout_piece (layout, from[i], lengths[j]);
      uint64_t expected = all_same ? lengths[j]
                                   : MIN (lengths[j], CHUNK - from[i]);

      UNIT_CHECK (piece == expected, "%" PRIu64 " from %" PRIu64, piece,
                  from[i]);
      if (from[i] + piece > layout->array_size)
        continue;
      layout_map (layout, from[i], first);
      layout_map (layout, from[i] + piece - 1, last);
      for (unsigned k = 0; k < layout_copies (layout); k++)
        UNIT_CHECK (first[k].slot == last[k].slot
                      && first[k].offset + piece - 1 == last[k].offset,
                    "copy %u is torn", k);
    }
}

static void
check_groups (const struct layout *layout)
{
  uint32_t groups[LEGS_MAX];
  bool seen[LEGS_MAX] = { false };
  unsigned count = layout_groups (layout, groups);
  struct copy copies[LEGS_MAX];

  UNIT_CHECK (count >= 1 && count <= LEGS_MAX, "%u groups", count);
  for (unsigned i = 0; i < count; i++)
    for (unsigned j = 0; j < i; j++)
      UNIT_CHECK (groups[i] != groups[j], "a group is told twice");

  for (uint64_t at = 0; at < layout->array_size; at += CHUNK) {
    uint32_t group = 0;
    unsigned i = 0;

    layout_map (layout, at, copies);
    for (unsigned k = 0; k < layout_copies (layout); k++)
      group |= 1u << copies[k].slot;
    while (i < count && groups[i] != group)
      i++;
    UNIT_CHECK (i < count, "group %#" PRIx32 " is missing", group);
    seen[i] = true;
  }
  for (unsigned i = 0; i < count; i++)
    UNIT_CHECK (seen[i], "group %#" PRIx32 " holds nothing", groups[i]);
}

/* Members from nothing to three times far rows, with ragged ends. */
static void
check_all_sizes (const struct layout *given)
{
  static const uint64_t ragged[] = { 0, 512, CHUNK - 1 };
  struct layout layout = *given;

  ck_assert_ptr_null (layout_check (&layout));
  for (unsigned rows = 0; rows <= 3 * layout.far; rows++)
    for (unsigned i = 0; i < ARRAY_LENGTH (ragged); i++) {
      layout_set_size (&layout, rows * CHUNK + ragged[i]);
      check_size (&layout, rows * CHUNK + ragged[i]);
      check_places (&layout);
      check_pieces (&layout);
      if (layout.array_size > 0)
        check_groups (&layout);
    }
}

START_TEST (every_layout_holds_its_promises)
{
  for_each_raid10 (_i, check_all_sizes);
}
END_TEST

START_TEST (raid1_is_the_same_everywhere)
{
  struct layout layout
    = { .level = LEVEL_RAID1, .slots = _i, .near = 1, .far = 1 };
  struct copy copies[LEGS_MAX];
  uint32_t groups[LEGS_MAX];
  uint64_t back;

  ck_assert_ptr_null (layout_check (&layout));
  layout_set_size (&layout, 12345);
  ck_assert_uint_eq (layout.array_size, 12345);
  ck_assert_uint_eq (layout.member_size, 12345);
  ck_assert_uint_eq (layout_copies (&layout), _i);
  ck_assert_uint_eq (layout_piece (&layout, 1, 12344), 12344);
  layout_map (&layout, 12344, copies);
  for (unsigned i = 0; i < layout.slots; i++) {
    ck_assert_uint_eq (copies[i].slot, i);
    ck_assert_uint_eq (copies[i].offset, 12344);
    ck_assert (layout_unmap (&layout, i, 12344, &back));
    ck_assert_uint_eq (back, 12344);
    ck_assert (!layout_unmap (&layout, i, 12345, &back));
  }
  ck_assert_uint_eq (layout_groups (&layout, groups), 1);
  ck_assert_uint_eq (groups[0], (UINT64_C (1) << _i) - 1);
}
END_TEST

START_TEST (too_small_members_make_an_empty_array)
{
  struct layout layout
    = { .level = LEVEL_RAID1, .slots = 2, .near = 1, .far = 1 };

  layout_set_size (&layout, 0);
  ck_assert_uint_eq (layout.array_size, 0);

  layout = (struct layout){ .level = LEVEL_RAID10, .slots = 3, .near = 1,
                            .far = 3, .chunk = CHUNK };
  layout_set_size (&layout, 3 * CHUNK - 1);
  ck_assert_uint_eq (layout.array_size, 0);
  layout_set_size (&layout, 3 * CHUNK);
  ck_assert_uint_eq (layout.array_size, 3 * CHUNK);
}
END_TEST

/* As large as arrays get: nothing wraps, and not a row is given away. */
static void
check_huge (const struct layout *given)
{
  struct layout layout = *given, again, larger;
  struct copy copies[LEGS_MAX];
  uint64_t rows, back;

  layout_set_size (&layout, UINT64_MAX);
  ck_assert_uint_le (layout.array_size, INT64_MAX);
  rows = layout.member_size / CHUNK / layout.far + 1;
  ck_assert_uint_gt (rows * layout.slots / layout.near,
                     (uint64_t)INT64_MAX / CHUNK);

  again = layout;
  layout_set_size (&again, layout.member_size);
  ck_assert_uint_eq (again.array_size, layout.array_size);
  ck_assert_uint_eq (again.member_size, layout.member_size);
  larger = layout;
  layout_set_size (&larger, INT64_MAX);
  ck_assert_uint_eq (larger.array_size, layout.array_size);

  layout_map (&layout, layout.array_size - 1, copies);
  for (unsigned i = 0; i < layout_copies (&layout); i++) {
    ck_assert (
      layout_unmap (&layout, copies[i].slot, copies[i].offset, &back));
    ck_assert_uint_eq (back, layout.array_size - 1);
  }
}

START_TEST (huge_arrays_do_not_overflow)
{
  struct layout layout
    = { .level = LEVEL_RAID1, .slots = 2, .near = 1, .far = 1 };

  for_each_raid10 (_i, check_huge);
  layout_set_size (&layout, UINT64_MAX);
  ck_assert_uint_eq (layout.array_size, INT64_MAX);
}
END_TEST

/* Rows are parted by "|", slots by spaces; "." is unused. */
struct table {
  uint32_t word;
  unsigned slots;
  unsigned chunks;
  const char *cells;
};

static const struct table tables[] = {
  { 0x102, 4, 6, "0 0 1 1 | 2 2 3 3 | 4 4 5 5" },
  { 0x102, 3, 6, "0 0 1 | 1 2 2 | 3 3 4 | 4 5 5" },
  { 0x102, 3, 4, "0 0 1 | 1 2 2 | 3 3 ." },
  { 0x103, 4, 5, "0 0 0 1 | 1 1 2 2 | 2 3 3 3 | 4 4 4 ." },
  { 0x201, 3, 6, "0 1 2 | 3 4 5 | 2 0 1 | 5 3 4" },
  { 0x201, 4, 8, "0 1 2 3 | 4 5 6 7 | 3 0 1 2 | 7 4 5 6" },
  { 0x301, 4, 8,
    "0 1 2 3 | 4 5 6 7 | 3 0 1 2 | 7 4 5 6 | 2 3 0 1 | 6 7 4 5" },
  { 0x10201, 3, 6, "0 1 2 | 2 0 1 | 3 4 5 | 5 3 4" },
  { 0x10201, 4, 8, "0 1 2 3 | 3 0 1 2 | 4 5 6 7 | 7 4 5 6" },
  { 0x40201, 5, 10, "0 1 2 3 4 | 5 6 7 8 9 | 1 0 4 2 3 | 6 5 9 7 8" },
};

static void
check_table (const struct layout *layout, const struct table *table)
{
  char cells[200];
  unsigned place = 0;
  char *saved, *cell;
  uint64_t back;

  snprintf (cells, sizeof cells, "%s", table->cells);
  cell = strtok_r (cells, " |", &saved);
  for (; cell != NULL; cell = strtok_r (NULL, " |", &saved), place++) {
    uint64_t row = place / table->slots;
    bool used
      = layout_unmap (layout, place % table->slots, row * CHUNK, &back);

    ck_assert_int_eq (used, strcmp (cell, ".") != 0);
    if (used)
      ck_assert_uint_eq (back / CHUNK, strtoul (cell, NULL, 10));
  }
  ck_assert_uint_eq (place, layout->member_size / CHUNK * table->slots);
}

START_TEST (chunks_lie_where_linux_puts_them)
{
  const struct table *table = &tables[_i];
  unsigned places = 1;
  struct layout layout
    = { .level = LEVEL_RAID10, .slots = table->slots, .chunk = CHUNK };

  for (const char *p = table->cells; *p != '\0'; p++)
    places += *p == '|';
  ck_assert_ptr_null (layout_from_word (&layout, table->word));
  ck_assert_ptr_null (layout_check (&layout));
  layout_set_size (&layout, places * CHUNK);
  ck_assert_uint_eq (layout.array_size / CHUNK, table->chunks);
  /* Map and unmap are each other's inverse: one table serves both. */
  check_places (&layout);
  check_table (&layout, table);
}
END_TEST

static void
check_word (const struct layout *layout)
{
  struct layout back = { .level = LEVEL_RAID10, .slots = layout->slots };
  char name[16], parsed_name[16];

  ck_assert_ptr_null (layout_from_word (&back, layout_to_word (layout)));
  ck_assert_uint_eq (back.near, layout->near);
  ck_assert_uint_eq (back.far, layout->far);
  ck_assert_int_eq (back.offset, layout->offset);
  ck_assert_int_eq (back.far_sets, layout->far_sets);

  layout_name (layout, name, sizeof name);
  if (layout->far_sets) {
    ck_assert (!layout_parse (&back, name));
    return;
  }
  back = (struct layout){ .level = LEVEL_RAID10, .far_sets = true };
  ck_assert (layout_parse (&back, name));
  ck_assert_uint_eq (layout_to_word (&back), layout_to_word (layout));
  layout_name (&back, parsed_name, sizeof parsed_name);
  ck_assert_str_eq (parsed_name, name);
}

START_TEST (words_and_names_lead_back)
{
  for_each_raid10 (_i, check_word);
}
END_TEST

START_TEST (names_are_the_usual_ones)
{
  struct layout layout
    = { .level = LEVEL_RAID1, .slots = 2, .near = 1, .far = 1 };
  char name[16];

  layout_name (&layout, name, sizeof name);
  ck_assert_str_eq (name, "raid1");
  ck_assert_uint_eq (layout_to_word (&layout), 0);

  layout = (struct layout){ .level = LEVEL_RAID10, .near = 2, .far = 1 };
  layout_name (&layout, name, sizeof name);
  ck_assert_str_eq (name, "n2");
  ck_assert_uint_eq (layout_to_word (&layout), 0x102);

  layout = (struct layout){ .level = LEVEL_RAID10, .near = 1, .far = 3 };
  layout_name (&layout, name, sizeof name);
  ck_assert_str_eq (name, "f3");
  ck_assert_uint_eq (layout_to_word (&layout), 0x301);

  layout.offset = layout.far_sets = true;
  layout.far = 255;
  layout_name (&layout, name, sizeof name);
  ck_assert_str_eq (name, "o255-sets");
  ck_assert_uint_eq (layout_to_word (&layout), 0x5ff01);
}
END_TEST

START_TEST (what_is_no_name_is_refused)
{
  static const char *const bad[]
    = { "",    "n",   "f",     "o",  "n0",  "n02",       "n256", "n2x", "x2",
        "2",   "N2",  "n-1",   "n+1", " n2", "n2 ",       "n 2",  "2n",
        "nn2", "n2,", "raid1", "f2-sets",   "f99999999999999999999" };
  struct layout layout = { .near = 77, .far = 78, .far_sets = true };

  for (unsigned i = 0; i < ARRAY_LENGTH (bad); i++)
    ck_assert_msg (!layout_parse (&layout, bad[i]), "%s", bad[i]);
  ck_assert_uint_eq (layout.near, 77);
  ck_assert_uint_eq (layout.far, 78);
  ck_assert (layout.far_sets);

  ck_assert (layout_parse (&layout, "o255"));
  ck_assert_uint_eq (layout.near, 1);
  ck_assert_uint_eq (layout.far, 255);
  ck_assert (layout.offset);
}
END_TEST

static void
check_distinct (const char *const *reasons, unsigned count)
{
  for (unsigned i = 0; i < count; i++) {
    ck_assert_msg (reasons[i] != NULL, "number %u is accepted", i);
    for (unsigned j = 0; j < i; j++)
      ck_assert_str_ne (reasons[i], reasons[j]);
  }
}

START_TEST (bad_words_are_refused_each_for_its_reason)
{
  static const uint32_t words[] = {
    0x202,          /* near and far */
    0x200,          /* near 0 */
    0x002,          /* far 0 */
    0x101,          /* one copy */
    0x10102,        /* offset without far copies */
    0x40102,        /* far sets without far copies */
    0x20201,        /* the old far sets */
    0x60201,        /* no such far sets */
    0x201 | 1 << 19 /* no such bit */
  };
  const char *reasons[ARRAY_LENGTH (words)];
  struct layout layout = { .near = 77, .far = 78 };

  for (unsigned i = 0; i < ARRAY_LENGTH (words); i++)
    reasons[i] = layout_from_word (&layout, words[i]);
  check_distinct (reasons, ARRAY_LENGTH (words));
  ck_assert_uint_eq (layout.near, 77);
  ck_assert_uint_eq (layout.far, 78);

  for (unsigned bit = 19; bit < 32; bit++)
    ck_assert_str_eq (layout_from_word (&layout, 0x102 | UINT32_C (1) << bit),
                      reasons[ARRAY_LENGTH (words) - 1]);
  ck_assert_ptr_nonnull (layout_from_word (&layout, 0));
  ck_assert_ptr_nonnull (layout_from_word (&layout, UINT32_MAX));
}
END_TEST

START_TEST (every_word_is_legal_or_refused)
{
  /* All of near, far, offset and sets up to 12: accepted is what the
   * reference accepts.
   */
  for (unsigned near = 0; near <= SLOTS_MAX; near++)
    for (unsigned far = 0; far <= SLOTS_MAX; far++)
      for (unsigned high = 0; high < 16; high++) {
        uint32_t word = near | far << 8 | high << 16;
        bool offset = (high & 1) != 0;
        unsigned sets = high >> 1;
        bool legal = (near >= 2 && far == 1 && !offset && sets == 0)
                     || (near == 1 && far >= 2 && (sets == 0 || sets == 2));
        struct layout layout = { .level = LEVEL_RAID10, .chunk = CHUNK };

        UNIT_CHECK ((layout_from_word (&layout, word) == NULL) == legal,
                    "%#" PRIx32, word);
        if (!legal)
          continue;
        ck_assert_uint_eq (layout_to_word (&layout), word);
        for (layout.slots = 2; layout.slots <= SLOTS_MAX; layout.slots++)
          UNIT_CHECK ((layout_check (&layout) == NULL)
                        == (near * far <= layout.slots),
                      "%#" PRIx32 " on %u", word, layout.slots);
      }
}
END_TEST

START_TEST (bad_layouts_are_refused_each_for_its_reason)
{
  const struct layout good = { .level = LEVEL_RAID10, .slots = 4, .near = 2,
                               .far = 1, .chunk = CHUNK };
  struct layout bad[14];
  const char *reasons[ARRAY_LENGTH (bad)];
  struct layout *b = bad;

  ck_assert_ptr_null (layout_check (&good));
  for (unsigned i = 0; i < ARRAY_LENGTH (bad); i++)
    bad[i] = good;
  b++->slots = 1;
  b++->slots = LEGS_MAX + 1;
  b++->level = (enum level)5;
  b++->near = 0;
  b++->far = 0;
  b++->far = 2;
  b++->near = 1;
  b++->near = 5;
  b++->offset = true;
  b++->far_sets = true;
  b++->chunk = CHUNK_MIN / 2;
  b++->chunk = UINT64_C (2) * CHUNK_MAX;
  b++->chunk = CHUNK_MIN + 512;
  b->level = LEVEL_RAID1;
  b++->chunk = 0;
  ck_assert_ptr_eq (b, bad + ARRAY_LENGTH (bad));

  for (unsigned i = 0; i < ARRAY_LENGTH (bad); i++)
    reasons[i] = layout_check (&bad[i]);
  check_distinct (reasons, ARRAY_LENGTH (bad));
}
END_TEST

START_TEST (raid1_has_no_layout)
{
  const struct layout good
    = { .level = LEVEL_RAID1, .slots = 2, .near = 1, .far = 1 };
  struct layout layout = good;

  ck_assert_ptr_null (layout_check (&layout));
  layout.slots = LEGS_MAX;
  ck_assert_ptr_null (layout_check (&layout));
  layout.slots = 1;
  ck_assert_ptr_nonnull (layout_check (&layout));
  layout.slots = LEGS_MAX + 1;
  ck_assert_ptr_nonnull (layout_check (&layout));

  layout = good;
  layout.near = 2;
  ck_assert_ptr_nonnull (layout_check (&layout));
  layout = good;
  layout.far = 2;
  ck_assert_ptr_nonnull (layout_check (&layout));
  layout = good;
  layout.offset = true;
  ck_assert_ptr_nonnull (layout_check (&layout));
  layout = good;
  layout.far_sets = true;
  ck_assert_ptr_nonnull (layout_check (&layout));
  layout = good;
  layout.chunk = CHUNK;
  ck_assert_ptr_nonnull (layout_check (&layout));
}
END_TEST

START_TEST (all_32_slots_work)
{
  struct layout layout = { .level = LEVEL_RAID10, .slots = LEGS_MAX,
                           .near = 1, .far = 2, .chunk = CHUNK_MAX };
  uint32_t groups[LEGS_MAX], all = 0;

  ck_assert_ptr_null (layout_check (&layout));
  layout_set_size (&layout, UINT64_C (4) * CHUNK_MAX);
  ck_assert_uint_eq (layout_groups (&layout, groups), LEGS_MAX);
  for (unsigned i = 0; i < LEGS_MAX; i++)
    all |= groups[i];
  ck_assert_uint_eq (all, UINT32_MAX);

  layout.near = LEGS_MAX;
  layout.far = 1;
  ck_assert_ptr_null (layout_check (&layout));
  layout_set_size (&layout, UINT64_C (4) * CHUNK_MAX);
  ck_assert_uint_eq (layout_groups (&layout, groups), 1);
  ck_assert_uint_eq (groups[0], UINT32_MAX);
}
END_TEST

START_TEST (mapping_beyond_the_end_is_our_bug)
{
  struct layout layout = { .level = LEVEL_RAID10, .slots = 3, .near = 2,
                           .far = 1, .chunk = CHUNK };
  struct copy copies[LEGS_MAX];

  /* The last place of the last row is unused. */
  layout_set_size (&layout, 3 * CHUNK);
  layout_map (&layout, 4 * CHUNK, copies);
}
END_TEST

START_TEST (sizing_a_refused_layout_is_our_bug)
{
  struct layout layout = { .level = LEVEL_RAID10, .slots = 5, .near = 2,
                           .far = 2, .offset = true, .chunk = CHUNK };

  layout_set_size (&layout, 1 << 20);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_loop_test (tcase, every_layout_holds_its_promises, 2,
                       SLOTS_MAX + 1);
  tcase_add_loop_test (tcase, raid1_is_the_same_everywhere, 2, LEGS_MAX + 1);
  tcase_add_test (tcase, too_small_members_make_an_empty_array);
  tcase_add_loop_test (tcase, huge_arrays_do_not_overflow, 2, SLOTS_MAX + 1);
  tcase_add_loop_test (tcase, chunks_lie_where_linux_puts_them, 0,
                       ARRAY_LENGTH (tables));
  tcase_add_loop_test (tcase, words_and_names_lead_back, 2, SLOTS_MAX + 1);
  tcase_add_test (tcase, names_are_the_usual_ones);
  tcase_add_test (tcase, what_is_no_name_is_refused);
  tcase_add_test (tcase, bad_words_are_refused_each_for_its_reason);
  tcase_add_test (tcase, every_word_is_legal_or_refused);
  tcase_add_test (tcase, bad_layouts_are_refused_each_for_its_reason);
  tcase_add_test (tcase, raid1_has_no_layout);
  tcase_add_test (tcase, all_32_slots_work);
  UNIT_ADD_ABORT_TEST (tcase, mapping_beyond_the_end_is_our_bug);
  UNIT_ADD_ABORT_TEST (tcase, sizing_a_refused_layout_is_our_bug);
}

int
main (void)
{
  return unit_main ("layout", add_tests);
}
