/* SPDX-License-Identifier: BSD-3-Clause */
/* control: a socket on which people and programs ask what the array is doing,
 * and tell it what to do.
 *
 * One thread of its own, with a GLib main loop, serves all clients.  It never
 * waits for a client, for I/O of the array, or for another thread; so "status"
 * is answered at once although every disk hangs.
 *
 * The protocol is in nbdmirror-control(7), every message in schema.json.
 *
 * Life: control_check in get_ready - control_start after the fork -
 * control_stop.
 */
#ifndef MIRROR_CONTROL_H
#define MIRROR_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

struct array;
struct control;

/* A client of the array, as the door knows it. */
struct control_peer {
  char name[100]; /* its address, for people */
  int64_t pid;    /* -1: not known; likewise ... */
  int64_t uid;
};

/* What the array has to remember cannot be stored. */
struct control_unstored {
  uint64_t since_utc_us;
  char what[500], action[500]; /* for people; no sentences */
};

struct control_config {
  struct array *array;
  const char *path; /* absolute; NULL: a name in the runtime directory */

  const char *state; /* the array's state file; NULL: it has none */
  bool no_sockets;
  const char *program; /* absolute: called for events; NULL: none */
  const char *metrics; /* where they are served by HTTP: "unix:/PATH",
                          "127.0.0.1:PORT", "[::1]:PORT"; NULL: nowhere */

  /* Who is connected to the array: at most @max of them into @ret; returns how
   * many there are.
   */
  unsigned (*peers) (struct control_peer *ret, unsigned max);

  /* Is it so?  Does not wait for any disk. */
  bool (*is_unstored) (struct control_unstored *ret);

  /* Begin the stop of the server; does not wait for it. */
  void (*stop) (void);
};

/* Could a socket be made at @path?  0, or -errno and @why (MESSAGE_MAX bytes),
 * one line for the user.  Changes nothing.
 */
int control_check (const char *path, char *why);

/* Can this program be called?  0, or -errno and @why, likewise. */
int control_check_program (const char *path, char *why);

/* Can metrics be served there?  Likewise. */
int control_check_metrics (const char *place, char *why);

/* Make the sockets and start the thread.  0 and *@ret, or -errno and @why
 * (MESSAGE_MAX bytes): one line.
 */
int control_start (const struct control_config *config, struct control **ret,
                   char *why);

/* The path of the socket, "" if there is none; as long as it runs. */
const char *control_path (const struct control *control);

/* The path of the socket that only answers questions. */
const char *control_path_readonly (const struct control *control);

/* The descriptor that metrics are asked for on; -1: none. */
int control_metrics_fd (const struct control *control);

/* End the thread and remove the sockets.  NULL: it was not started. */
void control_stop (struct control *control);

#endif /* MIRROR_CONTROL_H */
