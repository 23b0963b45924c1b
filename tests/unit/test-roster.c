/* SPDX-License-Identifier: BSD-3-Clause */
/* Every pair of a member's state and an event, against a table of its own;
 * long walks through the rosters of many layouts, against what must hold of
 * each step; and which slots are enough, against a search for chunks without
 * a copy.
 */
#include <stdbool.h>

#include "ground/util.h"
#include "logic/layout.h"
#include "logic/roster.h"
#include "unit.h"

#define CHUNK UINT64_C (4096)
#define SLOTS_MAX 8
#define WALKS 100
#define STEPS 200

/* -------------------------------------------------------- which are enough */

/* Has every single chunk a copy on a slot of @in_sync? */
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

static void
init_empty (struct roster *roster, const struct layout *layout)
{
  uint32_t groups[LEGS_MAX];
  unsigned count = layout_groups (layout, groups);

  roster_init (roster, layout->slots, groups, count);
}

/* Which of @failed hold some chunk that no copy could do? */
static void
check_excused (const struct layout *layout, const struct roster *roster,
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
  UNIT_CHECK (roster_excused (roster->group, roster->groups, in_sync,
                              failed) == expected,
              "%u slots, in sync %#" PRIx32 ", failed %#" PRIx32,
              layout->slots, in_sync, failed);
}

/* And how many more of them may go, whichever they are? */
static unsigned
model_survives (const struct layout *layout, uint32_t in_sync)
{
  unsigned most = layout->slots;

  for (uint32_t rest = in_sync;; rest = (rest - 1) & in_sync) {
    if (!model_enough (layout, rest))
      most = MIN (most, (unsigned)(__builtin_popcount (in_sync)
                                   - __builtin_popcount (rest) - 1));
    if (rest == 0)
      return most;
  }
}

