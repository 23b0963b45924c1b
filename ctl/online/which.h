/* SPDX-License-Identifier: BSD-3-Clause */
/* which: the member of an array that a word of the user names. */
#ifndef MIRROR_WHICH_H
#define MIRROR_WHICH_H

#include <json-glib/json-glib.h>
#include <stdint.h>

#include "ctl/online/server.h"

/* The number of a slot, a disk as status shows it or from here, or id=N.  Of
 * several members of one slot that in the state @prefers (NULL: the first).  A
 * slot without a member is found, too; its id is null.  NULL: there is none.
 */
JsonObject *which_entry (JsonObject *status, const char *word,
                         const char *prefers);

/* Asks the server.  EXIT_OK and the member's id; or told, and the status. */
int which_member (struct server *server, const char *word,
                  const char *prefers, int64_t *ret);

/* No member is called so: told, and the status. */
int which_none (const struct server *server, const char *word);

#endif /* MIRROR_WHICH_H */
