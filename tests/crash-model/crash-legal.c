/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-legal: one pass over the operations of a life. */
#include <string.h>

#include "crash-legal.h"
#include "engine/array.h"
#include "ground/util.h"
#include "sim-stamp.h"

/* Answered with success by event @at. */
static bool
is_acked (const struct record_op *op, uint32_t at)
{
  return op->returned <= at && op->result == 0;
}

/* The latest beginning of a flush that succeeded. */
static uint32_t
last_flush (const struct record *record, uint32_t at)
{
  uint32_t last = 0;

  for (uint32_t i = 0; i < record->ops_count; i++) {
    const struct record_op *op = &record->ops[i];

    if ((op->kind == OP_FLUSH || op->kind == OP_STOP) && is_acked (op, at))
      last = MAX (last, op->invoked);
  }
  return last;
}

/* @covered: those answered before it have survived.  @began: what began
 * later does not count.
 */
static void
gather (struct legal *ret, const struct crash_life *life, uint32_t covered,
        bool fua)
{
  const struct record *record = &life->record;

  memset (ret->newest, 0, sizeof ret->newest);
  memset (ret->zeroed, 0, sizeof ret->zeroed);
  ret->life = life;
  for (uint32_t i = 0; i < record->ops_count; i++) {
    const struct record_op *op = &record->ops[i];
    bool acked = is_acked (op, ret->at);
    bool zeroes = op->kind == OP_ZERO || op->kind == OP_TRIM;
    bool survived = acked && op->kind != OP_TRIM
                    && (op->returned < covered
                        || (fua && (op->flags & ARRAY_FUA)));

    if ((op->kind != OP_WRITE && !zeroes) || op->invoked > ret->at
        || op->nothing)
      continue;
    for (uint32_t lba = op->first; lba < op->first + op->count; lba++) {
      if (survived)
        ret->newest[lba] = MAX (ret->newest[lba], op->invoked);
      if (zeroes)
        ret->zeroed[lba]
          = MAX (ret->zeroed[lba], acked ? op->returned : RECORD_NEVER);
    }
  }
}

void
legal_at (struct legal *ret, const struct crash_life *life, uint32_t at,
          enum crash_kind kind)
{
  ret->at = at;
  if (kind == CRASH_KILL)
    gather (ret, life, RECORD_NEVER, false);
  else
    gather (ret, life, last_flush (&life->record, at), true);
}

void
legal_read (struct legal *ret, const struct crash_life *life, uint32_t invoked)
{
  ret->at = life->record.count;
  gather (ret, life, invoked, false);
}

bool
legal_is_base (const struct legal *legal, uint32_t lba, uint64_t value)
{
  const struct crash_life *life = legal->life;

  if (value == VALUE_ZERO && legal->zeroed[lba] != 0)
    return false;
  for (unsigned i = 0; i < life->bases[lba]; i++)
    if (life->base[lba][i] == value)
      return true;
  return false;
}

bool
legal_value (const struct legal *legal, uint32_t lba, uint64_t value)
{
  const struct crash_life *life = legal->life;
  uint32_t newest = legal->newest[lba];
  uint32_t number = life_op_of (life, value);
  const struct record_op *op;

  if (value == VALUE_ZERO && legal->zeroed[lba] > newest)
    return true;
  if (number == RECORD_NEVER) {
    for (unsigned i = 0; i < life->bases[lba] && newest == 0; i++)
      if (life->base[lba][i] == value)
        return true;
    return false;
  }
  op = &life->record.ops[number];
  if (op->kind != OP_WRITE || op->invoked > legal->at || op->nothing
      || lba < op->first || lba - op->first >= op->count)
    return false;
  return !is_acked (op, legal->at) || op->returned > newest;
}
