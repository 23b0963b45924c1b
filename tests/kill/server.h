/* SPDX-License-Identifier: BSD-3-Clause */
/* server: nbdkit, started with a socket that listens already, so that nobody
 * has to wait until it serves: who connects early waits in the queue, and is
 * sent away if the server ends.
 */
#ifndef MIRROR_KILL_SERVER_H
#define MIRROR_KILL_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct server {
  pid_t pid;
  int gate; /* the process waits until this is closed */
};

/* Makes the process, which waits.  Its messages are appended to @messages.
 * The socket is ready.
 */
void server_prepare (struct server *server, char *const *argv,
                     const char *socket, const char *messages);

/* Let it run. */
void server_go (struct server *server);

/* Wait for its end; the status as waitpid tells it. */
int server_wait (struct server *server);

#endif /* MIRROR_KILL_SERVER_H */
