/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-power: cuts, what they leave, and what comes late. */
#include <string.h>

#include "crash-check.h"
#include "crash-marks.h"
#include "crash-power.h"
#include "crash-state.h"
#include "crash-world.h"
#include "ground-sim.h"
#include "ground/util.h"

/* A write of a connection that has ended. */
struct ghost {
  uint32_t io;
  uint64_t due_ns; /* GROUND_NEVER: not known yet */
};

/* One leg, whatever connections there were. */
struct supply {
  unsigned cuts;    /* that are still to come */
  uint64_t back_ns; /* it does not answer before; 0: it does */
  struct ghost ghost[REPLAY_GHOSTS_MAX];
  unsigned ghosts;
  struct random_stream chance;
};

static struct supply supplies[CRASH_LEGS_MAX];
static bool was_out;

void
power_begin_world (const struct crash_script *script)
{
  was_out = false;
  memset (supplies, 0, sizeof supplies);
  for (unsigned leg = 0; leg < CRASH_LEGS_MAX; leg++) {
    if (script->drive[leg].fault == FAULT_POWER)
      supplies[leg].cuts = script->drive[leg].times;
    random_init (&supplies[leg].chance, script->seed, 30 + leg);
  }
}

bool
power_was_out (void)
{
  return was_out;
}

uint64_t
power_plan (struct crash_leg_run *l)
{
  struct supply *supply = &supplies[l->number];

  if (l->drive.fault != FAULT_POWER || supply->cuts == 0
      || l->spared != l->drive.after)
    return l->cut_ns;
  return sim_time ()
         + random_exponential (&supply->chance, l->drive.linger_ns);
}

/* --- the cut --- */

static bool
changes (const struct crash_io *io)
{
  return io->child != NULL
         && (io->child->op == CHILD_WRITE || io->child->op == CHILD_ZERO);
}

/* What was under way, and how the connection has ended. */
static void
end_connection (struct crash_leg_run *l, struct supply *supply)
{
  bool by_peer = random_one_in (&supply->chance, 4), writes = false;

  for (struct crash_io *io = l->ios; io < l->ios + CRASH_IOS_MAX; io++) {
    if (!changes (io))
      continue;
    writes = true;
    if (by_peer || io->record == RECORD_NEVER || io->is_done
        || supply->ghosts == REPLAY_GHOSTS_MAX
        || random_one_in (&supply->chance, 8))
      continue;
    l->record->ios[io->record].ghost = true;
    supply->ghost[supply->ghosts++]
      = (struct ghost){ .io = io->record, .due_ns = GROUND_NEVER };
  }
  l->leg.end
    = (struct leg_end){ .by_peer = by_peer, .writes_in_flight = writes };
  if (crash_plant == PLANT_OWES_NOTHING)
    l->leg.end.writes_in_flight = false;
}

/* What is left of what it holds. */
static void
lose_cache (struct crash_leg_run *l, struct supply *supply)
{
  static struct replay replay;
  static struct crash_images images;
  struct crash_states states;
  enum crash_choice choice;
  size_t size = l->shape->leg[l->number].sectors * sizeof l->image[0];

  replay_init (&replay, crash_world.life);
  replay_to (&replay, l->record->count);
  states_begin_leg (&states, &replay, l->number, &supply->chance);
  states_next (&states, &supply->chance, &images, &choice);
  if (memcmp (replay.leg[l->number].kept, images.sector[l->number], size) != 0)
    SOMETIMES (CUT_LOST);
  memcpy (l->image, images.sector[l->number], size);
  replay_free (&replay);
}

static uint32_t
reached (uint32_t legs)
{
  for (unsigned leg = 0; leg < CRASH_LEGS_MAX; leg++)
    if (supplies[leg].back_ns != 0)
      legs &= ~(1u << leg);
  return legs;
}

void
power_look (uint32_t in_sync)
{
  uint32_t legs = reached (in_sync);

  if (legs != in_sync && !check_is_enough (crash_world.life->shape, legs))
    was_out = true;
}

/* Is nothing of what it holds on another one that is reached? */
static void
note_last (const struct crash_leg_run *l, struct record_cut *cut)
{
  uint32_t in_sync = record_event (l->record, cut->event)->in_sync;

  cut->was_last = (in_sync >> l->number & 1)
                  && !check_is_enough (l->shape, reached (in_sync));
  if (cut->was_last)
    SOMETIMES (CUT_LAST);
}

