/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-state: the states in which a crash at one moment may leave the
 * members.
 */
#ifndef MIRROR_CRASH_STATE_H
#define MIRROR_CRASH_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "crash-replay.h"
#include "sim-random.h"

enum crash_kind {
  CRASH_POWER, /* everything loses its power, and its caches */
  CRASH_KILL,  /* our process ends; the disks go on */
  CRASH_ONE,   /* so it does, and one disk has lost its power */
  CRASH_KINDS,
};

/* Which of the writes that are pending happened. */
enum crash_choice {
  CHOICE_NONE,
  CHOICE_ALL,
  CHOICE_LEGS, /* all on some legs, none on the others */
  CHOICE_LOST, /* all but one */
  CHOICE_KEPT, /* only one */
  CHOICE_TORN, /* one of them in part, the others all or not at all */
  CHOICE_WRITES, /* some */
  CHOICE_SECTORS, /* some sectors of some */
  CHOICES,
};

/* The states of one moment. */
struct crash_states {
  const struct replay *replay;
  uint32_t legs;      /* that are asked for */
  uint32_t unpowered; /* of those that have lost their power */
  unsigned pending; /* writes of which nobody knows */
  unsigned next;    /* into plan */
  unsigned count;
  enum crash_choice plan[32];
};

/* @most: at most so many states. */
void states_begin (struct crash_states *states, const struct replay *replay,
                   enum crash_kind kind, unsigned most,
                   struct random_stream *chance);

/* Only what @leg may hold, when it loses its power: one state. */
void states_begin_leg (struct crash_states *states, const struct replay *replay,
                       unsigned leg, struct random_stream *chance);

/* The next one, in *@ret; *@ret_choice says how it was chosen.  False: there
 * is none.
 */
bool states_next (struct crash_states *states, struct random_stream *chance,
                  struct crash_images *ret, enum crash_choice *ret_choice);

const char *crash_kind_text (enum crash_kind kind);
const char *crash_choice_text (enum crash_choice choice);

#endif /* MIRROR_CRASH_STATE_H */
