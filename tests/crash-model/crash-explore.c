/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-explore: where lives are cut short, and how they go on.
 *
 * The first life of a seed is lived once.  At some of its moments it is cut:
 * each of the states in which the members may then be is checked as it lies
 * there, and from some of them another life begins, up to three deep.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash-apart.h"
#include "crash-check.h"
#include "crash-explore.h"
#include "crash-judge.h"
#include "crash-lint.h"
#include "crash-marks.h"
#include "crash-state.h"
#include "crash-store.h"
#include "crash-world.h"
#include "ground/util.h"

#define DEPTH_MAX 3
#define POINTS_MAX 32

struct explore_counts explore_counts;

static struct random_stream chance;

/* One crash. */
struct crash {
  const struct crash_life *life;
  uint32_t at;
  enum crash_kind kind;
  enum crash_choice choice;
};

static bool explore_life (const struct crash_life *life, unsigned points,
                          unsigned most, unsigned restart_one_in, char *why);

/* --- the moments --- */

static bool
is_metadata (const struct crash_life *life, uint32_t number)
{
  const struct record_event *event = record_event (&life->record, number);
  const struct record_io *io = &life->record.ios[event->index];

  return (event->kind == RECORD_SUBMIT || event->kind == RECORD_DONE)
         && record_io_writes (io)
         && shape_place (life->shape, io->leg, io->first) != PLACE_DATA;
}

/* After a leg has lost its power: soon, for some of them. */
static uint32_t
choose_after_cut (const struct crash_life *life, uint32_t at)
{
  const struct record *record = &life->record;
  const struct record_cut *cut;

  if (record->cuts_count == 0 || random_one_in (&chance, 2))
    return at;
  cut = &record->cuts[random_below (&chance, record->cuts_count)];
  return MIN (cut->event + random_below (&chance, 100), record->count);
}

/* Two thirds of them near something of interest. */
static uint32_t
choose_point (const struct crash_life *life)
{
  uint32_t count = life->record.count, at;
  unsigned wish = random_below (&chance, 3);

  at = random_below (&chance, count + 1);
  for (unsigned tries = 0; tries < 200 && at > 0 && wish > 0; tries++) {
    const struct record_event *event = record_event (&life->record, at);

    if (wish == 1 ? is_metadata (life, at) : event->kind == RECORD_RETURN)
      break;
    at = at == count ? 1 : at + 1;
  }
  return choose_after_cut (life, at);
}

static int
compare (const void *a, const void *b)
{
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

  return (x > y) - (x < y);
}

/* --- one state --- */

static bool
failed_at (const struct crash *crash, char *why)
{
  char reason[CRASH_WHY_MAX], event[128] = "the beginning";

  if (crash->at > 0)
    record_text (&crash->life->record, crash->at, event, sizeof event);
  memcpy (reason, why, sizeof reason);
  snprintf (why, CRASH_WHY_MAX, "%.350s (life %u, crash %s after event %u "
            "(%s), pending writes: %s)", reason, crash->life->number,
            crash_kind_text (crash->kind), crash->at, event,
            crash_choice_text (crash->choice));
  return false;
}

static bool
check_state (const struct crash *crash, const struct crash_images *images,
             const struct legal *legal, char *why)
{
  const struct crash_shape *shape = crash->life->shape;
  struct crash_check check = { .shape = shape,
                               .images = images,
                               .present = (1u << shape->slots) - 1,
                               .keep = crash->life->keep,
                               .legal = legal,
                               .why = why };
  uint32_t subset = random_between (&chance, 1, check.present - 1);

  explore_counts.states++;
  if (!check_all (&check))
    return failed_at (crash, why);
  explore_counts.subsets++;
  if (!check_subset (&check, subset))
    return failed_at (crash, why);
  return true;
}

/* --- the life after it --- */

/* Which legs come back?  Some current one at least. */
static uint32_t
choose_present (const struct crash_shape *shape,
                const struct crash_images *images, int keep)
{
  static struct crash_meta meta;
  uint32_t all = (1u << shape->slots) - 1, present = all;

  meta_look (shape, images, all, keep, &meta);
  if (meta.in_sync != all)
    SOMETIMES (LEG_STALE);
  if (random_one_in (&chance, 4)) {
    present = random_between (&chance, 1, all);
    if (!(present & meta.in_sync))
      present = all;
  }
  if (present != all)
    SOMETIMES (LEG_MISSING);
  return present;
}

static void
mark_life (const struct crash_life *life)
{
  if (life->depth == 2)
    SOMETIMES (CRASHED_TWICE);
  if (life->depth == 3)
    SOMETIMES (CRASHED_THRICE);
}

