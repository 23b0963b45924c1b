/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-lint-internal: what the rules of one kind each share. */
#ifndef MIRROR_CRASH_LINT_INTERNAL_H
#define MIRROR_CRASH_LINT_INTERNAL_H

#include <stdio.h>

#include "crash-check.h"
#include "crash-lint.h"
#include "crash-meta.h"
#include "crash-replay.h"

/* What a leg says durably. */
struct lint_leg {
  bool known; /* still true */
  bool good;  /* it has a superblock */
  struct sb1 sb;
  uint8_t bits[META_BITS_SIZE];
  uint64_t events; /* the last that it was sent */
  uint64_t given_up; /* with so many events nothing that it says counts */
};

/* Who is writing to a sector of the array. */
struct lint_writer {
  uint32_t by;    /* operation, or RECORD_NEVER: the array itself */
  uint32_t count; /* writes under way; 0: nobody */
};

struct lint {
  const struct crash_life *life;
  const struct record *record;
  char *why;
  struct replay replay; /* before the event; after it if it is an answer */
  const struct record_event *event;
  bool stopping; /* the last client has left */
  struct lint_leg leg[CRASH_LEGS_MAX];
  uint16_t busy[CRASH_LEGS_MAX][CRASH_MEMBER_MAX]; /* writes under way */
  struct lint_writer writer[CRASH_ARRAY_MAX];
  uint32_t joined[CRASH_LEGS_MAX]; /* when it came by order; 0: never */
  uint32_t gone[CRASH_LEGS_MAX]; /* when it was written no more; 0: never */
  uint32_t left[CRASH_LEGS_MAX]; /* when it was current no more; 0: never */
  uint32_t written[CRASH_ARRAY_MAX]; /* when a client's data last went out */
  struct record_cut *cuts; /* the record's */
  uint32_t cuts_count;
  uint32_t cut[CRASH_LEGS_MAX]; /* when it last lost its power; 0: never */
  uint32_t before[CRASH_LEGS_MAX][CRASH_MEMBER_MAX]; /* what it held then */
  bool *is_gone; /* by io: it was answered, and lost so */
};

#define LINT_FAIL(lint, ...) crash_objects ((lint)->why, __VA_ARGS__)

/* What @leg says durably. */
const struct lint_leg *lint_says (struct lint *lint, unsigned leg);

/* Does it still say what counts no more, since all of it will be copied? */
bool lint_is_given_up (struct lint *lint, unsigned leg);

/* Do all @legs say durably that @slot is out? */
bool lint_is_out (struct lint *lint, uint32_t legs, unsigned slot);

/* Is it being rebuilt, and says so durably? */
bool lint_is_rebuilt (struct lint *lint, unsigned leg);

/* It came by order, and does not count yet: what it says about the rest is of
 * before, until its own superblock is stored, and says that it is rebuilt.
 */
static inline bool
lint_is_new (const struct lint *lint, unsigned leg)
{
  return lint->joined[leg] != 0 && !(lint->event->in_sync >> leg & 1);
}

/* The targets but for those. */
static inline uint32_t
lint_targets (const struct lint *lint)
{
  uint32_t legs = lint->event->targets;

  for (uint32_t left = legs; left != 0; left &= left - 1)
    if (lint_is_new (lint, __builtin_ctz (left)))
      legs &= ~(left & -left);
  return legs;
}

/* Is @io data? */
static inline bool
lint_is_data (const struct lint *lint, const struct record_io *io)
{
  return record_io_writes (io)
         && shape_place (lint->life->shape, io->leg, io->first) == PLACE_DATA;
}

/* The client's modification that @io is part of, or NULL. */
static inline const struct record_op *
lint_client (const struct lint *lint, const struct record_io *io)
{
  const struct record_op *op = &lint->record->ops[io->by];

  return io->by == RECORD_NEVER || op->kind == OP_READ ? NULL : op;
}

/* crash-lint-power: L8; a leg loses its power; is it on record by now, after
 * this event?  And what it has lost that operation @number vouches for, or
 * NULL.
 */
bool lint_is_known (struct lint *lint, const struct record_io *io);
void lint_cut (struct lint *lint, const struct record_cut *cut);
void lint_look_at_record (struct lint *lint);
const struct record_io *lint_find_gone (
  const struct lint *lint, unsigned leg,
  bool (*is_vouched) (const struct lint *lint, const struct record_io *io,
                      uint32_t number),
  uint32_t number);

/* Rules of: data sent, metadata sent, an operation answered. */
bool lint_data (struct lint *lint, const struct record_io *io);
bool lint_metadata (struct lint *lint, const struct record_io *io);
bool lint_reply (struct lint *lint, uint32_t number);

#endif /* MIRROR_CRASH_LINT_INTERNAL_H */
