/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-lint: one pass over the events of a life.  Here: L4 and L9, and what
 * the others need.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crash-lint-internal.h"
#include "crash-marks.h"
#include "ground-sim.h"
#include "ground/util.h"

const struct lint_leg *
lint_says (struct lint *lint, unsigned leg)
{
  const struct crash_shape *shape = lint->life->shape;
  const uint32_t *durable = lint->replay.leg[leg].durable;
  struct lint_leg *l = &lint->leg[leg];
  struct bitmap_super bitmap;
  char why[MESSAGE_MAX];

  if (l->known)
    return l;
  l->known = true;
  l->good = meta_superblock (shape, leg, durable + shape->leg[leg].super.first,
                             &l->sb, why) == SB1_GOOD;
  if (l->good)
    meta_bitmap (shape, leg, durable + shape->leg[leg].bitmap.first, &l->sb,
                 &bitmap, l->bits, why);
  return l;
}

bool
lint_is_given_up (struct lint *lint, unsigned leg)
{
  const struct lint_leg *l = lint_says (lint, leg);

  return l->good && l->given_up == l->sb.events;
}

bool
lint_is_out (struct lint *lint, uint32_t legs, unsigned slot)
{
  for (uint32_t left = legs; left != 0; left &= left - 1) {
    const struct lint_leg *l = lint_says (lint, __builtin_ctz (left));

    if (!l->good)
      return false;
    for (uint32_t i = 0; i < l->sb.max_dev; i++)
      if (sb1_role (&l->sb, i) == slot)
        return false;
  }
  return legs != 0;
}

bool
lint_is_rebuilt (struct lint *lint, unsigned leg)
{
  const struct lint_leg *l = lint_says (lint, leg);

  return l->good && (l->sb.features & SB1_FEATURE_RECOVERY_OFFSET) != 0;
}

/* --- L9 --- */

static bool
check_area (struct lint *lint, const struct record_io *io)
{
  const struct crash_shape *shape = lint->life->shape;
  const uint32_t *lba = shape->leg[io->leg].lba;
  enum crash_place place = shape_place (shape, io->leg, io->first);

  for (uint32_t i = io->first; i < io->first + io->count; i++)
    if (shape_place (shape, io->leg, i) != place || place == PLACE_NOWHERE
        || place == PLACE_BBLOG
        || (place == PLACE_DATA && lba[i] == CRASH_LBA_NONE))
      return LINT_FAIL (lint, "L9: leg %u was written at sector %u", io->leg,
                        i);
  return true;
}

/* --- L4 --- */

static bool
begin_sector (struct lint *lint, const struct record_io *io, uint32_t sector)
{
  uint32_t lba = lint->life->shape->leg[io->leg].lba[sector];
  struct lint_writer *writer;

  if (lint->busy[io->leg][sector]++ > 0)
    return LINT_FAIL (lint, "L4: leg %u: two writes at once to sector %u",
                      io->leg, sector);
  if (lba == CRASH_LBA_NONE)
    return true;
  writer = &lint->writer[lba];
  if (writer->count > 0 && writer->by != io->by)
    return LINT_FAIL (lint, "L4: leg %u: LBA %u is written for operation %d, "
                      "while operation %d writes it",
                      io->leg, lba, (int)io->by, (int)writer->by);
  *writer = (struct lint_writer){ io->by, writer->count + 1 };
  return true;
}

static bool
begin_write (struct lint *lint, const struct record_io *io)
{
  for (uint32_t i = io->first; i < io->first + io->count; i++)
    if (!begin_sector (lint, io, i))
      return false;
  return true;
}

static void
end_write (struct lint *lint, const struct record_io *io)
{
  for (uint32_t i = io->first; i < io->first + io->count; i++) {
    uint32_t lba = lint->life->shape->leg[io->leg].lba[i];

    lint->busy[io->leg][i]--;
    if (lba != CRASH_LBA_NONE)
      lint->writer[lba].count--;
  }
}

/* --- the events --- */

static bool
submit (struct lint *lint, const struct record_io *io)
{
  bool good;

  if (!record_io_writes (io)) {
    replay_step (&lint->replay);
    return true;
  }
  good = lint_is_known (lint, io) && check_area (lint, io)
         && begin_write (lint, io)
         && (lint_is_data (lint, io) ? lint_data (lint, io)
                                     : lint_metadata (lint, io));
  replay_step (&lint->replay);
  return good;
}

static void
done (struct lint *lint, const struct record_io *io)
{
  replay_step (&lint->replay);
  lint->leg[io->leg].known = false;
  if (record_io_writes (io))
    end_write (lint, io);
}

