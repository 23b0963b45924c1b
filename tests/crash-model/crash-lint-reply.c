/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-lint-reply: L2 and L3, when a client is told of success. */
#include "crash-lint-internal.h"
#include "crash-marks.h"
#include "engine/array.h"
#include "ground/util.h"

/* --- L2 --- */

/* Which sectors of which legs has operation @number stored?  A bit for each
 * leg, by LBA - op->first.
 */
static bool
gather_stored (const struct lint *lint, uint32_t number, uint8_t *ret)
{
  const struct record *record = lint->record;
  const struct record_op *op = &record->ops[number];
  bool any = false;

  for (uint32_t i = 0; i < op->count; i++)
    ret[i] = 0;
  for (uint32_t i = 0; i < record->ios_count; i++) {
    const struct record_io *io = &record->ios[i];

    if (io->by != number || !lint_is_data (lint, io))
      continue;
    any = true;
    for (uint32_t j = 0; j < io->count; j++) {
      uint32_t lba = lint->life->shape->leg[io->leg].lba[io->first + j];

      if (io->error == 0 && io->done <= lint->replay.at
          && lba - op->first < op->count)
        ret[lba - op->first] |= 1u << io->leg;
    }
  }
  return any;
}

static bool
check_stored (struct lint *lint, uint32_t number)
{
  const struct crash_shape *shape = lint->life->shape;
  const struct record_op *op = &lint->record->ops[number];
  uint8_t stored[CRASH_ARRAY_MAX];

  /* A trim that one leg cannot do is done on none. */
  if (!gather_stored (lint, number, stored) && op->kind == OP_TRIM)
    return true;
  for (uint32_t i = 0; i < op->count; i++)
    for (unsigned j = 0; j < shape->copies; j++) {
      unsigned leg = shape->copy[op->first + i][j].leg;

      /* Who came since it began gets it with the rebuild. */
      if ((stored[i] >> leg & 1) || lint->joined[leg] > op->invoked)
        continue;
      if (!lint_is_out (lint, lint_targets (lint) & ~(1u << leg), leg))
        return LINT_FAIL (lint, "L2: operation %u is answered, leg %u missed "
                          "LBA %u of it, and that is not on record", number,
                          leg, op->first + i);
      SOMETIMES (REPLY_WITHOUT);
    }
  return true;
}

/* --- L3 --- */

/* Is @io of a modification that operation @number vouches for? */
static bool
is_vouched (const struct lint *lint, const struct record_io *io,
            uint32_t number)
{
  const struct record_op *flush = &lint->record->ops[number];
  const struct record_op *op = lint_client (lint, io);

  if (op == NULL)
    return false;
  if (io->by == number)
    return io->error == 0;
  return (flush->kind == OP_FLUSH || flush->kind == OP_STOP)
         && op->returned < flush->invoked && op->result == 0;
}

/* What operation @number vouches for and @leg has not stored, or NULL. */
static const struct record_io *
find_volatile (const struct lint *lint, unsigned leg, uint32_t number)
{
  const struct replay_leg *replay = &lint->replay.leg[leg];

  for (unsigned i = 0; i < replay->count; i++) {
    const struct record_io *io = &lint->record->ios[replay->pending[i].io];

    if (lint_is_data (lint, io) && is_vouched (lint, io, number))
      return io;
  }
  return lint_find_gone (lint, leg, is_vouched, number);
}

static bool
check_durable (struct lint *lint, uint32_t number)
{
  for (uint32_t left = lint_targets (lint); left != 0; left &= left - 1) {
    unsigned leg = __builtin_ctz (left);
    const struct record_io *io = find_volatile (lint, leg, number);

    if (io != NULL)
      return LINT_FAIL (lint, "L3: operation %u is answered, and leg %u has "
                        "not stored operation %u", number, leg, io->by);
  }
  return true;
}

/* Whoever is out has to be so on record, too; but one that failed only now,
 * and has stored it all, may be believed a while longer.
 */
static bool
check_recorded (struct lint *lint, uint32_t number)
{
  for (unsigned slot = 0; slot < lint->life->shape->slots; slot++)
    if (!(lint->event->targets >> slot & 1)
        && !lint_is_out (lint, lint_targets (lint), slot)
        && (lint->gone[slot] <= lint->record->ops[number].invoked
            || find_volatile (lint, slot, number) != NULL))
      return LINT_FAIL (lint, "L2: a flush is answered, and it is not on "
                        "record that leg %u is out", slot);
  return true;
}

/* Was anything sent to a data area up to now? */
static bool
has_data (const struct lint *lint)
{
  const struct record *record = lint->record;

  for (uint32_t i = 0; i < record->ios_count; i++)
    if (record->ios[i].submitted <= lint->replay.at
        && lint_is_data (lint, &record->ios[i]))
      return true;
  return false;
}

bool
lint_reply (struct lint *lint, uint32_t number)
{
  const struct record_op *op = &lint->record->ops[number];
  bool modifies
    = op->kind == OP_WRITE || op->kind == OP_ZERO || op->kind == OP_TRIM;
  bool flushes = op->kind == OP_FLUSH || op->kind == OP_STOP;

  if (op->result != 0 || op->kind == OP_READ)
    return true;
  if (modifies && !check_stored (lint, number))
    return false;
  if ((flushes || (op->flags & ARRAY_FUA)) && !check_durable (lint, number))
    return false;
  return !flushes || !has_data (lint) || check_recorded (lint, number);
}