static bool
live_again (const struct crash_life *before, const struct crash_images *images,
            int keep, char *why)
{
  const struct crash_shape *shape = before->shape;
  struct crash_life *life
    = life_new (shape, before, images, choose_present (shape, images, keep),
                keep);
  bool writers = random_one_in (&chance, 3);
  bool faults = random_one_in (&chance, 3), good;
  static struct crash_script script;

  mark_life (life);
  script_again (&chance, life, writers, faults, &script);
  explore_counts.restarts++;
  good = world_run (life, &script, why) && judge_life (life, script.waits, why)
         && lint_life (life, why);
  if (good && life->depth < DEPTH_MAX && life->record.count > 0)
    good = explore_life (life, random_between (&chance, 1, 3), 3,
                         life->depth == 1 ? 4 : 6, why);
  if (good)
    life_free (life);
  return good;
}

/* Parts of it without each other; then all, and one of the histories is to be
 * kept, or nothing starts.
 */
static bool
live_apart (const struct crash_life *before, const struct crash_images *images,
            char *why)
{
  struct crash_images *now = malloc (sizeof *now);
  int keep = random_below (&chance, before->shape->slots);
  bool split, good;

  assert (now != NULL);
  *now = *images;
  if (random_one_in (&chance, 4))
    keep = CRASH_KEEP_NONE;
  good = apart_live (&chance, before, now, &split, why)
         && (!split || live_again (before, now, keep, why));
  free (now);
  return good;
}

/* Where is a leg that has lost its power before event @at? */
static void
mark_cuts (const struct crash_life *life, uint32_t at)
{
  for (uint32_t i = 0; i < life->record.cuts_count; i++) {
    const struct record_cut *cut = &life->record.cuts[i];
    const struct record_event *event;

    if (cut->event > at)
      continue;
    event = record_event (&life->record, at);
    if (cut->back > at)
      SOMETIMES (CRASHED_AWAY);
    else if (!(event->in_sync >> cut->leg & 1))
      SOMETIMES (CRASHED_CATCHING_UP);
    else if (cut->left > cut->back)
      SOMETIMES (CRASHED_LAST_BACK);
    else
      SOMETIMES (CRASHED_BACK);
  }
}

static enum crash_kind
choose_kind (void)
{
  static const enum crash_kind kinds[]
    = { CRASH_POWER, CRASH_POWER, CRASH_POWER, CRASH_KILL, CRASH_KILL,
        CRASH_ONE };

  return kinds[random_below (&chance, ARRAY_LENGTH (kinds))];
}

static bool
explore_point (const struct crash_life *life, const struct replay *replay,
               unsigned most, unsigned restart_one_in, char *why)
{
  struct legal *legal = malloc (sizeof *legal);
  struct crash_images *images = malloc (sizeof *images);
  struct crash crash = { .life = life,
                         .at = replay->at,
                         .kind = choose_kind () };
  struct crash_states states;
  bool good = true;

  assert (legal != NULL && images != NULL);
  explore_counts.points++;
  if (crash.kind == CRASH_ONE)
    SOMETIMES (ONE_UNPOWERED);
  mark_cuts (life, replay->at);
  legal_at (legal, life, replay->at, crash.kind);
  states_begin (&states, replay, crash.kind, most, &chance);
  while (good && states_next (&states, &chance, images, &crash.choice)) {
    good = check_state (&crash, images, legal, why);
    if (good && random_one_in (&chance, restart_one_in))
      good = live_again (life, images, life->keep, why)
             || failed_at (&crash, why);
    else if (good && random_one_in (&chance, 10 * restart_one_in))
      good = live_apart (life, images, why) || failed_at (&crash, why);
  }
  free (images);
  free (legal);
  return good;
}

static bool
explore_life (const struct crash_life *life, unsigned points, unsigned most,
              unsigned restart_one_in, char *why)
{
  uint32_t at[POINTS_MAX];
  struct replay *replay = malloc (sizeof *replay);
  bool good = true;

  assert (points <= POINTS_MAX && replay != NULL);
  for (unsigned i = 0; i < points; i++)
    at[i] = choose_point (life);
  qsort (at, points, sizeof at[0], compare);
  replay_init (replay, life);
  for (unsigned i = 0; i < points && good; i++) {
    replay_to (replay, at[i]);
    good = explore_point (life, replay, most, restart_one_in, why);
  }
  replay_free (replay);
  free (replay);
  return good;
}

bool
explore_seed (uint64_t seed, char *why)
{
  static struct crash_shape shape;
  static struct crash_images images;
  static struct crash_script script;
  struct crash_life *life;
  bool good;

  store_begin ();
  random_init (&chance, seed, 1);
  shape_choose (&chance, &shape, &images);
  life = life_new (&shape, NULL, &images, (1u << shape.slots) - 1,
                   CRASH_KEEP_NONE);
  script_first (&chance, life, &script);
  if (sim_verbose)
    shape_print (&shape);
  explore_counts.seeds++;
  good = world_run (life, &script, why) && judge_life (life, script.waits, why)
         && lint_life (life, why)
         && explore_life (life, 16, 24, 25, why);
  if (good)
    life_free (life);
  return good;
}
