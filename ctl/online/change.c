/* SPDX-License-Identifier: BSD-3-Clause */
/* change: fail, remove, add, readd, replace and spare disks of an array that
 * is served.
 *
 * The server is first asked what it would do; that is the plan, which is shown
 * and has to be agreed to.
 *
 * A new verb is a line of the table, here and in lib/control/orders.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/online/order.h"
#include "ctl/online/server.h"
#include "ctl/online/which.h"

static gboolean discard;
static char *other_disk;

static const GOptionEntry no_entries[] = {
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static const GOptionEntry discard_entries[] = {
  { "discard", 0, 0, G_OPTION_ARG_NONE, &discard,
    "What the disk holds may be overwritten", NULL },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static const GOptionEntry readd_entries[] = {
  { "discard", 0, 0, G_OPTION_ARG_NONE, &discard,
    "What the disk holds may be overwritten", NULL },
  { "disk", 0, 0, G_OPTION_ARG_FILENAME, &other_disk,
    "Where the disk is now", "DISK" },
  { NULL, 0, 0, 0, NULL, NULL, NULL },
};

static const struct verb {
  const char *name, *usage;
  const GOptionEntry *entries;
  bool member, disk; /* words that it needs, in this order */
  const char *prefers; /* of several members of a slot: in that state */
} verbs[] = {
  { "fail", "[ARRAY] MEMBER", no_entries, true, false, "in-sync" },
  { "remove", "[ARRAY] MEMBER", no_entries, true, false, "failed" },
  { "add", "[ARRAY] DISK", discard_entries, false, true, NULL },
  { "readd", "[ARRAY] MEMBER", readd_entries, true, false, "failed" },
  { "spare", "[ARRAY] DISK", discard_entries, false, true, NULL },
  { "replace", "[ARRAY] MEMBER DISK", discard_entries, true, true,
    "in-sync" },
  { "write-mostly", "[ARRAY] MEMBER", no_entries, true, false, "in-sync" },
  { "read-as-others", "[ARRAY] MEMBER", no_entries, true, false, "in-sync" },
};

/* ---------------------------------------------------------------- in turn */

/* @words: those that the verb needs. */
static int
change (struct server *server, const struct verb *verb, char **words)
{
  g_autofree char *disk = NULL;
  const char *given = verb->disk ? words[verb->member] : other_disk;
  int64_t member = 0;
  int status = verb->member
                 ? which_member (server, words[0], verb->prefers, &member)
                 : EXIT_OK;

  if (status != EXIT_OK)
    return status;
  if (given != NULL) {
    disk = order_disk (given);
    if (disk == NULL)
      return EXIT_USAGE;
  }
  return order_plan (server, &(struct order){ .verb = verb->name,
                                              .member = member,
                                              .disk = disk,
                                              .discard = discard });
}

int
change_command (int argc, char **argv)
{
  const struct verb *verb = verbs;
  struct server *server;
  int needed, status;

  while (strcmp (verb->name, argv[0]) != 0)
    verb++;
  if (!ctl_parse (&argc, &argv, verb->entries, verb->usage))
    return EXIT_USAGE;
  needed = verb->member + verb->disk;
  if (argc != 1 + needed && argc != 2 + needed)
    return ctl_fail (EXIT_USAGE, "usage", "bad-option", "%s %s", verb->name,
                     verb->usage);
  status = server_open (argc == 2 + needed ? argv[1] : NULL, &server);
  if (status != EXIT_OK)
    return status;
  order_is_slow (server);
  status = change (server, verb, argv + argc - needed);
  server_free (server);
  return status;
}