static void
check_all_subsets (const struct layout *layout)
{
  for (uint32_t in_sync = 1; in_sync < 1u << layout->slots; in_sync++) {
    struct roster_sets sets;
    struct roster roster;

    init_empty (&roster, layout);
    UNIT_CHECK (roster_enough (&roster, in_sync)
                  == model_enough (layout, in_sync),
                "%u slots, near %u, far %u: %#" PRIx32, layout->slots,
                layout->near, layout->far, in_sync);
    for (uint32_t failed = 0; failed < 1u << layout->slots; failed += 3)
      check_excused (layout, &roster, in_sync, failed);
    if (!roster_enough (&roster, in_sync) || layout->slots > 5)
      continue;
    for (uint32_t left = in_sync; left != 0; left &= left - 1)
      roster_seat (&roster, __builtin_ctz (left), MEMBER_IN_SYNC, 0, false);
    roster_sets (&roster, &sets);
    UNIT_CHECK (sets.survives == model_survives (layout, in_sync),
                "%u slots, near %u, far %u: %#" PRIx32 " survives %u",
                layout->slots, layout->near, layout->far, in_sync,
                sets.survives);
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
  struct roster roster;

  layout_set_size (&layout, 1 << 20);
  init_empty (&roster, &layout);
  for (unsigned i = 0; i < ARRAY_LENGTH (cases); i++)
    ck_assert_msg (roster_enough (&roster, 0x1f & ~cases[i].missing)
                     == cases[i].enough,
                   "missing: %#" PRIx32, cases[i].missing);
}
END_TEST

/* ------------------------------------------- each event in each state */

#define IDS 7

/* A raid1 of five slots whose members are in every state there is. */
enum {
  SYNCED = 1,    /* slot 0 */
  REPLACED = 2,  /* slot 1, with ... */
  HEIR = 3,      /* ... its replacement */
  BEHIND = 4,    /* slot 2 */
  LOST = 5,      /* faulty, was in slot 3, which is empty */
  OUSTED = 6,    /* faulty, was in slot 0 */
  WAITING = 7,   /* a spare */
};

static void
make_menagerie (struct roster *roster)
{
  uint32_t group = 0x1f;

  roster_init (roster, 5, &group, 1);
  roster_seat (roster, 0, MEMBER_IN_SYNC, 0, false);
  roster_seat (roster, 1, MEMBER_IN_SYNC, 0, false);
  roster_seat (roster, 1, MEMBER_REPLACING, 100, false);
  roster_seat (roster, 2, MEMBER_RECOVERING, 200, true);
  roster_seat (roster, 3, MEMBER_FAULTY, 0, false);
  roster_seat (roster, 0, MEMBER_FAULTY, 0, false);
  roster_seat (roster, -1, MEMBER_SPARE, 0, false);
}

#define OK ROSTER_OK
#define ALREADY ROSTER_ALREADY
#define IDLE ROSTER_IDLE
#define IN_USE ROSTER_IN_USE
#define FAULTY ROSTER_FAULTY
#define UNREADY ROSTER_UNREADY
#define NO_SLOT ROSTER_NO_SLOT

START_TEST (every_event_in_every_state)
{
  /* SYNCED, REPLACED, HEIR, BEHIND, LOST, OUSTED, WAITING */
  static const enum roster_refusal expected[ROSTER_FLAG + 1][IDS] = {
    [ROSTER_FAIL] = { OK, OK, OK, OK, ALREADY, ALREADY, OK },
    [ROSTER_REMOVE] = { OK, OK, OK, OK, OK, OK, OK },
    [ROSTER_ACTIVATE]
    = { IN_USE, IN_USE, IN_USE, IN_USE, FAULTY, FAULTY, OK },
    [ROSTER_REPLACE]
    = { OK, ALREADY, UNREADY, UNREADY, FAULTY, FAULTY, IDLE },
    [ROSTER_READD] = { IN_USE, IN_USE, IN_USE, IN_USE, OK, NO_SLOT, IDLE },
    [ROSTER_PROGRESS] = { ALREADY, ALREADY, OK, OK, FAULTY, FAULTY, IDLE },
    [ROSTER_RECOVERED] = { ALREADY, ALREADY, OK, OK, FAULTY, FAULTY, IDLE },
    [ROSTER_REATTACH] = { OK, OK, IN_USE, IN_USE, FAULTY, FAULTY, IDLE },
    [ROSTER_FLAG] = { OK, OK, OK, OK, OK, OK, OK },
  };

  for (unsigned kind = 0; kind <= ROSTER_FLAG; kind++)
    for (uint32_t id = 1; id <= IDS; id++) {
      struct roster_event event
        = { .kind = kind, .id = id, .slot = -1, .recovered = 7,
            .flags = MEMBER_WRITE_MOSTLY };
      struct roster roster;

      make_menagerie (&roster);
      ck_assert_msg (roster_next (&roster, &event, &roster)
                       == expected[kind][id - 1],
                     "event %u, member %" PRIu32, kind, id);
    }
}
END_TEST

/* ... and what becomes of them. */
static void
check_outcome (enum roster_event_kind kind, uint32_t id,
               enum member_state state, int slot)
{
  struct roster_event event
    = { .kind = kind, .id = id, .slot = -1, .recovered = 7,
        .by_bitmap = true, .flags = MEMBER_WRITE_MOSTLY };
  const struct roster_member *member;
  struct roster roster;

  make_menagerie (&roster);
  ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_OK);
  member = roster_find (&roster, id);
  ck_assert_ptr_nonnull (member);
  ck_assert_int_eq (member->state, state);
  ck_assert_int_eq (member->slot, slot);
  ck_assert_uint_eq (member->flags,
                     kind == ROSTER_FLAG ? MEMBER_WRITE_MOSTLY : 0);
  if (kind == ROSTER_READD || kind == ROSTER_PROGRESS)
    ck_assert_uint_eq (member->recovered, 7);
  if (kind == ROSTER_READD)
    ck_assert (member->by_bitmap);
}

START_TEST (every_outcome)
{
  check_outcome (ROSTER_FAIL, SYNCED, MEMBER_FAULTY, 0);
  check_outcome (ROSTER_FAIL, HEIR, MEMBER_FAULTY, 1);
  check_outcome (ROSTER_FAIL, BEHIND, MEMBER_FAULTY, 2);
  check_outcome (ROSTER_FAIL, WAITING, MEMBER_FAULTY, -1);
  check_outcome (ROSTER_ACTIVATE, WAITING, MEMBER_RECOVERING, 3);
  check_outcome (ROSTER_REPLACE, SYNCED, MEMBER_IN_SYNC, 0);
  check_outcome (ROSTER_READD, LOST, MEMBER_RECOVERING, 3);
  check_outcome (ROSTER_PROGRESS, BEHIND, MEMBER_RECOVERING, 2);
  check_outcome (ROSTER_PROGRESS, HEIR, MEMBER_REPLACING, 1);
  check_outcome (ROSTER_RECOVERED, BEHIND, MEMBER_IN_SYNC, 2);
  check_outcome (ROSTER_RECOVERED, HEIR, MEMBER_IN_SYNC, 1);
  check_outcome (ROSTER_FLAG, SYNCED, MEMBER_IN_SYNC, 0);
  check_outcome (ROSTER_FLAG, LOST, MEMBER_FAULTY, 3);
}
END_TEST

