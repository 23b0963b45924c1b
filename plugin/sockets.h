/* SPDX-License-Identifier: BSD-3-Clause */
/* sockets: where the server listens, and its clients' connections. */
#ifndef MIRROR_SOCKETS_H
#define MIRROR_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

/* In .load: nbdkit -s moves it soon. */
void sockets_remember_stdin (void);

/* In .after_fork: where the server listens, for people; @ret is cut where
 * @size ends.
 */
void sockets_describe (char *ret, size_t size);

/* After sockets_describe: does it listen at all?  Not with nbdkit -s. */
bool sockets_are_there (void);

/* Those that these paths name are not the server's. */
void sockets_leave_alone (const char *path, const char *other);

/* Nor is this one, which listens, and what is accepted on it. */
void sockets_leave_fd_alone (int fd);

/* Ends the connections of all clients that are there. */
void sockets_shut_clients (void);

#endif /* MIRROR_SOCKETS_H */