static void
look_who_left (struct lint *lint, const struct record_event *event)
{
  uint32_t before = lint->event == NULL ? 0 : lint->event->in_sync;

  for (uint32_t left = before & ~event->in_sync; left != 0; left &= left - 1)
    lint->left[__builtin_ctz (left)] = lint->replay.at + 1;
  if (lint->event != NULL)
    for (uint32_t left = lint->event->targets & ~event->targets; left != 0;
         left &= left - 1)
      lint->gone[__builtin_ctz (left)] = lint->replay.at + 1;
  if ((before & ~event->in_sync) && event->resyncing)
    SOMETIMES (FAILED_IN_RESYNC);
}

/* Whatever its bits say, what it missed is copied. */
static void
look_who_came (struct lint *lint, const struct record_event *event)
{
  uint32_t before = lint->event == NULL ? UINT32_MAX : lint->event->targets;

  for (uint32_t left = event->targets & ~before; left != 0; left &= left - 1) {
    unsigned leg = __builtin_ctz (left);

    lint->joined[leg] = lint->replay.at + 1;
    lint->leg[leg].given_up = lint_says (lint, leg)->sb.events;
  }
}

static bool
look_at_event (struct lint *lint, const struct record_event *event)
{
  const struct record *record = lint->record;

  switch ((enum record_kind)event->kind) {
  case RECORD_SUBMIT:
    return submit (lint, &record->ios[event->index]);
  case RECORD_DONE:
    done (lint, &record->ios[event->index]);
    return true;
  case RECORD_INVOKE:
    lint->stopping |= record->ops[event->index].kind == OP_STOP;
    replay_step (&lint->replay);
    return true;
  case RECORD_RETURN:
    replay_step (&lint->replay);
    return lint_reply (lint, event->index);
  case RECORD_CUT:
    lint_cut (lint, &record->cuts[event->index]);
    return true;
  case RECORD_OPEN:
  case RECORD_LATE:
    replay_step (&lint->replay);
    return true;
  }
  return true;
}

static bool
step (struct lint *lint)
{
  const struct record_event *event
    = record_event (lint->record, lint->replay.at + 1);
  bool good;

  look_who_left (lint, event);
  look_who_came (lint, event);
  lint->event = event;
  good = look_at_event (lint, event);
  lint_look_at_record (lint);
  return good;
}

/* For people. */
static void
print_events (const struct lint *lint)
{
  for (uint32_t i = 1; i <= lint->replay.at; i++) {
    const struct record_event *event = record_event (lint->record, i);
    char text[128];

    record_text (lint->record, i, text, sizeof text);
    printf ("%6u  targets %x, in sync %x%s  %s\n", i, event->targets,
            event->in_sync, event->resyncing ? ", resync" : "", text);
  }
}

bool
lint_life (struct crash_life *life, char *why)
{
  static struct lint lint;
  static struct crash_meta meta;
  char event[128], reason[CRASH_WHY_MAX];
  bool good = true;

  memset (&lint, 0, sizeof lint);
  lint.life = life;
  lint.record = &life->record;
  lint.why = why;
  lint.cuts = life->record.cuts;
  lint.cuts_count = life->record.cuts_count;
  lint.is_gone = calloc (life->record.ios_count + 1, sizeof lint.is_gone[0]);
  assert (lint.is_gone != NULL);
  replay_init (&lint.replay, life);
  meta_look (life->shape, &life->start, life->present, life->keep, &meta);
  for (unsigned leg = 0; leg < life->shape->slots; leg++) {
    uint64_t events = lint_says (&lint, leg)->sb.events;
    enum part part = meta.part[leg].part;
    /* All of it is copied, whatever its bits say; and what ran on its own may
     * have more events.
     */
    bool given_up = part == PART_SPLIT || part == PART_STALE;

    lint.leg[leg].events = part == PART_SPLIT ? 0 : events;
    lint.leg[leg].given_up = given_up ? events : UINT64_MAX;
  }
  while (good && lint.replay.at < life->record.count)
    good = step (&lint);
  if (!good && sim_verbose)
    print_events (&lint);
  if (!good) {
    record_text (&life->record, lint.replay.at, event, sizeof event);
    memcpy (reason, why, sizeof reason);
    snprintf (why, CRASH_WHY_MAX, "%.350s (life %u, event %u: %s)", reason,
              life->number, lint.replay.at, event);
  }
  replay_free (&lint.replay);
  free (lint.is_gone);
  return good;
}