static struct roster
after (enum roster_event_kind kind, uint32_t id)
{
  struct roster_event event = { .kind = kind, .id = id, .slot = -1 };
  struct roster roster;

  make_menagerie (&roster);
  ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_OK);
  return roster;
}

START_TEST (a_replacement_takes_over_when_its_member_goes)
{
  struct roster roster = after (ROSTER_FAIL, REPLACED);

  ck_assert_int_eq (roster_find (&roster, HEIR)->state, MEMBER_RECOVERING);
  ck_assert_uint_eq (roster_find (&roster, HEIR)->recovered, 100);
  roster = after (ROSTER_REMOVE, REPLACED);
  ck_assert_ptr_null (roster_find (&roster, REPLACED));
  ck_assert_int_eq (roster_find (&roster, HEIR)->state, MEMBER_RECOVERING);
}
END_TEST

START_TEST (a_replacement_that_goes_changes_nothing_else)
{
  struct roster roster = after (ROSTER_REMOVE, HEIR);

  ck_assert_int_eq (roster_find (&roster, REPLACED)->state, MEMBER_IN_SYNC);
  roster = after (ROSTER_FAIL, HEIR);
  ck_assert_int_eq (roster_find (&roster, REPLACED)->state, MEMBER_IN_SYNC);
}
END_TEST

START_TEST (what_was_replaced_is_never_trusted_again_by_itself)
{
  struct roster roster = after (ROSTER_RECOVERED, HEIR);

  ck_assert_int_eq (roster_find (&roster, REPLACED)->state, MEMBER_FAULTY);
  ck_assert_uint_eq (roster_occupant (&roster, 1)->id, HEIR);
}
END_TEST

START_TEST (a_spare_may_replace)
{
  struct roster_event event
    = { .kind = ROSTER_REPLACE, .id = SYNCED, .spare = WAITING };
  struct roster roster;

  make_menagerie (&roster);
  ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_OK);
  ck_assert_int_eq (roster_find (&roster, WAITING)->state, MEMBER_REPLACING);
  ck_assert_int_eq (roster_find (&roster, WAITING)->slot, 0);

  make_menagerie (&roster);
  event.spare = LOST;
  ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_FAULTY);
  event.spare = BEHIND;
  ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_IN_USE);
  event.spare = 99;
  ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_UNKNOWN);
  event = (struct roster_event){ .kind = ROSTER_FAIL, .id = 99 };
  ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_UNKNOWN);
}
END_TEST

START_TEST (a_new_member_gets_a_free_slot_and_an_id_of_its_own)
{
  struct roster_event event = { .kind = ROSTER_ADD, .slot = 4 };
  struct roster roster;

  make_menagerie (&roster);
  ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_OK);
  ck_assert_uint_eq (roster_occupant (&roster, 4)->id, IDS + 1);
  ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_NO_SLOT);
  event.slot = 5;
  ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_NO_SLOT);
  event.slot = -1;
  ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_OK);
  ck_assert_uint_eq (roster_occupant (&roster, 3)->id, IDS + 2);
  ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_NO_SLOT);
}
END_TEST

START_TEST (there_is_an_end_of_members)
{
  struct roster_event event = { .kind = ROSTER_ADD_SPARE };
  struct roster roster;

  make_menagerie (&roster);
  while (roster.members < ROSTER_MAX)
    ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_OK);
  ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_FULL);
  event = (struct roster_event){ .kind = ROSTER_ADD, .slot = -1 };
  ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_FULL);
  event = (struct roster_event){ .kind = ROSTER_REPLACE, .id = SYNCED };
  ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_FULL);
}
END_TEST