/* A driver that makes its connection again by itself, and tells nobody. */
static bool
reconnects (struct crash_leg_run *l, struct supply *supply)
{
  if (crash_plant != PLANT_RECONNECTS)
    return false;
  supply->back_ns = 0;
  l->is_cut = false;
  l->cut_ns = GROUND_NEVER;
  l->connection = record_open (l->record, l->number);
  return true;
}

bool
power_cut (struct crash_leg_run *l)
{
  struct supply *supply = &supplies[l->number];
  uint64_t away_ns = random_exponential (&supply->chance, l->drive.away_ns);

  assert (supply->cuts > 0);
  supply->cuts--;
  supply->back_ns = sim_time () + away_ns + 1;
  end_connection (l, supply);
  lose_cache (l, supply);
  l->is_cut = true;
  SOMETIMES (CUT);
  note_last (l, record_cut (l->record, l->number, l->image));
  sim_log ("leg %u: loses its power for %llu us%s", l->number,
           (unsigned long long)away_ns / 1000,
           l->leg.end.by_peer ? ", in order" : "");
  return !reconnects (l, supply);
}

/* --- and back --- */

bool
power_answers (unsigned leg)
{
  struct supply *supply = &supplies[leg];

  if (sim_time () < supply->back_ns)
    return false;
  supply->back_ns = 0;
  return true;
}

void
power_opened (struct crash_leg_run *l)
{
  struct supply *supply = &supplies[l->number];
  uint64_t quarantine_ns
    = crash_world.script->array.quarantine_ms * GROUND_MS;

  l->drive.after = random_below (&supply->chance, 2 * l->drive.after + 1);
  l->is_by_itself = strcmp (sim_name (sim_self ()), "mirror-rejoin") == 0;
  for (unsigned i = 0; i < supply->ghosts; i++)
    if (supply->ghost[i].due_ns == GROUND_NEVER)
      supply->ghost[i].due_ns
        = sim_time () + random_below (&supply->chance, quarantine_ns);
}

/* Nothing under way on this connection changes the same sectors: what comes
 * first would matter.
 */
static bool
is_alone (const struct crash_leg_run *l, const struct record_io *ghost)
{
  for (unsigned i = 0; i < CRASH_IOS_MAX; i++) {
    const struct record_io *io;

    if (!changes (&l->ios[i]) || l->ios[i].record == RECORD_NEVER)
      continue;
    io = &l->record->ios[l->ios[i].record];
    if (ranges_overlap (io->first, io->count, ghost->first, ghost->count))
      return false;
  }
  return true;
}

/* Some of it, or all, or nothing. */
static void
do_ghost (struct crash_leg_run *l, struct random_stream *chance,
          uint32_t number)
{
  const struct record_io io = l->record->ios[number];
  uint32_t first = 0, count = io.count;

  if (random_one_in (chance, 4)) {
    first = round_up (io.first + random_below (chance, count), l->shape->block)
            - io.first;
    first = MIN (first, count);
    count = round_down (random_between (chance, 0, count - first),
                        l->shape->block);
  }
  if (!is_alone (l, &io) || random_one_in (chance, 8))
    count = 0;
  for (uint32_t i = first; i < first + count; i++)
    l->image[io.first + i] = l->record->contents[io.contents + i];
  if (count > 0)
    SOMETIMES (LATE);
  record_late (l->record, number, first, count);
}

void
power_do_late (struct crash_leg_run *l)
{
  struct supply *supply = &supplies[l->number];
  unsigned left = 0;

  if (l->is_cut)
    return;
  for (unsigned i = 0; i < supply->ghosts; i++) {
    const struct ghost ghost = supply->ghost[i];

    if (ghost.due_ns <= sim_time ())
      do_ghost (l, &supply->chance, ghost.io);
    else
      supply->ghost[left++] = ghost;
  }
  supply->ghosts = left;
}

void
power_written (struct crash_leg_run *l)
{
  struct record_cut *cut;
  bool in_sync;

  if (l->is_cut || l->is_gone || !l->is_by_itself)
    return;
  l->is_by_itself = false;
  cut = record_last_cut (l->record, l->number);
  if (cut == NULL)
    return;
  cut->back = l->record->count;
  in_sync
    = record_event (l->record, l->record->count)->in_sync >> l->number & 1;
  if (in_sync && cut->left == RECORD_NEVER)
    SOMETIMES (CUT_LAST_BACK);
  else
    SOMETIMES (CUT_BACK);
}
