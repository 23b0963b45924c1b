/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-client: a fiber that asks things of the array, and judges what it is
 * told.
 */
#include <errno.h>
#include <string.h>

#include "crash-holes.h"
#include "crash-legal.h"
#include "crash-marks.h"
#include "crash-power.h"
#include "crash-world.h"
#include "engine/array-internal.h"
#include "ground/util.h"
#include "sim-stamp.h"

#define MEMORY_SIZE (CRASH_ARRAY_MAX * SECTOR_SIZE)

static _Alignas (4096) char memory[CRASH_CLIENTS_MAX][MEMORY_SIZE];

struct ask {
  enum record_op_kind kind;
  uint32_t flags, first, count;
  char *buffer;
  bool settled; /* began when the array could be written to */
};

/* --- what to ask --- */

static enum record_op_kind
choose_kind (struct crash_client *client)
{
  const struct crash_script *script = crash_world.script;
  unsigned sum = 0, n;
  enum record_op_kind kind = 0;

  for (unsigned i = 0; i < OP_KINDS; i++)
    sum += script->weight[i];
  n = random_below (&client->chance, sum);
  while (n >= script->weight[kind])
    n -= script->weight[kind++];
  return crash_world.may_write ? kind : OP_READ;
}

static void
choose_ask (struct crash_client *client, struct ask *ask)
{
  const struct crash_script *script = crash_world.script;
  const struct crash_shape *shape = crash_world.life->shape;
  struct random_stream *chance = &client->chance;
  uint32_t unit = shape->block, units = shape->sectors / unit, first, count;

  *ask = (struct ask){ .kind = choose_kind (client),
                       .buffer = memory[client->number],
                       .settled = crash_world.may_write };
  if (ask->kind == OP_FLUSH)
    return;
  first = random_below (chance, units);
  if (random_chance (chance, script->hot))
    first = (script->hot_first + random_below (chance, script->hot_count))
            / unit;
  first = MIN (first, units - 1);
  count = random_between (chance, 1, random_one_in (chance, 4) ? 24 : 6);
  if (script->large && random_one_in (chance, 8))
    count = random_between (chance, 1, units);
  ask->first = first * unit;
  ask->count = MIN (count, units - first) * unit;
  ask->count = shape_run (shape, ask->first, ask->count);
  if (ask->kind != OP_READ && random_chance (chance, script->fua))
    ask->flags |= ARRAY_FUA;
  if (ask->kind == OP_ZERO && random_one_in (chance, 2))
    ask->flags |= ARRAY_MAY_TRIM;
}

/* --- judging --- */

/* Where metadata cannot be written, nothing is brought together either, and
 * everybody reads the first copy that can be read.
 */
static bool
is_unsteady (const struct ask *ask)
{
  for (unsigned leg = 0; leg < crash_world.life->shape->slots; leg++)
    if (crash_world.script->drive[leg].fault == FAULT_ODD
        && crash_leg_has_failed (leg))
      return true;
  /* Nor before somebody may write. */
  return !ask->settled;
}

static void
judge_value (const struct ask *ask, const struct legal *legal, uint32_t lba,
             uint64_t value)
{
  struct crash_life *life = crash_world.life;
  uint64_t *seen = &life->seen[lba];

  if (!legal_value (legal, lba, value))
    crash_world_fail ("O4: a read of LBA %u returned value %llx, which is not "
                      "to be read any more, or not yet", lba,
                      (unsigned long long)value);
  if (is_unsteady (ask) || !legal_is_base (legal, lba, value))
    return;
  if (*seen != CRASH_NO_VALUE && *seen != value)
    crash_world_fail ("O4: a read of LBA %u returned value %llx, and one "
                      "before it %llx, with no write in between", lba,
                      (unsigned long long)value, (unsigned long long)*seen);
  *seen = value;
}

static void
judge_read (const struct ask *ask, uint32_t op)
{
  static struct legal legal;
  struct crash_life *life = crash_world.life;

  legal_read (&legal, life, life->record.ops[op].invoked);
  for (uint32_t i = 0; i < ask->count; i++) {
    uint32_t lba = ask->first + i;
    uint64_t value = CRASH_NO_VALUE;

    if (!stamp_read (ask->buffer + (size_t)i * SECTOR_SIZE, lba, &value))
      crash_world_fail ("O4: a read of LBA %u returned what nobody wrote there",
                        lba);
    judge_value (ask, &legal, lba, value);
  }
}

static void
judge_result (const struct ask *ask, int r)
{
  crash_world.operations++;
  if (r == 0)
    return;
  crash_world.errors++;
  SOMETIMES (OP_FAILED);
  if (ask->kind == OP_FLUSH && power_was_out ()
      && atomic_load (&crash_world.array->flush_lost))
    SOMETIMES (CUT_DOUBTED);
  if (!crash_world.script->faulty && !power_was_out ())
    crash_world_fail ("operation %d at %u+%u got error %d, which no fault "
                      "explains", ask->kind, ask->first, ask->count, r);
}

/* --- asking --- */

static int
call (const struct ask *ask)
{
  struct array *array = crash_world.array;
  const struct crash_shape *shape = crash_world.life->shape;
  uint64_t offset = (uint64_t)shape->real[ask->first] * SECTOR_SIZE;
  uint64_t length = (uint64_t)ask->count * SECTOR_SIZE;

  switch (ask->kind) {
  case OP_READ:
    return array_read (array, ask->buffer, length, offset);
  case OP_WRITE:
    return array_write (array, ask->buffer, length, offset, ask->flags);
  case OP_ZERO:
    return array_zero (array, length, offset, ask->flags);
  case OP_TRIM:
    return array_trim (array, length, offset, ask->flags);
  case OP_FLUSH:
    return array_flush (array);
  default:
    assert (0);
  }
}

static void
do_ask (struct crash_client *client)
{
  struct crash_life *life = crash_world.life;
  struct record *record = &life->record;
  struct array_status status;
  struct ask ask;
  uint32_t op;
  int r;

  choose_ask (client, &ask);
  op = record_invoke (record, ask.kind, ask.flags, ask.first, ask.count);
  if (ask.kind == OP_READ) {
    memset (ask.buffer, 0xee, (size_t)ask.count * SECTOR_SIZE);
    array_get_status (crash_world.array, &status);
    if (status.resyncing)
      SOMETIMES (READ_IN_RESYNC);
  }
  for (uint32_t i = 0; i < ask.count && ask.kind == OP_WRITE; i++)
    stamp_write (ask.buffer + (size_t)i * SECTOR_SIZE, ask.first + i,
                 life_value (life, op));
  sim_log ("client %u: op %u: %d at %u+%u flags %u", client->number, op,
           ask.kind, ask.first, ask.count, ask.flags);
  client->op = op;
  r = call (&ask);
  client->op = RECORD_NEVER;
  record_return (record, op, r, false);
  sim_log ("client %u: op %u is %d", client->number, op, r);
  sim_trace ((uint64_t)client->number << 32 | (uint32_t)r);
  judge_result (&ask, r);
  if (r == 0 && ask.kind == OP_READ)
    judge_read (&ask, op);
}

void
crash_client_run (void *argument)
{
  struct crash_client *client = argument;

  client->fiber = sim_self ();
  for (unsigned i = 0; i < crash_world.script->operations; i++) {
    if (random_one_in (&client->chance, 8))
      sim_park (sim_time () + random_exponential (&client->chance, GROUND_MS));
    do_ask (client);
  }
  /* Another thread may get its number. */
  client->fiber = -1;
}