START_TEST (only_empty_slots_go)
{
  uint32_t group = 0xff;
  struct roster_event event
    = { .kind = ROSTER_GROW, .slots = 8, .groups = 1, .group = &group };
  struct roster_sets sets;
  struct roster roster;

  make_menagerie (&roster);
  ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_OK);
  roster_sets (&roster, &sets);
  ck_assert_uint_eq (sets.lacking, 0xfc);
  ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_ALREADY);
  event.slots = LEGS_MAX + 1;
  ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_NO_SLOT);
  event.slots = 0;
  ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_NO_SLOT);
  /* Member BEHIND is in slot 2, LOST was in slot 3. */
  group = 0x3;
  event.slots = 2;
  ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_IN_USE);
  group = 0x7;
  event.slots = 3;
  ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_OK);
  event = (struct roster_event){ .kind = ROSTER_READD, .id = LOST };
  ck_assert_int_eq (roster_next (&roster, &event, &roster), ROSTER_NO_SLOT);
}
END_TEST

START_TEST (one_of_each_pair_may_go)
{
  struct layout layout = { .level = LEVEL_RAID10, .slots = 4, .near = 2,
                           .far = 1, .chunk = CHUNK };
  static const enum roster_refusal expected[]
    = { ROSTER_OK, ROSTER_LAST_COPY, ROSTER_OK, ROSTER_LAST_COPY };
  struct roster_sets sets;
  struct roster roster;

  layout_set_size (&layout, 1 << 20);
  init_empty (&roster, &layout);
  for (unsigned slot = 0; slot < layout.slots; slot++)
    roster_seat (&roster, slot, MEMBER_IN_SYNC, 0, false);
  for (unsigned slot = 0; slot < layout.slots; slot++)
    for (unsigned kind = ROSTER_FAIL; kind <= ROSTER_REMOVE; kind++) {
      struct roster_event event = { .kind = kind, .id = slot + 1 };

      if (roster_find (&roster, slot + 1) != NULL)
        ck_assert_int_eq (roster_next (&roster, &event, &roster),
                          expected[slot]);
    }
  roster_sets (&roster, &sets);
  ck_assert_uint_eq (sets.in_sync, 1 << 1 | 1 << 3);
  ck_assert_uint_eq (sets.survives, 0);
}
END_TEST

/* ------------------------------------------------------------------- walks */

static struct roster_event
draw_event (uint64_t *seed, const struct roster *roster)
{
  struct roster_event event
    = { .kind = unit_below (seed, ROSTER_GROW),
        .id = 1 + unit_below (seed, roster->next_id),
        .slot = (int)unit_below (seed, roster->slots + 2) - 1,
        .recovered = unit_below (seed, 1000),
        .by_bitmap = unit_below (seed, 2),
        .flags = unit_below (seed, 4) };

  /* Mostly of those that are still there. */
  if (roster->members > 0 && unit_below (seed, 8) > 0)
    event.id = roster->member[unit_below (seed, roster->members)].id;
  if (unit_below (seed, 2) == 0)
    event.spare = 1 + unit_below (seed, roster->next_id);
  return event;
}

static bool
is_same (const struct roster *a, const struct roster *b)
{
  if (a->slots != b->slots || a->next_id != b->next_id
      || a->members != b->members)
    return false;
  for (unsigned i = 0; i < a->members; i++) {
    const struct roster_member *x = &a->member[i], *y = &b->member[i];

    if (x->id != y->id || x->state != y->state || x->slot != y->slot
        || x->flags != y->flags || x->recovered != y->recovered
        || x->by_bitmap != y->by_bitmap)
      return false;
  }
  return true;
}

/* Good copies of each chunk: are there fewer of any? */
static bool
has_fewer_copies (const struct roster *roster, uint32_t before, uint32_t after)
{
  for (unsigned i = 0; i < roster->groups; i++)
    if (__builtin_popcount (roster->group[i] & after)
        < __builtin_popcount (roster->group[i] & before))
      return true;
  return false;
}

