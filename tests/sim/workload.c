/* SPDX-License-Identifier: BSD-3-Clause */
/* workload: what happens in one simulated world, from create to close. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "ground/util.h"
#include "ground-sim.h"
#include "sim-check.h"
#include "sim-leg.h"
#include "sim-marks.h"
#include "sim-stamp.h"
#include "workload-internal.h"
#include "workload.h"

/* A watcher that never ended would hide deadlocks: its deadlines keep the
 * clock going.
 */
#define LOOKS_MAX 100

struct run run;
struct workload_counts workload_counts;

static struct ground_thread watcher, stopper, second_stopper;

static void
open_legs (struct leg **ret)
{
  sim_leg_begin_world ();
  for (unsigned i = 0; i < run.config->array.layout.slots; i++)
    ret[i] = sim_leg_open (&sim_disks[i]);
}

/* array_create has to say no, and why, and leave the legs to us. */
static void
check_refusal (void)
{
  struct array_config config = run.config->array;
  struct leg *legs[SIM_DISKS_MAX];
  char why[MESSAGE_MAX] = "";
  struct array *array = NULL;
  bool readable = true;
  int r;

  open_legs (legs);
  for (unsigned i = 0; i < config.layout.slots; i++)
    readable &= sim_disks[i].probe_error == 0;
  if (readable)
    config.pool = array_pool_minimum (config.layout.slots) - 1;
  r = array_create (&config, legs, NULL, &array, why);
  if (r >= 0 || why[0] == '\0' || memchr (why, '\0', sizeof why) == NULL)
    sim_fail ("array_create returned %d, saying \"%.100s\"", r, why);
  for (unsigned i = 0; i < config.layout.slots; i++)
    legs[i]->ops->close (legs[i]);
  SOMETIMES (CREATE_REFUSED);
}

static void
create (void)
{
  const struct sim_config *config = run.config;
  struct leg *legs[SIM_DISKS_MAX];
  char why[MESSAGE_MAX] = "";
  struct array_limits limits;
  int r;

  open_legs (legs);
  r = array_create (&config->array, legs, NULL, &run.array, why);
  if (r < 0)
    sim_fail ("array_create failed: %s", why);
  array_get_limits (run.array, &limits);
  if (limits.size > config->sectors * STAMP_SECTOR
      || config->sectors * STAMP_SECTOR - limits.size >= 4096
      || limits.readonly != config->is_readonly
      || MAX (limits.block_minimum, STAMP_SECTOR)
           != config->alignment * STAMP_SECTOR)
    sim_fail ("limits: size %llu, block %u", (unsigned long long)limits.size,
              limits.block_minimum);
  r = array_start (run.array);
  if (r < 0)
    sim_fail ("array_start: %d", r);
  run.in_sync = UINT32_MAX >> (32 - config->array.layout.slots);
  for (unsigned i = 0; i < config->array.layout.slots; i++)
    if (sim_disks[i].caps.memory_alignment > 1)
      SOMETIMES (BOUNCED);
}

/* --- fibers --- */

/* A disk that has failed hard anyway is failed or removed by order. */
static void
give_order (struct random_stream *chance)
{
  struct array_snapshot now;
  const struct array_member *member;
  struct array_order order = { .verb = ARRAY_REMOVE };
  struct array_answer answer;

  array_get_snapshot (run.array, &now);
  member = &now.member[random_below (chance, now.members)];
  if (member->slot < 0 || !sim_disks[member->slot].may_be_out)
    return;
  order.member = member->id;
  if (random_one_in (chance, 2))
    order.verb = ARRAY_FAIL;
  if (array_change (run.array, &order, &answer) < 0) {
    if (strcmp (answer.reason, "last-copy") == 0)
      SOMETIMES (ORDER_REFUSED);
    return;
  }
  if (order.verb == ARRAY_REMOVE)
    SOMETIMES (ORDER_REMOVE);
  else
    SOMETIMES (ORDER_FAIL);
}

