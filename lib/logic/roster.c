/* SPDX-License-Identifier: BSD-3-Clause */
/* roster: which members an array has, and what an event makes of them.
 *
 * Pure: no I/O, no locks, no allocation.
 *
 * Each step below works on a copy, which is thrown away if it refuses; so it
 * may change what it likes before it finds out.
 *
 * An array is complete if and only if every copy group keeps a slot whose
 * occupant is in sync.  The groups come from the mapping itself: windows of
 * neighbouring slots, as Linux md tests them, are wrong for far sets.
 */
#include <string.h>

#include "ground/util.h"
#include "logic/roster.h"

/* ----------------------------------------------------------------- looking */

static bool
occupies (const struct roster_member *member, unsigned slot)
{
  return member->slot == (int)slot
         && (member->state == MEMBER_RECOVERING
             || member->state == MEMBER_IN_SYNC);
}

static bool
replaces (const struct roster_member *member, unsigned slot)
{
  return member->slot == (int)slot && member->state == MEMBER_REPLACING;
}

static struct roster_member *
find (struct roster *roster, uint32_t id)
{
  for (unsigned i = 0; i < roster->members; i++)
    if (roster->member[i].id == id)
      return &roster->member[i];
  return NULL;
}

/* The one in @slot of which @is is true. */
static struct roster_member *
find_in (struct roster *roster, unsigned slot,
         bool (*is) (const struct roster_member *member, unsigned slot))
{
  for (unsigned i = 0; i < roster->members; i++)
    if (is (&roster->member[i], slot))
      return &roster->member[i];
  return NULL;
}

const struct roster_member *
roster_find (const struct roster *roster, uint32_t id)
{
  return find ((struct roster *)roster, id);
}

const struct roster_member *
roster_occupant (const struct roster *roster, unsigned slot)
{
  return find_in ((struct roster *)roster, slot, occupies);
}

bool
roster_enough (const struct roster *roster, uint32_t in_sync)
{
  for (unsigned i = 0; i < roster->groups; i++)
    if ((roster->group[i] & in_sync) == 0)
      return false;
  return true;
}

uint32_t
roster_excused (const uint32_t *group, unsigned groups, uint32_t in_sync,
                uint32_t failed)
{
  uint32_t excused = 0;

  for (unsigned i = 0; i < groups; i++)
    if ((group[i] & in_sync & ~failed) == 0)
      excused |= group[i] & failed;
  return excused;
}

/* The group with the fewest copies is lost first. */
unsigned
roster_survives (const uint32_t *group, unsigned groups, uint32_t in_sync)
{
  unsigned survives = LEGS_MAX;

  for (unsigned i = 0; i < groups; i++) {
    unsigned copies = __builtin_popcount (group[i] & in_sync);

    survives = MIN (survives, copies > 0 ? copies - 1 : 0);
  }
  return survives;
}

void
roster_sets (const struct roster *roster, struct roster_sets *ret)
{
  uint32_t all = UINT32_MAX >> (32 - roster->slots);

  *ret = (struct roster_sets){ .in_sync = 0 };
  for (unsigned i = 0; i < roster->members; i++) {
    const struct roster_member *member = &roster->member[i];

    if (member->state == MEMBER_IN_SYNC)
      ret->in_sync |= 1u << member->slot;
    else if (member->state == MEMBER_RECOVERING)
      ret->recovering |= 1u << member->slot;
    else if (member->state == MEMBER_REPLACING)
      ret->replacing |= 1u << member->slot;
  }
  ret->lacking = all & ~ret->in_sync;
  ret->survives
    = roster_survives (roster->group, roster->groups, ret->in_sync);
}

/* What we promise ourselves of every roster. */
static void
check (const struct roster *roster)
{
  uint32_t occupied = 0, replaced = 0, last = 0;

  for (unsigned i = 0; i < roster->members; i++) {
    const struct roster_member *member = &roster->member[i];
    uint32_t bit = member->slot < 0 ? 0 : 1u << member->slot;

    assert (member->id > last && member->id < roster->next_id);
    last = member->id;
    assert (member->state == MEMBER_FAULTY
            || (member->slot < 0) == (member->state == MEMBER_SPARE));
    assert (member->slot < (int)roster->slots
            || member->state == MEMBER_FAULTY);
    if (member->state == MEMBER_REPLACING) {
      assert (!(replaced & bit));
      replaced |= bit;
    } else if (member->state != MEMBER_FAULTY) {
      assert (!(occupied & bit));
      occupied |= bit;
    }
  }
  assert ((replaced & ~occupied) == 0);
}

/* ---------------------------------------------------------------- the start */

void
roster_init (struct roster *roster, unsigned slots, const uint32_t *group,
             unsigned groups)
{
  assert (slots >= 1 && slots <= LEGS_MAX);
  assert (groups >= 1 && groups <= LEGS_MAX);
  *roster = (struct roster){ .slots = slots, .groups = groups, .next_id = 1 };
  memcpy (roster->group, group, groups * sizeof group[0]);
}