static void
check_step (const struct layout *layout, const struct roster *before,
            const struct roster_event *event, const struct roster *after)
{
  struct roster_sets was, is;

  roster_sets (before, &was);
  roster_sets (after, &is);
  UNIT_CHECK (model_enough (layout, is.in_sync), "the last copy is gone");
  if (event->kind != ROSTER_FAIL && event->kind != ROSTER_REMOVE)
    UNIT_CHECK (!has_fewer_copies (after, was.in_sync, is.in_sync),
                "event %d costs a copy", event->kind);
  UNIT_CHECK ((is.in_sync & is.recovering) == 0
                && (is.in_sync | is.lacking) == (1u << layout->slots) - 1
                && (is.in_sync & is.lacking) == 0
                && (is.replacing & ~(is.in_sync | is.recovering)) == 0,
              "sets that cannot be");
  /* Whoever is new has an id that nobody ever had. */
  for (unsigned i = 0; i < after->members; i++)
    UNIT_CHECK (roster_find (before, after->member[i].id) != NULL
                  || after->member[i].id >= before->next_id,
                "an id is used again");
  UNIT_CHECK (after->next_id >= before->next_id, "an id could be");
}

static void
walk (uint64_t *seed, const struct layout *layout)
{
  struct roster roster;

  init_empty (&roster, layout);
  for (unsigned slot = 0; slot < layout->slots; slot++)
    roster_seat (&roster, slot, MEMBER_IN_SYNC, 0, false);
  for (unsigned i = 0; i < STEPS; i++) {
    struct roster_event event = draw_event (seed, &roster);
    struct roster before = roster, once, twice;
    enum roster_refusal r;

    once = twice = (struct roster){ .slots = 99 };
    r = roster_next (&roster, &event, &once);
    UNIT_CHECK (is_same (&roster, &before), "the old roster has changed");
    UNIT_CHECK (roster_next (&before, &event, &twice) == r
                  && is_same (&once, &twice),
                "the same twice is not the same");
    if (r == ROSTER_OK) {
      check_step (layout, &before, &event, &once);
      roster = once;
    } else
      UNIT_CHECK (once.slots == 99, "a refusal changed something");
  }
}

START_TEST (what_holds_of_every_step)
{
  static const struct layout layouts[] = {
    { .level = LEVEL_RAID1, .slots = 2, .near = 1, .far = 1 },
    { .level = LEVEL_RAID1, .slots = 3, .near = 1, .far = 1 },
    { .level = LEVEL_RAID1, .slots = 4, .near = 1, .far = 1 },
    { .level = LEVEL_RAID10, .near = 2, .far = 1, .chunk = CHUNK },
    { .level = LEVEL_RAID10, .near = 1, .far = 2, .chunk = CHUNK },
    { .level = LEVEL_RAID10, .near = 1, .far = 2, .offset = true,
      .chunk = CHUNK },
    { .level = LEVEL_RAID10, .near = 3, .far = 1, .chunk = CHUNK },
  };
  uint64_t seed = unit_seed ("what_holds_of_every_step");

  for (unsigned i = 0; i < ARRAY_LENGTH (layouts); i++) {
    struct layout layout = layouts[i];
    bool given = layout.slots != 0;

    for (unsigned slots = 3; slots <= (given ? 3 : 6); slots++) {
      if (!given)
        layout.slots = slots;
      layout_set_size (&layout, 24 * CHUNK);
      for (unsigned n = 0; n < WALKS; n++)
        walk (&seed, &layout);
    }
  }
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_loop_test (tcase, enough_is_a_copy_of_every_chunk, 2,
                       SLOTS_MAX + 1);
  tcase_add_test (tcase, far_sets_of_five_are_judged_by_their_chunks);
  tcase_add_test (tcase, every_event_in_every_state);
  tcase_add_test (tcase, every_outcome);
  tcase_add_test (tcase, a_replacement_takes_over_when_its_member_goes);
  tcase_add_test (tcase, a_replacement_that_goes_changes_nothing_else);
  tcase_add_test (tcase, what_was_replaced_is_never_trusted_again_by_itself);
  tcase_add_test (tcase, a_spare_may_replace);
  tcase_add_test (tcase, a_new_member_gets_a_free_slot_and_an_id_of_its_own);
  tcase_add_test (tcase, there_is_an_end_of_members);
  tcase_add_test (tcase, only_empty_slots_go);
  tcase_add_test (tcase, one_of_each_pair_may_go);
  tcase_add_test (tcase, what_holds_of_every_step);
}

int
main (void)
{
  return unit_main ("roster", add_tests);
}
