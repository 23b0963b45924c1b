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

/* Which must have survived?  Events. */
struct rule {
  uint32_t answered; /* before this, and not lost with a leg's power */
  uint32_t flushed;  /* or before this */
  uint32_t fua;      /* or with FUA, before this */
  bool reads;        /* by a reader; else after a crash */
};

static bool
is_copy (const struct crash_shape *shape, uint32_t lba, unsigned leg)
{
  for (unsigned i = 0; i < shape->copies; i++)
    if (shape->copy[lba][i].leg == leg)
      return true;
  return false;
}

/* May a leg that counts have lost what @op, answered but not flushed, has
 * stored?
 */
static bool
is_exposed (const struct legal *legal, const struct rule *rule,
            const struct record_op *op, uint32_t lba)
{
  const struct record *record = &legal->life->record;

  for (uint32_t i = 0; i < record->cuts_count; i++) {
    const struct record_cut *cut = &record->cuts[i];

    if (cut->event > op->invoked && cut->event <= legal->at
        && (rule->reads ? cut->left : cut->recorded) > legal->at
        && is_copy (legal->life->shape, lba, cut->leg))
      return true;
  }
  return false;
}

static bool
has_survived (const struct legal *legal, const struct rule *rule,
              const struct record_op *op, uint32_t lba)
{
  if (!is_acked (op, legal->at) || op->kind == OP_TRIM)
    return false;
  return op->returned < rule->flushed
         || (op->returned < rule->fua && (op->flags & ARRAY_FUA))
         || (op->returned < rule->answered
             && !is_exposed (legal, rule, op, lba));
}

/* What began later than @ret->at does not count. */
static void
gather (struct legal *ret, const struct crash_life *life,
        const struct rule *rule)
{
  const struct record *record = &life->record;

  memset (ret->newest, 0, sizeof ret->newest);
  memset (ret->zeroed, 0, sizeof ret->zeroed);
  ret->life = life;
  for (uint32_t i = 0; i < record->ops_count; i++) {
    const struct record_op *op = &record->ops[i];
    bool acked = is_acked (op, ret->at);
    bool zeroes = op->kind == OP_ZERO || op->kind == OP_TRIM;

    if ((op->kind != OP_WRITE && !zeroes) || op->invoked > ret->at
        || op->nothing)
      continue;
    for (uint32_t lba = op->first; lba < op->first + op->count; lba++) {
      if (has_survived (ret, rule, op, lba))
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
  const struct rule rule
    = { .answered = kind == CRASH_KILL ? RECORD_NEVER : 0,
        .flushed = last_flush (&life->record, at),
        .fua = RECORD_NEVER };

  ret->at = at;
  gather (ret, life, &rule);
}

void
legal_read (struct legal *ret, const struct crash_life *life, uint32_t invoked)
{
  const struct rule rule = { .answered = invoked,
                             .flushed = last_flush (&life->record, invoked),
                             .fua = invoked,
                             .reads = true };

  ret->at = life->record.count;
  gather (ret, life, &rule);
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
