/* SPDX-License-Identifier: BSD-3-Clause */
/* roster-marks: which steps of the roster (logic/roster.h) were taken, in all
 * worlds.
 *
 * Linked with --wrap, so that each step is seen, whoever asks for it.
 */
#include <stdio.h>

#include "exchange.h"
#include "logic/roster.h"

#define OF(state) (1u << MEMBER_##state)

/* The last one: of no member. */
static unsigned taken[ROSTER_EVENTS][MEMBER_STATES + 1];
static unsigned last_copy[ROSTER_EVENTS], handed_over[ROSTER_EVENTS];

/* All of the roster's table, but for how far a rebuild is, which nobody tells
 * it.
 */
static const unsigned wanted[ROSTER_EVENTS] = {
  [ROSTER_FAIL]
  = OF (SPARE) | OF (RECOVERING) | OF (REPLACING) | OF (IN_SYNC),
  [ROSTER_REMOVE] = OF (SPARE) | OF (RECOVERING) | OF (REPLACING)
                    | OF (IN_SYNC) | OF (FAULTY),
  [ROSTER_ACTIVATE] = OF (SPARE),
  [ROSTER_REPLACE] = OF (IN_SYNC),
  [ROSTER_READD] = OF (FAULTY),
  [ROSTER_RECOVERED] = OF (RECOVERING) | OF (REPLACING),
  [ROSTER_FLAG] = OF (SPARE) | OF (RECOVERING) | OF (REPLACING) | OF (IN_SYNC)
                  | OF (FAULTY),
  [ROSTER_ADD] = OF (STATES),
  [ROSTER_ADD_SPARE] = OF (STATES),
  [ROSTER_GROW] = OF (STATES),
};

static const char *const event_names[ROSTER_EVENTS] = {
  [ROSTER_FAIL] = "fail",           [ROSTER_REMOVE] = "remove",
  [ROSTER_ACTIVATE] = "activate",   [ROSTER_REPLACE] = "replace",
  [ROSTER_READD] = "readd",         [ROSTER_PROGRESS] = "progress",
  [ROSTER_RECOVERED] = "recovered", [ROSTER_FLAG] = "flag",
  [ROSTER_ADD] = "add",             [ROSTER_ADD_SPARE] = "add spare",
  [ROSTER_GROW] = "grow",
};
static const char *const state_names[MEMBER_STATES + 1]
  = { "spare", "recovering", "replacing", "in sync", "faulty", "nobody" };

enum roster_refusal __real_roster_next (const struct roster *now,
                                        const struct roster_event *event,
                                        struct roster *ret);
enum roster_refusal __wrap_roster_next (const struct roster *now,
                                        const struct roster_event *event,
                                        struct roster *ret);

static unsigned
state_of (const struct roster *roster, const struct roster_event *event)
{
  const struct roster_member *member = roster_find (roster, event->id);

  if (event->kind == ROSTER_ADD || event->kind == ROSTER_ADD_SPARE
      || event->kind == ROSTER_GROW || member == NULL)
    return MEMBER_STATES;
  return member->state;
}

static unsigned
count_replacing (const struct roster *roster)
{
  struct roster_sets sets;

  roster_sets (roster, &sets);
  return __builtin_popcount (sets.replacing);
}

/* @now may be *@ret. */
enum roster_refusal
__wrap_roster_next (const struct roster *now, const struct roster_event *event,
                    struct roster *ret)
{
  unsigned state = state_of (now, event), replacing = count_replacing (now);
  enum roster_refusal r = __real_roster_next (now, event, ret);

  if (r == ROSTER_LAST_COPY)
    last_copy[event->kind]++;
  if (r != ROSTER_OK)
    return r;
  taken[event->kind][state]++;
  if (state != MEMBER_REPLACING && count_replacing (ret) < replacing)
    handed_over[event->kind]++;
  return r;
}

static bool
tell (const char *what, const char *of, unsigned count, bool must)
{
  if (count > 0 || must)
    printf ("roster: %-9s %-20s %u\n", what, of, count);
  return count > 0 || !must;
}

bool
roster_marks_tell (void)
{
  bool all = true;

  for (unsigned kind = 0; kind < ROSTER_EVENTS; kind++) {
    bool leaves = kind == ROSTER_FAIL || kind == ROSTER_REMOVE;

    for (unsigned state = 0; state <= MEMBER_STATES; state++)
      all &= tell (event_names[kind], state_names[state], taken[kind][state],
                   wanted[kind] & 1u << state);
    all &= tell (event_names[kind], "the last copy", last_copy[kind], leaves);
    all &= tell (event_names[kind], "who is replaced", handed_over[kind],
                 leaves);
  }
  return all;
}
