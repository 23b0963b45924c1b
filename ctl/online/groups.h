/* SPDX-License-Identifier: BSD-3-Clause */
/* groups: how many copies an array has of what, from what its status says. */
#ifndef MIRROR_CTL_GROUPS_H
#define MIRROR_CTL_GROUPS_H

#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "ground/limits.h"

struct groups {
  unsigned slots;
  unsigned count;           /* sets of slots that hold some data together */
  uint32_t group[LEGS_MAX];
  uint32_t in_sync;         /* slots whose member is in sync */
};

/* Of a server's "status".  False: it is none that can be understood. */
bool groups_read (struct groups *groups, JsonObject *status);

/* So many more of the members in sync may fail, whichever they are. */
unsigned groups_survive (const struct groups *groups);

/* The slots whose member has the only copy of something. */
uint32_t groups_vital (const struct groups *groups);

#endif /* MIRROR_CTL_GROUPS_H */
