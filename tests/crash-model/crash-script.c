/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-script: chance -> legs, faults, clients, pauses. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "crash-script.h"
#include "ground/ground.h"
#include "ground/util.h"

/* --- the legs --- */

static void
choose_drive (struct random_stream *chance, const struct crash_shape *shape,
              enum leg_rank rank, struct crash_drive *ret)
{
  uint32_t block = shape->block * SECTOR_SIZE;

  *ret = (struct crash_drive){
    .rank = rank,
    .fua = random_one_in (chance, 3),
    .stable = random_one_in (chance, 12),
    .zeroes = random_one_in (chance, 2),
    .request_max = MAX (block, 4096u << random_below (chance, 8)),
    .zero_max = MAX (block, 4096u << random_below (chance, 8)),
    .memory_alignment = random_one_in (chance, 4) ? block : 1,
    .latency_ns = random_one_in (chance, 4)
                    ? 0
                    : random_between (chance, 10, 500) * 1000,
    .timeout_ns = random_between (chance, 1, 5) * GROUND_S,
  };
  random_init (&ret->chance, random_next (chance), 7);
}

static void
choose_fault (struct random_stream *chance, const struct crash_leg *leg,
              struct crash_drive *drive)
{
  static const int odd[] = { -EINVAL, -EAGAIN, -ENOMEM, -EINTR };
  static const unsigned times[] = { 1, 2, UINT16_MAX };

  do
    drive->fault = random_between (chance, 1, FAULT_ODD);
  while ((drive->fault == FAULT_HANG && drive->rank != LEG_REMOTE)
         || (drive->fault == FAULT_ODD && !random_one_in (chance, 3)));
  drive->scope
    = random_one_in (chance, 2) ? SCOPE_ALL : random_below (chance, 3);
  drive->after = random_below (chance, random_one_in (chance, 2) ? 12 : 120);
  drive->error = -EIO;
  drive->times = drive->fault == FAULT_WRITE_ONCE
                     || drive->fault == FAULT_FLUSH_ONCE
                   ? 1
                   : UINT16_MAX;
  if (drive->fault == FAULT_ODD) {
    drive->error = odd[random_below (chance, ARRAY_LENGTH (odd))];
    drive->times = times[random_below (chance, ARRAY_LENGTH (times))];
  }
  if (drive->fault == FAULT_DIE)
    drive->error = drive->rank == LEG_REMOTE ? -ENOTCONN : -ENODEV;
  drive->bad = leg->data.first + random_below (chance, leg->data.count);
  drive->bad_count = random_between (chance, 1, 32);
}

static void
choose_legs (struct random_stream *chance, const struct crash_life *life,
             bool faults, struct crash_script *ret)
{
  const struct crash_shape *shape = life->shape;
  bool one_rank = random_one_in (chance, 3);
  enum leg_rank rank = random_below (chance, LEG_RANKS);
  unsigned victims = random_one_in (chance, 4) ? 2 : 1;

  for (unsigned leg = 0; leg < shape->slots; leg++) {
    if (!one_rank)
      rank = random_below (chance, LEG_RANKS);
    choose_drive (chance, shape, rank, &ret->drive[leg]);
    ret->order[leg] = leg;
  }
  for (unsigned i = shape->slots; i > 1; i--) {
    unsigned j = random_below (chance, i), other = ret->order[j];

    ret->order[j] = ret->order[i - 1];
    ret->order[i - 1] = other;
  }
  for (; faults && victims > 0; victims--) {
    unsigned leg = random_below (chance, shape->slots);

    choose_fault (chance, &shape->leg[leg], &ret->drive[leg]);
    ret->faulty = true;
  }
}

/* --- the clients --- */

static uint64_t
choose_pause (struct random_stream *chance)
{
  static const uint64_t pauses[] = { 0, 0, 20, 300, 2000, 20000 };

  return pauses[random_below (chance, ARRAY_LENGTH (pauses))] * GROUND_MS;
}

static void
choose_clients (struct random_stream *chance, const struct crash_life *life,
                struct crash_script *ret)
{
  uint32_t sectors = life->shape->sectors;

