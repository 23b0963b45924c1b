/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-record: everything that happened in one life of the array, in one
 * sequence: what was asked of the legs, when they answered, what clients
 * asked and what they were told.
 *
 * Events are numbered from 1 on; a crash at event N finds the world after
 * the first N events.  Reads of legs are not recorded: they change nothing.
 */
#ifndef MIRROR_CRASH_RECORD_H
#define MIRROR_CRASH_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crash-shape.h"
#include "legs/leg.h"

#define RECORD_NEVER UINT32_MAX

enum record_kind {
  RECORD_SUBMIT, /* a write, zero or flush goes to a leg */
  RECORD_DONE,   /* and is answered */
  RECORD_INVOKE, /* a client asks */
  RECORD_RETURN, /* and is answered */
  RECORD_OPEN,   /* a leg that has lost its power is opened again */
  RECORD_CUT,    /* a leg loses its power, and what it had not flushed */
  RECORD_LATE,   /* what an ended connection had under way is carried out */
};

struct record_event {
  uint32_t kind : 3;
  uint32_t index : 29; /* of the io, operation, connection or cut */
  /* What the engine thought then: masks of slots. */
  uint8_t targets, in_sync;
  bool resyncing;
};

/* One write, zero or flush of one leg. */
struct record_io {
  unsigned leg;
  enum child_op op;
  uint32_t by; /* the client's operation whose fiber sent it, or RECORD_NEVER */
  bool stable; /* FUA, or a leg that keeps nothing back */
  bool lost;   /* the leg was given up: it may still take effect */
  uint32_t first, count; /* sectors of the leg */
  size_t contents;       /* where its contents begin; zero has some, too */
  uint32_t submitted, done; /* events; RECORD_NEVER */
  int error;
  uint32_t effective; /* a failed one has done so many sectors */
  uint32_t connection;
  bool dead;  /* sent when its connection had ended: never carried out */
  bool ghost; /* not answered when it ended: it may be carried out late */
  uint32_t late_of; /* what was carried out of that one, or RECORD_NEVER */
};

/* One leg, from when it is opened on. */
struct record_connection {
  unsigned leg;
  uint32_t looked; /* the events before its superblock was read, or
                      RECORD_NEVER */
};

/* A leg loses its power. */
struct record_cut {
  unsigned leg;
  uint32_t event;
  size_t contents;   /* all that it holds from then on begins here */
  bool was_last;     /* no other leg that is reached had all that it has */
  /* Events, or RECORD_NEVER: */
  uint32_t left;     /* the engine took it out */
  uint32_t recorded; /* that is on record, or that it is rebuilt (crash-lint) */
  uint32_t back;     /* it is written to again */
};

#define RECORD_CUTS_MAX 16

enum record_op_kind {
  OP_READ,
  OP_WRITE,
  OP_ZERO,
  OP_TRIM,
  OP_FLUSH,
  OP_STOP, /* array_quiesce */
  OP_KINDS,
};

struct record_op {
  enum record_op_kind kind;
  uint32_t flags;           /* of array.h */
  uint32_t first, count;    /* sectors of the array */
  uint32_t invoked, returned; /* events; RECORD_NEVER */
  int result;
  bool nothing; /* refused: it had no effect */
};

struct record {
  struct record_event *events;
  uint32_t count, events_room;
  struct record_io *ios;
  uint32_t ios_count, ios_room;
  struct record_op *ops;
  uint32_t ops_count, ops_room;
  uint32_t *contents;
  size_t contents_count, contents_room;
  struct record_connection *connections;
  uint32_t connections_count, connections_room;
  struct record_cut cuts[RECORD_CUTS_MAX];
  uint32_t cuts_count;

  const struct crash_shape *shape; /* whose legs they are */
  /* What else is noted: set them before the first event, or leave them NULL.
   */
  uint32_t (*asker) (void); /* the operation of this fiber */
  void (*look) (struct record_event *event);
};

void record_init (struct record *record, const struct crash_shape *shape);
void record_free (struct record *record);

/* A child goes to @leg: the number of its io.  Its buffer is looked at now.
 * RECORD_NEVER: it writes to holes only.
 */
uint32_t record_submit (struct record *record, unsigned leg,
                        const struct child *child, bool stable);

/* It is answered.  @effective: of a write or zero that failed, so many
 * sectors were done all the same.  @lost: nobody knows.
 */
void record_done (struct record *record, uint32_t io, int error,
                  uint32_t effective, bool lost);

/* @leg is opened: the number of the connection. */
uint32_t record_open (struct record *record, unsigned leg);

/* Its superblock is read. */
void record_looked (struct record *record, uint32_t connection);

/* @leg loses its power, and holds @sectors from now on. */
struct record_cut *record_cut (struct record *record, unsigned leg,
                               const uint32_t *sectors);

/* The last cut of @leg, or NULL. */
struct record_cut *record_last_cut (struct record *record, unsigned leg);

/* Of @io, whose connection has ended, the @count sectors from its @first on are
 * carried out now, and nothing later.
 */
void record_late (struct record *record, uint32_t io, uint32_t first,
                  uint32_t count);

uint32_t record_invoke (struct record *record, enum record_op_kind kind,
                        uint32_t flags, uint32_t first, uint32_t count);
void record_return (struct record *record, uint32_t op, int result,
                    bool nothing);

/* Does the buffer of @child still hold what was recorded? */
bool record_same (const struct record *record, uint32_t io,
                  const struct child *child);

static inline bool
record_io_writes (const struct record_io *io)
{
  return io->op != CHILD_FLUSH;
}

/* Event @number and what it is about. */
static inline const struct record_event *
record_event (const struct record *record, uint32_t number)
{
  return &record->events[number - 1];
}

/* For people. */
void record_text (const struct record *record, uint32_t number, char *ret,
                  size_t size);

#endif /* MIRROR_CRASH_RECORD_H */
