/* SPDX-License-Identifier: BSD-3-Clause */
/* server: a server that runs, reached by its control socket. */
#ifndef MIRROR_SERVER_H
#define MIRROR_SERVER_H

#include <json-glib/json-glib.h>
#include <stdbool.h>

#include "ctl/ctl.h"

struct server {
  char *path; /* of the socket */
  char *name; /* of its array */
  char *uuid; /* "": none */
  int fd;
  unsigned answer_ms; /* how long an answer may take */
  GString *input;
};

/* All servers of this user that answer, by the names of their sockets; struct
 * server, for server_free.
 */
GPtrArray *servers_find (void);

/* The one called @word: a name, the beginning of a uuid (4 digits at least), or
 * the path of a socket (it has a slash).  NULL: the only one that there is.
 * EXIT_OK, or told and the status.
 */
int server_open (const char *word, struct server **ret);

/* The one that the words of a command name, which has no other words; and
 * likewise, after these options were read.  EXIT_OK, or told and the status.
 */
int server_of_words (int argc, char **argv, struct server **ret);
int server_of_command (int argc, char **argv, const GOptionEntry *entries,
                       struct server **ret);

/* All that the words of a command name; without words, all.  For
 * g_ptr_array_unref.
 */
int servers_of_words (int argc, char **argv, GPtrArray **ret);

void server_free (struct server *server);

/* The next message; NULL: it has closed, or was silent for too long. */
JsonNode *server_receive (struct server *server, unsigned timeout_ms);

/* What it answers to @cmd; @args is taken over, NULL: none.  NULL: there is no
 * answer.
 */
JsonNode *server_ask (struct server *server, const char *cmd,
                      JsonNode *args);

/* The "result" of an answer of server_ask; NULL: it was refused, or there is
 * none, which was told, and *@ret_status is set.
 */
JsonObject *server_result (const struct server *server, JsonNode *answer,
                           int *ret_status);

/* {@name: @value}, for server_ask. */
JsonNode *server_flag (const char *name, bool value);

#endif /* MIRROR_SERVER_H */