  ret->clients = random_between (chance, 1, CRASH_CLIENTS_MAX);
  ret->phases = random_between (chance, 1, CRASH_PHASES_MAX);
  ret->operations
    = random_between (chance, 6, 60) / (ret->clients * ret->phases) + 1;
  for (unsigned i = 0; i < ret->phases; i++)
    ret->pause_ns[i] = choose_pause (chance);
  ret->weight[OP_WRITE] = random_between (chance, 4, 16);
  ret->weight[OP_READ] = random_below (chance, 6);
  ret->weight[OP_FLUSH] = random_below (chance, 4);
  ret->weight[OP_ZERO] = random_below (chance, 3);
  ret->weight[OP_TRIM] = random_below (chance, 2);
  ret->fua = random_one_in (chance, 2) ? 0 : random_below (chance, 512);
  ret->hot = random_below (chance, 1024);
  ret->hot_count = MIN (sectors, (uint32_t)random_between (chance, 8, 48));
  ret->hot_first = random_below (chance, sectors - ret->hot_count + 1);
  ret->large = random_one_in (chance, 4);
}

static void
choose_array (struct random_stream *chance, const struct crash_life *life,
              struct array_config *ret)
{
  unsigned slots = life->shape->slots;

  *ret = (struct array_config){
    .legs = slots,
    .pool = array_pool_minimum (slots)
            + (random_one_in (chance, 3) ? 0 : random_below (chance, 32)),
    .requests = random_one_in (chance, 3) ? 16 : random_between (chance, 1, 4),
    .bounces = random_between (chance, 1, 4),
    .bounce_size = 4096u << random_below (chance, 3),
    .quiet_ms
    = random_one_in (chance, 2) ? 200 : random_between (chance, 1, 50),
    .sweep_ms
    = random_one_in (chance, 2) ? 0 : random_between (chance, 5, 500),
    .sync_min = random_one_in (chance, 2) ? 0 : 4096,
    .sync_max = random_one_in (chance, 2) ? 0 : 64 * 1024 * 1024,
  };
}

static void
choose_ground (struct random_stream *chance, const struct crash_life *life,
               struct crash_script *ret)
{
  static const unsigned often[] = { 1024, 256, 64, 16 };

  ret->seed = random_next (chance);
  ret->ground = (struct sim_options){
    .seed = ret->seed,
    .switches = often[random_below (chance, ARRAY_LENGTH (often))],
    .spurious = random_one_in (chance, 4) ? 16 : 0,
    .naps = random_one_in (chance, 3) ? 64 : 0,
    .priorities = random_one_in (chance, 5),
    /* Holes are copied, too. */
    .steps_max = life->shape->has_holes ? 100000000 : 4000000,
  };
  if (ret->ground.priorities)
    ret->ground.switches = 16;
}

/* Where a resync takes several steps, many a stop is to come in between.
 * Chance of its own, so that other arrays live as before.
 */
static void
hurry (const struct crash_life *life, struct crash_script *ret)
{
  struct random_stream aside;

  if (!life->shape->is_wide)
    return;
  random_init (&aside, ret->seed, 20);
  ret->waits &= random_one_in (&aside, 2);
  if (ret->waits)
    return;
  ret->array.sync_max = random_between (&aside, 4, 64) * 1024 * 1024;
  ret->array.sync_min = ret->array.sync_max / 2;
  ret->array.sweep_ms = random_between (&aside, 5, 50);
  for (unsigned i = 0; i < ret->phases; i++)
    ret->pause_ns[i] = random_between (&aside, 0, 300) * GROUND_MS;
}

/* Half of the arrays copy one span at a time, the others several at once.
 * Chance of its own, likewise.
 */
static void
choose_spans (const struct crash_life *life, struct crash_script *ret)
{
  uint32_t least = 2 * life->shape->block * SECTOR_SIZE;
  struct random_stream aside;

  random_init (&aside, ret->seed, 21);
  ret->array.sync_spans = 1;
  ret->array.sync_fixed = true;
  if (random_one_in (&aside, 2))
    return;
  ret->array.sync_spans = random_between (&aside, 2, CRASH_SPANS_MAX);
  ret->array.sync_fixed = !random_one_in (&aside, 4);
  if (!life->shape->has_holes)
    ret->array.sync_span = MAX (least, 8192u << random_below (&aside, 4));
}

/* In a third of the lives members are changed by order.  Chance of its own,
 * likewise.
 */
static void
choose_orders (struct crash_script *ret)
{
  struct random_stream aside;

  random_init (&aside, ret->seed, 22);
  if (random_one_in (&aside, 3))
    ret->orders = random_between (&aside, 1, 6);
}

static void
choose_cut (struct random_stream *chance, struct crash_drive *drive)
{
  static const unsigned after[] = { 2, 16, 64, 64 };
  static const unsigned away_ms[] = { 0, 5, 50, 500 };

  drive->rank = LEG_REMOTE;
  drive->fault = FAULT_POWER;
  drive->times = random_one_in (chance, 2) ? 1 : 3;
  drive->after
    = random_below (chance, 1 + after[random_below (chance, 4)]);
  drive->linger_ns
    = random_one_in (chance, 2) ? 0 : random_between (chance, 1, 2) * GROUND_MS;
  drive->away_ns = away_ms[random_below (chance, 4)] * GROUND_MS;
}

