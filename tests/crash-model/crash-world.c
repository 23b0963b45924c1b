/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-world: from array_create to array_close. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crash-check.h"
#include "crash-marks.h"
#include "crash-meta.h"
#include "crash-orders.h"
#include "crash-power.h"
#include "crash-world.h"
#include "engine/array-internal.h"
#include "ground/util.h"

/* Virtual time in which everything has to be in sync again; with legs that
 * fail it may never be.
 */
#define PATIENCE_S 600
#define PATIENCE_FAULTY_S 20

struct crash_world crash_world;
struct crash_counts crash_counts;

void
crash_world_fail (const char *format, ...)
{
  char reason[CRASH_WHY_MAX], why[CRASH_WHY_MAX];
  va_list arguments;

  va_start (arguments, format);
  vsnprintf (reason, sizeof reason, format, arguments);
  va_end (arguments);
  if (!crash_objects (why, "%s", reason))
    sim_fail ("%s", reason);
}

static void
open_legs (struct leg **legs, const char **absent)
{
  const struct crash_script *script = crash_world.script;
  struct crash_life *life = crash_world.life;

  crash_leg_begin_world ();
  power_begin_world (script);
  for (unsigned i = 0; i < life->shape->slots; i++) {
    unsigned leg = script->order[i];

    legs[i] = NULL;
    absent[i] = "disk: is missing";
    if (life->present >> leg & 1)
      legs[i] = crash_leg_open (life->shape, leg, &script->drive[leg],
                                crash_world.now[leg], &life->record);
  }
}

/* The operation in whose fiber we are. */
static uint32_t
asker (void)
{
  for (unsigned i = 0; i < CRASH_CLIENTS_MAX; i++)
    if (crash_world.client[i].fiber == sim_self ())
      return crash_world.client[i].op;
  return RECORD_NEVER;
}

static bool
has_spans_in_flight (const struct job *job)
{
  unsigned busy = 0;

  for (unsigned i = 0; i < SYNC_SPANS; i++)
    busy += job->hand[i].busy;
  return busy > 1;
}

/* The legs of the members at these places of the newest view. */
static uint8_t
legs_at (uint32_t places)
{
  const struct view *view = atomic_load (&crash_world.array->view);
  uint8_t legs = 0;

  for (uint32_t left = places; left != 0; left &= left - 1)
    legs |= 1u << view_slot (view, view->member[__builtin_ctz (left)]);
  return legs;
}

/* Without a lock, so that nobody notices. */
static void
look (struct record_event *event)
{
  const struct array *array = crash_world.array;

  if (array == NULL)
    return;
  if (has_spans_in_flight (&array->resync.job))
    SOMETIMES (SPANS);
  event->targets = legs_at (atomic_load (&array->view)->targets);
  event->in_sync = legs_at (atomic_load (&array->view)->in_sync);
  power_look (event->in_sync);
  event->resyncing = atomic_load (&array->md->todo_left) > 0;
}

/* False: there is no array, and rightly so. */
static bool
create (void)
{
  static struct crash_meta meta;
  const struct crash_script *script = crash_world.script;
  struct crash_life *life = crash_world.life;
  struct leg *legs[CRASH_LEGS_MAX];
  const char *absent[CRASH_LEGS_MAX];
  char why[MESSAGE_MAX] = "";
  struct array_config config = script->array;
  struct array_limits limits;
  int r;

  open_legs (legs, absent);
  meta_look (life->shape, &life->start, life->present, life->keep, &meta);
  config.opener = orders_opener ();
  for (unsigned i = 0; i < life->shape->slots; i++)
    if ((int)script->order[i] == life->keep)
      config.keep = i + 1;
  r = array_create (&config, legs, absent, &crash_world.array, why);
  if ((r == 0) != (meta.assembly.result == ASSEMBLE_START))
    crash_world_fail ("O1: array_create is %d (%.200s), but the verdict is "
                      "\"%.200s\"", r, why, meta.assembly.why);
  if (r < 0) {
    for (unsigned i = 0; i < life->shape->slots; i++)
      if (legs[i] != NULL)
        legs[i]->ops->close (legs[i]);
    SOMETIMES (REFUSED);
    if (meta.assembly.result == ASSEMBLE_SPLIT)
      SOMETIMES (SPLIT_BRAIN);
    return false;
  }
  for (unsigned leg = 0; leg < life->shape->slots; leg++)
    if (meta.part[leg].part == PART_SPLIT)
      SOMETIMES (KEPT);
  array_get_limits (crash_world.array, &limits);
  if (limits.size != life->shape->layout.array_size
      || limits.readonly)
    sim_fail ("limits: size %llu%s", (unsigned long long)limits.size,
              limits.readonly ? ", read-only" : "");
  r = array_start (crash_world.array);
  if (r < 0)
    sim_fail ("array_start: %d", r);
  return true;
}

static void
allow_writes (void)
{
  int r = array_allow_writes (crash_world.array);

  if (r < 0)
    sim_fail ("array_allow_writes: %d", r);
  crash_world.may_write = true;
}

static void
sleep_for (uint64_t ns)
{
  for (uint64_t until = sim_time () + ns; sim_time () < until;)
    sim_park (until);
}