/* NULL: there are too many. */
static struct roster_member *
append (struct roster *roster, enum member_state state, int slot)
{
  struct roster_member *member = &roster->member[roster->members];

  if (roster->members == ROSTER_MAX)
    return NULL;
  roster->members++;
  *member = (struct roster_member){ .id = roster->next_id++,
                                    .state = state,
                                    .slot = slot };
  return member;
}

uint32_t
roster_seat (struct roster *roster, int slot, enum member_state state,
             uint64_t recovered, bool by_bitmap)
{
  struct roster_member *member = append (roster, state, slot);

  assert (member != NULL);
  member->recovered = recovered;
  member->by_bitmap = by_bitmap;
  check (roster);
  return member->id;
}

/* ------------------------------------------------- steps of one member */

typedef enum roster_refusal step (struct roster *next,
                                  struct roster_member *member,
                                  const struct roster_event *event);

/* @member does not hold its slot any more: its replacement does. */
static void
hand_over (struct roster *next, const struct roster_member *member)
{
  struct roster_member *heir
    = member->slot < 0 ? NULL : find_in (next, member->slot, replaces);

  if (heir != NULL && heir != member)
    heir->state = MEMBER_RECOVERING;
}

static enum roster_refusal
fail (struct roster *next, struct roster_member *member,
      const struct roster_event *event)
{
  struct roster_sets sets;

  (void)event;
  roster_sets (next, &sets);
  if (member->state == MEMBER_IN_SYNC
      && !roster_enough (next, sets.in_sync & ~(1u << member->slot)))
    return ROSTER_LAST_COPY;
  if (member->state != MEMBER_REPLACING)
    hand_over (next, member);
  member->state = MEMBER_FAULTY;
  return ROSTER_OK;
}

static enum roster_refusal
take_out (struct roster *next, struct roster_member *member,
          const struct roster_event *event)
{
  enum roster_refusal r
    = member->state == MEMBER_FAULTY ? ROSTER_OK : fail (next, member, event);
  unsigned at = member - next->member;

  if (r != ROSTER_OK)
    return r;
  next->members--;
  memmove (member, member + 1, (next->members - at) * sizeof *member);
  return ROSTER_OK;
}

static bool
is_free (struct roster *next, int slot)
{
  return slot >= 0 && slot < (int)next->slots
         && find_in (next, slot, occupies) == NULL;
}

/* @wanted, or the first free one if it is -1; -1: there is none. */
static int
free_slot (struct roster *next, int wanted)
{
  if (wanted >= 0)
    return is_free (next, wanted) ? wanted : -1;
  for (unsigned slot = 0; slot < next->slots; slot++)
    if (is_free (next, slot))
      return slot;
  return -1;
}

static enum roster_refusal
activate (struct roster *next, struct roster_member *member,
          const struct roster_event *event)
{
  int slot = free_slot (next, event->slot);

  if (slot < 0)
    return ROSTER_NO_SLOT;
  member->slot = slot;
  member->state = MEMBER_RECOVERING;
  member->recovered = 0;
  member->by_bitmap = false;
  return ROSTER_OK;
}

static enum roster_refusal
replace (struct roster *next, struct roster_member *member,
         const struct roster_event *event)
{
  int slot = member->slot;
  struct roster_member *heir;

  if (find_in (next, slot, replaces) != NULL)
    return ROSTER_ALREADY;
  if (event->spare == 0) {
    heir = append (next, MEMBER_REPLACING, slot);
    return heir != NULL ? ROSTER_OK : ROSTER_FULL;
  }
  heir = find (next, event->spare);
  if (heir == NULL)
    return ROSTER_UNKNOWN;
  if (heir->state != MEMBER_SPARE)
    return heir->state == MEMBER_FAULTY ? ROSTER_FAULTY : ROSTER_IN_USE;
  heir->state = MEMBER_REPLACING;
  heir->slot = slot;
  return ROSTER_OK;
}

static enum roster_refusal
readd (struct roster *next, struct roster_member *member,
       const struct roster_event *event)
{
  if (!is_free (next, member->slot))
    return ROSTER_NO_SLOT;
  member->state = MEMBER_RECOVERING;
  member->recovered = event->recovered;
  member->by_bitmap = event->by_bitmap;
  return ROSTER_OK;
}

static enum roster_refusal
progress (struct roster *next, struct roster_member *member,
          const struct roster_event *event)
{
  (void)next;
  member->recovered = event->recovered;
  return ROSTER_OK;
}

static enum roster_refusal
recovered (struct roster *next, struct roster_member *member,
           const struct roster_event *event)
{
  (void)event;
  if (member->state == MEMBER_REPLACING)
    find_in (next, member->slot, occupies)->state = MEMBER_FAULTY;
  member->state = MEMBER_IN_SYNC;
  member->recovered = 0;
  member->by_bitmap = false;
  return ROSTER_OK;
}