/* In a fourth of the lives legs lose their power, and the array takes them in
 * again; in fewer where to copy all takes long.  Chance of its own, likewise.
 */
static void
choose_cuts (const struct crash_life *life, struct crash_script *ret)
{
  unsigned slots = life->shape->slots, victims;
  struct random_stream aside;

  random_init (&aside, ret->seed, 24);
  if (!random_one_in (&aside, life->shape->has_holes ? 16 : 4))
    return;
  ret->cuts = true;
  victims = random_one_in (&aside, 2) ? 1 : random_between (&aside, 1, slots);
  for (; victims > 0; victims--)
    choose_cut (&aside, &ret->drive[random_below (&aside, slots)]);
  ret->faulty = false;
  for (unsigned leg = 0; leg < slots; leg++)
    ret->faulty |= ret->drive[leg].fault != FAULT_NONE
                   && ret->drive[leg].fault != FAULT_POWER;
  ret->array.reconnect_s = 1;
  ret->array.reconnect_ms = random_between (&aside, 1, 50);
  ret->array.quarantine_ms = random_between (&aside, 10, 200);
  if (random_one_in (&aside, 2))
    ret->array.no_leg_timeout_s = random_between (&aside, 1, 10);
}

/* --- together --- */

void
script_first (struct random_stream *chance, const struct crash_life *life,
              struct crash_script *ret)
{
  memset (ret, 0, sizeof *ret);
  choose_ground (chance, life, ret);
  choose_array (chance, life, &ret->array);
  choose_legs (chance, life, random_one_in (chance, 2), ret);
  choose_clients (chance, life, ret);
  ret->waits = random_one_in (chance, 2);
  hurry (life, ret);
  choose_spans (life, ret);
  choose_orders (ret);
  choose_cuts (life, ret);
}

void
script_again (struct random_stream *chance, const struct crash_life *life,
              bool writers, bool faults, struct crash_script *ret)
{
  memset (ret, 0, sizeof *ret);
  choose_ground (chance, life, ret);
  choose_array (chance, life, &ret->array);
  choose_legs (chance, life, faults, ret);
  choose_clients (chance, life, ret);
  ret->operations = random_between (chance, 2, 12) / ret->clients + 1;
  ret->phases = 1;
  ret->weight[OP_READ] += 6;
  if (!writers)
    for (unsigned kind = 0; kind < OP_KINDS; kind++)
      if (kind != OP_READ)
        ret->weight[kind] = 0;
  if (random_one_in (chance, 3))
    ret->allow_ns = random_below (chance, 20) * GROUND_MS;
  ret->waits = !random_one_in (chance, 8);
  hurry (life, ret);
  choose_spans (life, ret);
  choose_orders (ret);
  choose_cuts (life, ret);
}

void
script_print (const struct crash_script *script, const struct crash_life *life)
{
  static const char *const ranks[] = { "remote", "queued", "inline" };
  static const char *const faults[]
    = { "none",  "write once", "writes", "flush once", "flushes",
        "dies",  "hangs",      "reads",  "odd",        "power" };
  static const char *const scopes[] = { "", " of data", " of metadata" };

  printf ("life %u, depth %u: %u clients, %u phases of %u operations each, "
          "%u orders, quiet %u ms, sweep %u ms%s\n",
          life->number, life->depth, script->clients, script->phases,
          script->operations, script->orders, script->array.quiet_ms,
          script->array.sweep_ms,
          script->waits ? ", waits" : "");
  printf ("resync: %u spans in flight%s, of %u bytes\n",
          script->array.sync_spans, script->array.sync_fixed ? "" : " at most",
          script->array.sync_span);
  for (unsigned leg = 0; leg < life->shape->slots; leg++) {
    const struct crash_drive *drive = &script->drive[leg];

    printf ("  leg %u: %s, %s%s%s%s, request %u, fault %s%s after %u\n", leg,
            !(life->present >> leg & 1)     ? "missing"
            : life->in_sync >> leg & 1 ? "current"
                                            : "not current",
            ranks[drive->rank], drive->fua ? ", fua" : "",
            drive->stable ? ", stable" : "", drive->zeroes ? ", zeroes" : "",
            drive->request_max, faults[drive->fault], scopes[drive->scope],
            drive->after);
  }
}
