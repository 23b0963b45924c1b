/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-record: vectors that grow. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash-holes.h"
#include "crash-record.h"
#include "crash-store.h"
#include "ground/util.h"

static void *
grown (void *vector, size_t size, size_t needed, size_t *room)
{
  if (needed <= *room)
    return vector;
  *room = MAX (2 * *room, needed + 256);
  vector = realloc (vector, *room * size);
  assert (vector != NULL);
  return vector;
}

#define GROW(vector, needed, room_)                                           \
  do {                                                                        \
    size_t grow_room = (room_);                                               \
    (vector) = grown ((vector), sizeof *(vector), (needed), &grow_room);      \
    (room_) = grow_room;                                                      \
  } while (0)

void
record_init (struct record *record, const struct crash_shape *shape)
{
  memset (record, 0, sizeof *record);
  record->shape = shape;
}

void
record_free (struct record *record)
{
  free (record->events);
  free (record->ios);
  free (record->ops);
  free (record->contents);
  free (record->connections);
  memset (record, 0, sizeof *record);
}

/* Who is not in sync any more since it lost its power? */
static void
note_who_left (struct record *record)
{
  const struct record_event *event = &record->events[record->count - 1];

  for (uint32_t i = 0; i < record->cuts_count; i++) {
    struct record_cut *cut = &record->cuts[i];

    if (cut->left == RECORD_NEVER && !(event->in_sync >> cut->leg & 1))
      cut->left = record->count;
  }
}

/* The number of the new event. */
static uint32_t
add_event (struct record *record, enum record_kind kind, uint32_t index)
{
  GROW (record->events, record->count + 1, record->events_room);
  record->events[record->count]
    = (struct record_event){ .kind = kind, .index = index };
  if (record->look != NULL)
    record->look (&record->events[record->count]);
  record->count++;
  note_who_left (record);
  return record->count;
}

/* What @child holds of @sector of @leg. */
static const char *
bytes_of (const struct record *record, unsigned leg, const struct child *child,
          uint32_t sector)
{
  uint64_t at = (uint64_t)record->shape->leg[leg].real[sector] * SECTOR_SIZE;

  return (const char *)child->buffer + (at - child->offset);
}

uint32_t
record_submit (struct record *record, unsigned leg, const struct child *child,
               bool stable)
{
  struct record_io *io;

  GROW (record->ios, record->ios_count + 1, record->ios_room);
  io = &record->ios[record->ios_count];
  *io = (struct record_io){ .leg = leg,
                            .op = child->op,
                            .by = record->asker != NULL ? record->asker ()
                                                        : RECORD_NEVER,
                            .stable = stable,
                            .contents = record->contents_count,
                            .done = RECORD_NEVER,
                            .late_of = RECORD_NEVER };
  if (child->op != CHILD_FLUSH) {
    uint64_t end = child->offset + child->length;

    io->first = shape_sector (record->shape, leg, child->offset / SECTOR_SIZE);
    io->count
      = shape_sector (record->shape, leg, end / SECTOR_SIZE) - io->first;
    if (io->count == 0)
      return RECORD_NEVER;
    GROW (record->contents, record->contents_count + io->count,
          record->contents_room);
  }
  for (uint32_t i = 0; i < io->count; i++)
    record->contents[record->contents_count++]
      = child->op == CHILD_ZERO
          ? CONTENT_ZERO
          : store_put (bytes_of (record, leg, child, io->first + i));
  io->submitted = add_event (record, RECORD_SUBMIT, record->ios_count);
  return record->ios_count++;
}

bool
record_same (const struct record *record, uint32_t number,
             const struct child *child)
{
  const struct record_io *io = &record->ios[number];

  for (uint32_t i = 0; i < io->count && child->op == CHILD_WRITE; i++)
    if (memcmp (store_bytes (record->contents[io->contents + i]),
                bytes_of (record, io->leg, child, io->first + i), SECTOR_SIZE)
        != 0)
      return false;
  return true;
}

void
record_done (struct record *record, uint32_t number, int error,
             uint32_t effective, bool lost)
{
  struct record_io *io = &record->ios[number];

  assert (io->done == RECORD_NEVER && effective <= io->count);
  io->error = error;
  io->effective = error == 0 ? io->count : effective;
  io->lost = lost;
  io->done = add_event (record, RECORD_DONE, number);
}

uint32_t
record_open (struct record *record, unsigned leg)
{
  uint32_t number = record->connections_count;

  GROW (record->connections, number + 1, record->connections_room);
  record->connections[number]
    = (struct record_connection){ .leg = leg, .looked = RECORD_NEVER };
  record->connections_count++;
  if (record->cuts_count > 0)
    add_event (record, RECORD_OPEN, number);
  return number;
}