static void
watch (void *argument)
{
  struct random_stream chance;

  (void)argument;
  random_init (&chance, run.config->seed, 50);
  for (unsigned i = 0; i < LOOKS_MAX; i++) {
    judge_status ();
    if (random_one_in (&chance, 4))
      give_order (&chance);
    sim_park (sim_time () + random_exponential (&chance, GROUND_MS / 4));
  }
}

static void
stop (uint64_t deadline_ns)
{
  static uint64_t covered[2][HISTORY_SECTORS_MAX];
  const struct sim_config *config = run.config;
  unsigned who = sim_self () % 2;
  int r;

  run.stop_begun = true;
  if (deadline_ns < run.stop_deadline)
    run.stop_deadline = deadline_ns;
  sim_log ("stop until %.6f", deadline_ns / 1e9);
  check_allow_locks (1);
  r = array_quiesce (run.array, deadline_ns);
  check_allow_locks (0);
  sim_log ("stopped: %d", r);
  run.stop_done = true;
  if (r == 0) {
    history_covered (covered[who]);
    judge_flushed (covered[who]);
  }
  else if (sim_time () >= run.stop_deadline) {
    SOMETIMES (QUIESCE_LATE);
    run.aborted = true;
  }
  else if (config->atlas_holds)
    sim_fail ("array_quiesce: %d", r);
}

static void
stop_early (void *argument)
{
  uint64_t deadline = GROUND_NEVER;

  (void)argument;
  for (uint64_t until = run.config->stop_ns; sim_time () < until;)
    sim_park (until);
  if (run.config->stop_within_ns != GROUND_NEVER)
    deadline = sim_time () + run.config->stop_within_ns;
  stop (deadline);
}

static void
start_fibers (void)
{
  const struct sim_config *config = run.config;

  for (unsigned i = 0; i < config->clients; i++) {
    struct client *client = &run.client[i];
    char name[16] = "client0";

    name[6] += i;
    client->number = i;
    client->op = UINT_MAX;
    client->operations = config->operations / config->clients + 1;
    random_init (&client->chance, config->seed, 10 + i);
  }
  for (unsigned i = 0; i < config->clients; i++) {
    char name[16] = "client0";

    name[6] += i;
    ground_thread_start (&run.client[i].thread, name, client_run,
                         &run.client[i]);
  }
  if (config->watch)
    ground_thread_start (&watcher, "watcher", watch, NULL);
  if (config->stop_early)
    ground_thread_start (&stopper, "stopper", stop_early, NULL);
  if (config->stop_early && config->stop_twice) {
    ground_thread_start (&second_stopper, "stopper2", stop_early, NULL);
    SOMETIMES (QUIESCE_TWICE);
  }
}

static void
join_fibers (void)
{
  const struct sim_config *config = run.config;

  for (unsigned i = 0; i < config->clients; i++)
    ground_thread_join (&run.client[i].thread);
  if (config->stop_early)
    ground_thread_join (&stopper);
  if (config->stop_early && config->stop_twice)
    ground_thread_join (&second_stopper);
  if (config->watch)
    ground_thread_join (&watcher);
}

void
workload_run (void *argument)
{
  memset (&run, 0, offsetof (struct run, client));
  run.config = argument;
  run.stop_begun = run.stop_done = run.aborted = false;
  run.stop_deadline = GROUND_NEVER;
  check_may_modify = false;
  history_begin (run.config->sectors, run.config->initial);
  if (run.config->refuse) {
    check_refusal ();
    return;
  }
  create ();
  start_fibers ();
  join_fibers ();

  stop (sim_time () + 300 * GROUND_S);
  stop (GROUND_NEVER);
  client_check_refused (&run.client[0]);
  judge_end ();
  array_close (run.array);
  if (sim_leg_in_flight () != 0)
    sim_fail ("children in flight after close");
}