static void
run_phase (unsigned phase)
{
  const struct crash_script *script = crash_world.script;
  bool ordered
    = script->orders > 0 && (phase > 0 || script->allow_ns == 0);
  struct array_status before, after;
  struct ground_thread administrator;

  if (ordered) {
    crash_world.life->was_ordered = true;
    ground_thread_start (&administrator, "administrator", orders_run,
                         &crash_world.chance);
  }
  for (unsigned i = 0; i < script->clients; i++) {
    char name[16] = "client0";

    name[6] += i;
    ground_thread_start (&crash_world.client[i].thread, name, crash_client_run,
                         &crash_world.client[i]);
  }
  if (phase == 0) {
    sleep_for (script->allow_ns);
    allow_writes ();
  }
  for (unsigned i = 0; i < script->clients; i++)
    ground_thread_join (&crash_world.client[i].thread);
  if (ordered)
    ground_thread_join (&administrator);
  array_get_status (crash_world.array, &before);
  sleep_for (script->pause_ns[phase]);
  array_get_status (crash_world.array, &after);
  if (before.dirty && !after.dirty)
    SOMETIMES (IDLE_CLEAN);
}

/* Has any leg failed, or lost what nobody else has? */
static bool
has_failed (void)
{
  bool failed = crash_world.is_short || crash_world.flush_lost;

  for (unsigned leg = 0; leg < crash_world.life->shape->slots; leg++)
    failed |= crash_leg_has_failed (leg);
  return failed;
}

static void
look_at_status (void)
{
  const struct crash_life *life = crash_world.life;

  array_get_status (crash_world.array, &crash_world.last);
  crash_world.flush_lost = atomic_load (&crash_world.array->flush_lost);
  crash_world.is_short
    |= life->record.cuts_count > 0
       && (life->apart & life->present & ~crash_world.last.in_sync) != 0;
}

static bool
is_in_sync (void)
{
  uint32_t present = crash_world.life->present & ~crash_world.life->apart;

  look_at_status ();
  /* Those that lost their power come back, but for one that does so with its
   * own history.
   */
  if (crash_world.script->cuts && !has_failed ()
      && (crash_world.last.in_sync & present) != present)
    return false;
  return !crash_world.last.resyncing && crash_world.last.recovering == 0;
}

static void
wait_until_in_sync (void)
{
  uint64_t begin = sim_time (), nap = GROUND_MS;

  while (!is_in_sync ()
         && sim_time () - begin
              < (has_failed () ? PATIENCE_FAULTY_S : PATIENCE_S) * GROUND_S) {
    sleep_for (nap);
    nap = MIN (2 * nap, 10 * GROUND_S);
  }
  if (!is_in_sync () && !has_failed ())
    crash_world_fail ("O3b: after %u s: %llu bytes are to be resynced, slots "
                      "%#x are in sync, %#x to be rebuilt", PATIENCE_S,
                      (unsigned long long)crash_world.last.sync_left,
                      crash_world.last.in_sync, crash_world.last.recovering);
  crash_world.cuts_waited_for = crash_world.life->record.cuts_count;
}

static void
stop (void)
{
  struct crash_life *life = crash_world.life;
  uint32_t op = record_invoke (&life->record, OP_STOP, 0, 0, 0);
  int r;

  look_at_status ();
  crash_leg_allow_locks (1);
  r = array_quiesce (crash_world.array, sim_time () + 300 * GROUND_S);
  crash_leg_allow_locks (0);
  record_return (&life->record, op, r, false);
  if (r < 0 && !crash_world.script->faulty && !power_was_out ())
    crash_world_fail ("array_quiesce: %d", r);
  life->gave_up = power_was_out ()
                  && !metadata_is_active (crash_world.array->md);
  life->at_rest = r == 0 ? life->record.count : 0;
}

static void
live (void *argument)
{
  (void)argument;
  if (!create ())
    return;
  for (unsigned i = 0; i < crash_world.script->phases; i++)
    run_phase (i);
  if (crash_world.life->was_ordered)
    crash_world.is_short = !orders_bring_back ();
  if (crash_world.script->waits)
    wait_until_in_sync ();
  stop ();
  array_close (crash_world.array);
}

static void
count (const struct sim_result *result)
{
  const struct crash_shape *shape = crash_world.life->shape;

  crash_counts.worlds++;
  crash_counts.operations += crash_world.operations;
  crash_counts.errors += crash_world.errors;
  crash_counts.steps += result->steps;
  crash_counts.virtual_s += result->end_ns / 1e9;
  if (crash_world.last.in_sync != (1u << shape->slots) - 1)
    SOMETIMES (LEG_OUT);
  crash_world.life->no_fault
    = !has_failed ()
      && crash_world.life->record.cuts_count == crash_world.cuts_waited_for;
}

bool
world_run (struct crash_life *life, const struct crash_script *script,
           char *why)
{
  static struct sim_result result;

  memset (&crash_world, 0, sizeof crash_world);
  crash_world.life = life;
  crash_world.script = script;
  memcpy (crash_world.now, life->start.sector, sizeof crash_world.now);
  for (unsigned i = 0; i < CRASH_CLIENTS_MAX; i++) {
    crash_world.client[i].number = i;
    crash_world.client[i].fiber = -1;
    crash_world.client[i].op = RECORD_NEVER;
    random_init (&crash_world.client[i].chance, script->seed, 10 + i);
  }
  random_init (&crash_world.chance, script->seed, 23);
  life->seed = script->seed;
  life->record.asker = asker;
  life->record.look = look;
  if (sim_verbose) {
    script_print (script, life);
    fflush (stdout);
  }
  sim_run (&script->ground, live, NULL, &result);
  count (&result);
  if (result.verdict == SIM_GOOD)
    return true;
  if (result.dump[0] != '\0')
    printf ("virtual time %.6f s, step %llu:\n%s", result.end_ns / 1e9,
            (unsigned long long)result.steps, result.dump);
  snprintf (why, CRASH_WHY_MAX, "life %u: %s: %.400s", life->number,
            sim_verdict_name (result.verdict), result.reason);
  return false;
}
