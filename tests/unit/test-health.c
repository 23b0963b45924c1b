/* SPDX-License-Identifier: BSD-3-Clause */
/* Every set of members that can be missing from every small layout, against
 * a search for chunks without a copy.
 */
#include <stdbool.h>

#include "ground/util.h"
#include "logic/health.h"
#include "logic/layout.h"
#include "unit.h"

#define CHUNK UINT64_C (4096)
#define SLOTS_MAX 8

static void
init_from (struct health *health, const struct layout *layout)
{
  uint32_t groups[LEGS_MAX];
  unsigned count = layout_groups (layout, groups);

  health_init (health, layout->slots, groups, count,
               UINT32_MAX >> (32 - layout->slots), 0);
  ck_assert_uint_eq (health->slots, layout->slots);
  ck_assert_uint_eq (health->in_sync,
                     (UINT64_C (1) << layout->slots) - 1);
}

/* Has every single chunk a copy on a member of @in_sync? */
static bool
model_enough (const struct layout *layout, uint32_t in_sync)
{
  uint64_t step = layout->level == LEVEL_RAID1 ? layout->array_size : CHUNK;
  struct copy copies[LEGS_MAX];

  for (uint64_t at = 0; at < layout->array_size; at += step) {
    bool found = false;

    layout_map (layout, at, copies);
    for (unsigned i = 0; i < layout_copies (layout); i++)
      found |= (in_sync & 1u << copies[i].slot) != 0;
    if (!found)
      return false;
  }
  return true;
}

/* From a given state, fail each slot in turn. */
static void
check_events (const struct layout *layout, const struct health *given)
{
  for (unsigned slot = 0; slot < layout->slots; slot++) {
    struct health health = *given;
    uint32_t rest = given->in_sync & ~(1u << slot);
    enum health_verdict expected = HEALTH_LAST_COPY;

    if (rest == given->in_sync)
      expected = HEALTH_ALREADY;
    else if (model_enough (layout, rest))
      expected = HEALTH_FAILED;

    UNIT_CHECK (health_leg_failed (&health, slot) == expected,
                "slot %u of %#" PRIx32, slot, given->in_sync);
    UNIT_CHECK (health.in_sync
                  == (expected == HEALTH_FAILED ? rest : given->in_sync),
                "slot %u of %#" PRIx32, slot, given->in_sync);
  }
}

/* Against the same search: who holds some chunk that no copy could do? */
static void
check_excused (const struct layout *layout, const struct health *health,
               uint32_t in_sync, uint32_t failed)
{
  uint64_t step = layout->level == LEVEL_RAID1 ? layout->array_size : CHUNK;
  struct copy copies[LEGS_MAX];
  uint32_t expected = 0;

  for (uint64_t at = 0; at < layout->array_size; at += step) {
    uint32_t holders = 0;

    layout_map (layout, at, copies);
    for (unsigned i = 0; i < layout_copies (layout); i++)
      holders |= 1u << copies[i].slot;
    if ((holders & in_sync & ~failed) == 0)
      expected |= holders & failed;
  }
  UNIT_CHECK (health_excused (health, in_sync, failed) == expected,
              "%u slots, in sync %#" PRIx32 ", failed %#" PRIx32,
              layout->slots, in_sync, failed);
}

static void
check_all_subsets (const struct layout *layout)
{
  struct health health;

  init_from (&health, layout);
  for (uint32_t in_sync = 0; in_sync < 1u << layout->slots; in_sync++) {
    bool enough = model_enough (layout, in_sync);

    UNIT_CHECK (health_enough (&health, in_sync) == enough,
                "%u slots, near %u, far %u: %#" PRIx32, layout->slots,
                layout->near, layout->far, in_sync);
    for (uint32_t failed = 0; failed < 1u << layout->slots; failed += 3)
      check_excused (layout, &health, in_sync, failed);
    if (!enough)
      continue;
    health.in_sync = in_sync;
    check_events (layout, &health);
  }
}

