/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-lint-data: L1 and L7, when data go to a leg. */
#include "crash-lint-internal.h"
#include "crash-marks.h"
#include "crash-store.h"
#include "ground/util.h"
#include "sim-stamp.h"

/* --- L1 --- */

static bool
is_protected_on (struct lint *lint, unsigned leg, uint32_t lba)
{
  const struct crash_shape *shape = lint->life->shape;
  const struct lint_leg *l = lint_says (lint, leg);

  if (!l->good)
    return LINT_FAIL (lint, "L1: leg %u has no superblock", leg);
  if (l->sb.resync_offset > shape->real[lba])
    return LINT_FAIL (lint, "L1: LBA %u is written, and leg %u does not say "
                      "that the array is dirty there", lba, leg);
  if (shape->has_bitmap && !meta_bit (shape, l->bits, lba))
    return LINT_FAIL (lint, "L1: LBA %u is written, and leg %u does not have "
                      "the bit of its region", lba, leg);
  return true;
}

static bool
is_protected (struct lint *lint, uint32_t lba)
{
  for (uint32_t left = lint_targets (lint); left != 0; left &= left - 1)
    if (!is_protected_on (lint, __builtin_ctz (left), lba))
      return false;
  return true;
}

/* --- L7 --- */

/* One that has left since the last write to @lba, or has lost its power, may
 * have been read before that.
 */
static bool
is_on_current (const struct lint *lint, unsigned leg, uint32_t lba,
               uint32_t content)
{
  const struct crash_shape *shape = lint->life->shape;

  for (unsigned i = 0; i < shape->copies; i++) {
    const struct crash_copy *copy = &shape->copy[lba][i];

    if (copy->leg != leg && lint->cut[copy->leg] > lint->written[lba]
        && lint->before[copy->leg][copy->sector] == content)
      return true;
    if (copy->leg != leg
        && ((lint->event->in_sync >> copy->leg & 1)
            || lint->left[copy->leg] > lint->written[lba])
        && lint->replay.leg[copy->leg].kept[copy->sector] == content)
      return true;
  }
  return false;
}

static bool
is_right (struct lint *lint, const struct record_io *io, uint32_t lba,
          uint32_t content)
{
  const struct record_op *op = lint_client (lint, io);
  uint64_t value = VALUE_ZERO;

  if (op == NULL)
    return is_on_current (lint, io->leg, lba, content)
           || LINT_FAIL (lint, "L7: leg %u: %s was copied to LBA %u, which no "
                         "current leg holds",
                         io->leg, store_text (content, lba), lba);
  if (op->kind == OP_WRITE)
    value = life_value (lint->life, io->by);
  if ((value == VALUE_ZERO
         ? content == CONTENT_ZERO
         : content != CONTENT_ZERO && store_value (content, lba, &value)
             && value == life_value (lint->life, io->by))
      && lba - op->first < op->count)
    return true;
  return LINT_FAIL (lint, "L7: leg %u: operation %u wrote %s to LBA %u",
                    io->leg, io->by, store_text (content, lba), lba);
}

bool
lint_data (struct lint *lint, const struct record_io *io)
{
  const struct crash_shape *shape = lint->life->shape;
  bool is_copy = lint_client (lint, io) == NULL;
  bool rebuilds = is_copy && !(lint->event->in_sync >> io->leg & 1)
                  && lint_is_rebuilt (lint, io->leg);
  /* It began before that one left. */
  bool is_late = is_copy && !(lint->event->targets >> io->leg & 1);

  for (uint32_t i = 0; i < io->count; i++) {
    uint32_t lba = shape->leg[io->leg].lba[io->first + i];

    if (lba == CRASH_LBA_NONE) /* L9 */
      continue;
    /* What is rebuilt does not count, and says so. */
    if (!rebuilds && !is_late && !is_protected (lint, lba))
      return false;
    if (!is_right (lint, io, lba, lint->record->contents[io->contents + i]))
      return false;
    if (lint_client (lint, io) != NULL)
      lint->written[lba] = lint->replay.at + 1;
  }
  return true;
}
