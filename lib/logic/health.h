/* SPDX-License-Identifier: BSD-3-Clause */
/* health: which members can be trusted, and what an event makes of that.
 *
 * Pure.  The caller (engine/failure) holds the lock, carries out what is
 * decided and tells people.
 *
 *   RECOVERING ---- leg failed ------------------------------.
 *       |                                                    |
 *       | rebuilt                                            v
 *       `-----> IN_SYNC -- leg failed, another copy ----> FAULTY
 *                  |       of everything remains
 *                  |
 *                  `------ leg failed, but some chunk has its last copy
 *                          there: stays, its errors go to the client
 *
 * A recovering slot gets every write and is never read: it is no copy.
 */
#ifndef MIRROR_HEALTH_H
#define MIRROR_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "ground/limits.h"

struct health {
  unsigned slots;
  unsigned groups;            /* of layout_groups */
  uint32_t group[LEGS_MAX];
  uint32_t in_sync;           /* mask of slots */
  uint32_t recovering;        /* others that get writes */
};

enum health_verdict {
  HEALTH_FAILED,    /* the slot is out now; tell people, record it */
  HEALTH_ALREADY,   /* it was out before: nothing new */
  HEALTH_LAST_COPY, /* it must stay: some chunk has no other copy */
};

/* @in_sync has enough members; @recovering are others.  @group, @groups as
 * from layout_groups.
 */
void health_init (struct health *health, unsigned slots,
                  const uint32_t *group, unsigned groups, uint32_t in_sync,
                  uint32_t recovering);

/* Does every copy group keep a member of @in_sync? */
bool health_enough (const struct health *health, uint32_t in_sync);

/* Of @failed, slots that could not do what all were to do: those that cannot be
 * called worse than others, since no copy of @in_sync in one of their groups
 * could.
 */
uint32_t health_excused (const struct health *health, uint32_t in_sync,
                         uint32_t failed);

/* in_sync had enough members before, and has after. */
enum health_verdict health_leg_failed (struct health *health, unsigned slot);

/* @slot holds everything now.  False: it has failed meanwhile. */
bool health_leg_recovered (struct health *health, unsigned slot);

#endif /* MIRROR_HEALTH_H */
