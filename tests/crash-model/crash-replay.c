/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-replay: the recording, one event after the other. */
#include <stdlib.h>
#include <string.h>

#include "crash-replay.h"
#include "ground/util.h"

void
replay_init (struct replay *replay, const struct crash_life *life)
{
  memset (replay, 0, sizeof *replay);
  replay->life = life;
  for (unsigned leg = 0; leg < life->shape->slots; leg++) {
    memcpy (replay->leg[leg].durable, life->start.sector[leg],
            sizeof replay->leg[leg].durable);
    memcpy (replay->leg[leg].kept, life->start.sector[leg],
            sizeof replay->leg[leg].kept);
  }
}

void
replay_free (struct replay *replay)
{
  for (unsigned leg = 0; leg < CRASH_LEGS_MAX; leg++)
    free (replay->leg[leg].pending);
}

/* Sectors that a later one has stored already stay as they are. */
static void
store (const struct replay *replay, uint32_t number, uint32_t *sectors,
       uint32_t *by)
{
  const struct record *record = &replay->life->record;
  const struct record_io *io = &record->ios[number];

  for (uint32_t i = 0; i < io->effective; i++)
    if (by[io->first + i] <= number) {
      sectors[io->first + i] = record->contents[io->contents + i];
      by[io->first + i] = number + 1;
    }
}

static void
add_pending (struct replay_leg *leg, uint32_t io)
{
  if (leg->count == leg->room) {
    leg->room = 2 * leg->room + 64;
    leg->pending = realloc (leg->pending, leg->room * sizeof *leg->pending);
    assert (leg->pending != NULL);
  }
  leg->pending[leg->count++] = (struct replay_pending){ .io = io };
}

/* Those for which @remove says so leave the list. */
static void
sweep_pending (struct replay *replay, struct replay_leg *leg,
               bool (*remove) (const struct record_io *io,
                               const struct replay_pending *pending,
                               const struct record_io *cause),
               const struct record_io *cause, bool durable)
{
  unsigned left = 0;

  for (unsigned i = 0; i < leg->count; i++) {
    const struct replay_pending pending = leg->pending[i];
    const struct record_io *io = &replay->life->record.ios[pending.io];

    if (!remove (io, &pending, cause))
      leg->pending[left++] = pending;
    else if (durable)
      store (replay, pending.io, leg->durable, leg->durable_by);
  }
  leg->count = left;
}

static bool
is_covered (const struct record_io *io, const struct replay_pending *pending,
            const struct record_io *flush)
{
  return io->done < flush->submitted && !io->lost && !pending->stuck;
}

static bool
is_itself (const struct record_io *io, const struct replay_pending *pending,
           const struct record_io *cause)
{
  (void)pending;
  return io == cause;
}

static void
write_done (struct replay *replay, uint32_t number)
{
  const struct record_io *io = &replay->life->record.ios[number];
  struct replay_leg *leg = &replay->leg[io->leg];

  if (io->lost)
    return;
  store (replay, number, leg->kept, leg->kept_by);
  if (io->effective == 0 || (io->stable && io->error == 0))
    sweep_pending (replay, leg, is_itself, io, true);
}

static void
flush_done (struct replay *replay, const struct record_io *flush)
{
  struct replay_leg *leg = &replay->leg[flush->leg];

  if (flush->dead)
    return;
  /* A leg that keeps nothing back cannot flush. */
  if (flush->error == 0 || flush->stable) {
    sweep_pending (replay, leg, is_covered, flush, true);
    return;
  }
  for (unsigned i = 0; i < leg->count; i++) {
    struct replay_pending *pending = &leg->pending[i];
    const struct record_io *io = &replay->life->record.ios[pending->io];

    pending->stuck |= io->done < flush->submitted;
  }
}

static void
cut (struct replay *replay, const struct record_cut *cut)
{
  const struct record *record = &replay->life->record;
  struct replay_leg *leg = &replay->leg[cut->leg];
  size_t size
    = replay->life->shape->leg[cut->leg].sectors * sizeof leg->kept[0];

  for (unsigned i = 0; i < leg->count; i++)
    if (record->ios[leg->pending[i].io].ghost) {
      assert (leg->ghosts_count < REPLAY_GHOSTS_MAX);
      leg->ghosts[leg->ghosts_count++] = leg->pending[i].io;
    }
  leg->count = 0;
  memcpy (leg->durable, record->contents + cut->contents, size);
  memcpy (leg->kept, record->contents + cut->contents, size);
  memset (leg->durable_by, 0, sizeof leg->durable_by);
  memset (leg->kept_by, 0, sizeof leg->kept_by);
}

/* It is a write like any other now, in the cache. */
static void
late (struct replay *replay, uint32_t number)
{
  const struct record_io *io = &replay->life->record.ios[number];
  struct replay_leg *leg = &replay->leg[io->leg];
  unsigned left = 0;

  for (unsigned i = 0; i < leg->ghosts_count; i++)
    if (leg->ghosts[i] != io->late_of)
      leg->ghosts[left++] = leg->ghosts[i];
  leg->ghosts_count = left;
  if (io->count == 0)
    return;
  add_pending (leg, number);
  store (replay, number, leg->kept, leg->kept_by);
}

void
replay_step (struct replay *replay)
{
  const struct record *record = &replay->life->record;
  const struct record_event *event;
  const struct record_io *io;

  assert (replay->at < record->count);
  event = record_event (record, ++replay->at);
  io = &record->ios[event->index];
  switch ((enum record_kind)event->kind) {
  case RECORD_SUBMIT:
    if (record_io_writes (io) && !io->dead)
      add_pending (&replay->leg[io->leg], event->index);
    break;
  case RECORD_DONE:
    if (record_io_writes (io))
      write_done (replay, event->index);
    else
      flush_done (replay, io);
    break;
  case RECORD_CUT:
    cut (replay, &record->cuts[event->index]);
    break;
  case RECORD_LATE:
    late (replay, event->index);
    break;
  case RECORD_INVOKE:
  case RECORD_RETURN:
  case RECORD_OPEN:
    break;
  }
}
