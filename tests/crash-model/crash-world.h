/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-world: one life of the array in a simulated world, recorded.
 *
 * What clients see is judged while it happens:
 *
 *   O4   every read returns a legal value, and what was there before this
 *        life is one value from the first read on, whichever legs fail
 */
#ifndef MIRROR_CRASH_WORLD_H
#define MIRROR_CRASH_WORLD_H

#include "crash-script.h"
#include "ground/ground.h"

struct crash_client {
  unsigned number;
  struct ground_thread thread;
  struct random_stream chance;
  int fiber;
  uint32_t op; /* that it asks for; RECORD_NEVER: none */
};

struct crash_world {
  struct crash_life *life;
  const struct crash_script *script;
  struct array *array;
  struct crash_client client[CRASH_CLIENTS_MAX];
  uint32_t now[CRASH_LEGS_MAX][CRASH_MEMBER_MAX]; /* the legs' contents */
  bool may_write;
  struct random_stream chance; /* of the administrator */
  bool is_short;    /* a leg that was sent away did not come back */
  uint32_t cuts_waited_for; /* until the legs were back */
  bool flush_lost;  /* a last copy may have lost something */
  struct array_status last; /* of the array, before it was stopped */
  uint64_t operations, errors;
};

extern struct crash_world crash_world;

/* This world fails, if whoever says so is on trial (crash_objects); inside a
 * fiber.
 */
void crash_world_fail (const char *format, ...)
  __attribute__ ((format (printf, 1, 2)));

/* What was counted in all worlds. */
struct crash_counts {
  uint64_t worlds, operations, errors, steps;
  double virtual_s;
};
extern struct crash_counts crash_counts;

/* Live @life by @script.  False, and @why (CRASH_WHY_MAX bytes), if it was no
 * good life.
 */
bool world_run (struct crash_life *life, const struct crash_script *script,
                char *why);

/* crash-client.c: the operations of one client in one phase; a fiber. */
void crash_client_run (void *argument);

#endif /* MIRROR_CRASH_WORLD_H */