static enum roster_refusal
reattach (struct roster *next, struct roster_member *member,
          const struct roster_event *event)
{
  struct roster_member same = *member;
  unsigned at = member - next->member;

  (void)event;
  next->members--;
  memmove (member, member + 1, (next->members - at) * sizeof *member);
  same.id = next->next_id++;
  next->member[next->members++] = same;
  return ROSTER_OK;
}

static enum roster_refusal
flag (struct roster *next, struct roster_member *member,
      const struct roster_event *event)
{
  (void)next;
  if (member->flags == event->flags)
    return ROSTER_ALREADY;
  member->flags = event->flags;
  return ROSTER_OK;
}

#define DO(step) { step, ROSTER_OK }
#define NO(why) { NULL, ROSTER_##why }

/* The table of the header. */
static const struct {
  step *step;
  enum roster_refusal refusal; /* if there is none */
} steps[ROSTER_FLAG + 1][MEMBER_STATES] = {
  /* clang-format off */
  /* SPARE RECOVERING REPLACING IN_SYNC FAULTY */
  [ROSTER_FAIL] = { DO (fail), DO (fail), DO (fail), DO (fail), NO (ALREADY) },
  [ROSTER_REMOVE] = { DO (take_out), DO (take_out), DO (take_out),
                      DO (take_out), DO (take_out) },
  [ROSTER_ACTIVATE] = { DO (activate), NO (IN_USE), NO (IN_USE), NO (IN_USE),
                        NO (FAULTY) },
  [ROSTER_REPLACE] = { NO (IDLE), NO (UNREADY), NO (UNREADY), DO (replace),
                       NO (FAULTY) },
  [ROSTER_READD] = { NO (IDLE), NO (IN_USE), NO (IN_USE), NO (IN_USE),
                     DO (readd) },
  [ROSTER_PROGRESS] = { NO (IDLE), DO (progress), DO (progress), NO (ALREADY),
                        NO (FAULTY) },
  [ROSTER_RECOVERED] = { NO (IDLE), DO (recovered), DO (recovered),
                         NO (ALREADY), NO (FAULTY) },
  [ROSTER_REATTACH] = { NO (IDLE), NO (IN_USE), NO (IN_USE), DO (reattach),
                        NO (FAULTY) },
  [ROSTER_FLAG] = { DO (flag), DO (flag), DO (flag), DO (flag), DO (flag) },
  /* clang-format on */
};

static enum roster_refusal
change_member (struct roster *next, const struct roster_event *event)
{
  struct roster_member *member = find (next, event->id);

  assert (event->kind <= ROSTER_FLAG);
  if (member == NULL)
    return ROSTER_UNKNOWN;
  if (steps[event->kind][member->state].step == NULL)
    return steps[event->kind][member->state].refusal;
  return steps[event->kind][member->state].step (next, member, event);
}

/* ------------------------------------------------- steps of the whole array */

static enum roster_refusal
add (struct roster *next, const struct roster_event *event)
{
  int slot = free_slot (next, event->slot);

  if (slot < 0)
    return ROSTER_NO_SLOT;
  return append (next, MEMBER_RECOVERING, slot) != NULL ? ROSTER_OK
                                                        : ROSTER_FULL;
}

/* Slots that go must be empty: nothing is moved. */
static enum roster_refusal
grow (struct roster *next, const struct roster_event *event)
{
  struct roster_sets sets;

  if (event->slots < 1 || event->slots > LEGS_MAX)
    return ROSTER_NO_SLOT;
  if (event->slots == next->slots)
    return ROSTER_ALREADY;
  for (unsigned slot = event->slots; slot < next->slots; slot++)
    if (find_in (next, slot, occupies) != NULL)
      return ROSTER_IN_USE;
  next->slots = event->slots;
  next->groups = event->groups;
  memcpy (next->group, event->group, event->groups * sizeof event->group[0]);
  roster_sets (next, &sets);
  return roster_enough (next, sets.in_sync) ? ROSTER_OK : ROSTER_LAST_COPY;
}

enum roster_refusal
roster_next (const struct roster *now, const struct roster_event *event,
             struct roster *ret)
{
  struct roster next = *now;
  enum roster_refusal r;

  switch (event->kind) {
  case ROSTER_ADD:
    r = add (&next, event);
    break;
  case ROSTER_ADD_SPARE:
    r = append (&next, MEMBER_SPARE, -1) != NULL ? ROSTER_OK : ROSTER_FULL;
    break;
  case ROSTER_GROW:
    r = grow (&next, event);
    break;
  default:
    r = change_member (&next, event);
  }
  if (r != ROSTER_OK)
    return r;
  check (&next);
  *ret = next;
  return ROSTER_OK;
}