static void
check_layout (struct layout layout)
{
  for (unsigned rows = layout.far; rows <= 3 * layout.far; rows++) {
    layout_set_size (&layout, rows * CHUNK);
    check_all_subsets (&layout);
  }
}

START_TEST (enough_is_a_copy_of_every_chunk)
{
  struct layout layout
    = { .level = LEVEL_RAID10, .slots = _i, .far = 1, .chunk = CHUNK };

  for (layout.near = 2; layout.near <= layout.slots; layout.near++)
    check_layout (layout);
  layout.near = 1;
  for (layout.far = 2; layout.far <= layout.slots; layout.far++)
    for (unsigned variant = 0; variant < 4; variant++) {
      layout.offset = (variant & 1) != 0;
      layout.far_sets = (variant & 2) != 0;
      check_layout (layout);
    }
}
END_TEST

START_TEST (raid1_keeps_its_last_member)
{
  struct layout layout
    = { .level = LEVEL_RAID1, .slots = _i, .near = 1, .far = 1 };
  struct health health;

  layout_set_size (&layout, 1 << 20);
  init_from (&health, &layout);
  for (unsigned slot = layout.slots - 1; slot > 0; slot--) {
    ck_assert_int_eq (health_leg_failed (&health, slot), HEALTH_FAILED);
    ck_assert_int_eq (health_leg_failed (&health, slot), HEALTH_ALREADY);
  }
  ck_assert_int_eq (health_leg_failed (&health, 0), HEALTH_LAST_COPY);
  ck_assert_int_eq (health_leg_failed (&health, 0), HEALTH_LAST_COPY);
  ck_assert_uint_eq (health.in_sync, 1);
}
END_TEST

START_TEST (one_of_each_pair_may_go)
{
  struct layout layout = { .level = LEVEL_RAID10, .slots = 4, .near = 2,
                           .far = 1, .chunk = CHUNK };
  struct health health;

  layout_set_size (&layout, 1 << 20);
  init_from (&health, &layout);
  ck_assert_int_eq (health_leg_failed (&health, 0), HEALTH_FAILED);
  ck_assert_int_eq (health_leg_failed (&health, 1), HEALTH_LAST_COPY);
  ck_assert_int_eq (health_leg_failed (&health, 2), HEALTH_FAILED);
  ck_assert_int_eq (health_leg_failed (&health, 3), HEALTH_LAST_COPY);
  ck_assert_uint_eq (health.in_sync, 1 << 1 | 1 << 3);
}
END_TEST

/* Sets {0,1} and {2,3,4}; windows of neighbours, Linux' approximation, would
 * let 2 and 4 go.
 */
START_TEST (far_sets_of_five_are_judged_by_their_chunks)
{
  static const struct {
    uint32_t missing;
    bool enough;
  } cases[] = {
    { 0x00, true },  { 0x01, true },  { 0x10, true },  { 0x05, true },
    { 0x06, true },  { 0x11, true },  { 0x12, true },  { 0x03, false },
    { 0x0c, false }, { 0x14, false }, { 0x18, false }, { 0x1c, false },
    { 0x07, false }, { 0x15, false }, { 0x1f, false },
  };
  struct layout layout = { .level = LEVEL_RAID10, .slots = 5, .near = 1,
                           .far = 2, .far_sets = true, .chunk = CHUNK };
  struct health health;

  layout_set_size (&layout, 1 << 20);
  init_from (&health, &layout);
  for (unsigned i = 0; i < ARRAY_LENGTH (cases); i++)
    ck_assert_msg (health_enough (&health, 0x1f & ~cases[i].missing)
                     == cases[i].enough,
                   "missing: %#" PRIx32, cases[i].missing);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_loop_test (tcase, enough_is_a_copy_of_every_chunk, 2,
                       SLOTS_MAX + 1);
  tcase_add_loop_test (tcase, raid1_keeps_its_last_member, 2, LEGS_MAX + 1);
  tcase_add_test (tcase, one_of_each_pair_may_go);
  tcase_add_test (tcase, far_sets_of_five_are_judged_by_their_chunks);
}

int
main (void)
{
  return unit_main ("health", add_tests);
}