void
record_looked (struct record *record, uint32_t connection)
{
  struct record_connection *c = &record->connections[connection];

  c->looked = MIN (c->looked, record->count);
}

struct record_cut *
record_cut (struct record *record, unsigned leg, const uint32_t *sectors)
{
  struct record_cut *cut = &record->cuts[record->cuts_count];
  uint32_t count = record->shape->leg[leg].sectors;

  assert (record->cuts_count < RECORD_CUTS_MAX);
  GROW (record->contents, record->contents_count + count,
        record->contents_room);
  memcpy (record->contents + record->contents_count, sectors,
          count * sizeof sectors[0]);
  *cut = (struct record_cut){ .leg = leg,
                              .contents = record->contents_count,
                              .left = RECORD_NEVER,
                              .recorded = RECORD_NEVER,
                              .back = RECORD_NEVER };
  record->contents_count += count;
  record->cuts_count++;
  cut->event = add_event (record, RECORD_CUT, record->cuts_count - 1);
  return cut;
}

struct record_cut *
record_last_cut (struct record *record, unsigned leg)
{
  struct record_cut *last = NULL;

  for (uint32_t i = 0; i < record->cuts_count; i++)
    if (record->cuts[i].leg == leg)
      last = &record->cuts[i];
  return last;
}

void
record_late (struct record *record, uint32_t number, uint32_t first,
             uint32_t count)
{
  struct record_io io;

  GROW (record->ios, record->ios_count + 1, record->ios_room);
  io = record->ios[number];
  assert (io.ghost && first + count <= io.count);
  io.by = RECORD_NEVER;
  io.late_of = number;
  io.stable = io.lost = io.ghost = false;
  io.first += first;
  io.contents += first;
  io.count = io.effective = count;
  io.error = 0;
  io.submitted = io.done = add_event (record, RECORD_LATE, record->ios_count);
  record->ios[record->ios_count++] = io;
}

uint32_t
record_invoke (struct record *record, enum record_op_kind kind, uint32_t flags,
               uint32_t first, uint32_t count)
{
  GROW (record->ops, record->ops_count + 1, record->ops_room);
  record->ops[record->ops_count]
    = (struct record_op){ .kind = kind,
                          .flags = flags,
                          .first = first,
                          .count = count,
                          .returned = RECORD_NEVER };
  record->ops[record->ops_count].invoked
    = add_event (record, RECORD_INVOKE, record->ops_count);
  return record->ops_count++;
}

void
record_return (struct record *record, uint32_t number, int result,
               bool nothing)
{
  struct record_op *op = &record->ops[number];

  assert (op->returned == RECORD_NEVER);
  op->result = result;
  op->nothing = nothing;
  op->returned = add_event (record, RECORD_RETURN, number);
}

void
record_text (const struct record *record, uint32_t number, char *ret,
             size_t size)
{
  static const char *const ios[] = { "read", "write", "flush", "zero" };
  static const char *const ops[]
    = { "read", "write", "zero", "trim", "flush", "stop" };
  const struct record_event *event = record_event (record, number);
  const struct record_io *io = &record->ios[event->index];
  const struct record_op *op = &record->ops[event->index];

  switch ((enum record_kind)event->kind) {
  case RECORD_SUBMIT:
    snprintf (ret, size, "leg %u: %s %u+%u%s, io %u", io->leg, ios[io->op],
              io->first, io->count, io->stable ? " stable" : "", event->index);
    break;
  case RECORD_DONE:
    snprintf (ret, size, "leg %u: io %u is %d%s", io->leg, event->index,
              io->error, io->lost ? ", lost" : "");
    break;
  case RECORD_INVOKE:
    snprintf (ret, size, "client: op %u, %s %u+%u flags %u", event->index,
              ops[op->kind], op->first, op->count, op->flags);
    break;
  case RECORD_RETURN:
    snprintf (ret, size, "client: op %u is %d", event->index, op->result);
    break;
  case RECORD_OPEN:
    snprintf (ret, size, "leg %u: opened again",
              record->connections[event->index].leg);
    break;
  case RECORD_CUT:
    snprintf (ret, size, "leg %u: loses its power%s",
              record->cuts[event->index].leg,
              record->cuts[event->index].was_last ? ", the last copy" : "");
    break;
  case RECORD_LATE:
    snprintf (ret, size, "leg %u: late, %u+%u of io %u, as io %u", io->leg,
              io->first, io->count, io->late_of, event->index);
    break;
  }
}
