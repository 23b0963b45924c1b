/* SPDX-License-Identifier: BSD-3-Clause */
/* order: an order about the members of an array, given to its server. */
#ifndef MIRROR_CTL_ORDER_H
#define MIRROR_CTL_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/online/server.h"

struct order {
  const char *verb;
  int64_t member;   /* 0: none */
  const char *disk; /* NULL: none */
  const char *number_name; /* NULL: none; the name of an argument that is */
  int64_t number;
  const char *name; /* NULL: none */
  bool discard;
  bool dry_run;
};

/* Orders wait for disks: so its answers may take longer, unless the user said
 * how long.
 */
void order_is_slow (struct server *server);

/* Its answer, unseen. */
JsonNode *order_ask (struct server *server, const struct order *order);

/* Gives it, and shows what the server answers; a dry run is shown as the plan.
 * EXIT_OK, or told and the status.
 */
int order_give (struct server *server, const struct order *order);

/* First as a dry run, which is the plan; then, if that is agreed to. */
int order_plan (struct server *server, const struct order *order);

/* A disk as the server takes it, whose directory is another one.  To be freed;
 * NULL: it is none, which was told.
 */
char *order_disk (const char *word);

#endif /* MIRROR_CTL_ORDER_H */
