/* SPDX-License-Identifier: BSD-3-Clause */
/* internal: what the files of lib/control share.  All of it belongs to the
 * control thread, unless said otherwise.
 */
#ifndef MIRROR_CONTROL_INTERNAL_H
#define MIRROR_CONTROL_INTERNAL_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/control.h"
#include "control/door.h"
#include "control/json.h"
#include "engine/array.h"
#include "ground/ground.h"
#include "logic/sb1.h"

/* Of the protocol: changes that old clients cannot bear. */
#define CONTROL_VERSION 1
/* Of the objects inside: members are only ever added. */
#define CONTROL_FORMAT 1

struct client;

/* A socket and those who came in by it. */
struct listener {
  struct control *control;
  struct door door;
  bool readonly;
  GSource *source;
  unsigned clients;
};

enum { LISTENER_ORDERS, LISTENER_QUESTIONS, LISTENERS };

struct control {
  struct control_config config;
  struct array_identity identity; /* constant, as the next three */
  struct array_limits limits;
  char *name;       /* of the array, for people and in events; UTF-8 */
  char uuid[SB1_UUID_TEXT]; /* "": it has none */
  uint64_t begin_ns; /* when it was started, of ground_now */

  struct listener listener[LISTENERS];
  struct ground_thread thread;
  GMainContext *context;
  GMainLoop *loop;
  GList *clients; /* struct client */
};

/* ------------------------------------------------------------------ client */

/* Takes over @fd.  Greets it. */
void client_new (struct listener *listener, int fd);

/* One message, which is taken over.  A client that has too much unread is
 * dropped.
 */
void client_send (struct client *client, JsonBuilder *message);

bool client_may_change (const struct client *client);

/* Those that were dropped, or all. */
void clients_sweep (struct control *control, bool all);

/* ----------------------------------------------------------------- request */

/* One line of a client, without its end: does what it asks, and answers. */
void request_handle (struct control *control, struct client *client,
                     const char *line, size_t length);

/* {"id": ..., "ok": false, "error": ...}; @id may be NULL. */
JsonBuilder *request_refusal (JsonNode *id, const char *code,
                              const char *text);

/* ------------------------------------------------------------------ status */

/* All that is to be said of the array now, into an object that is begun. */
void status_build (struct control *control, JsonBuilder *builder);

/* "3.5 GiB"; for g_free. */
char *status_bytes (uint64_t bytes);

#endif /* MIRROR_CONTROL_INTERNAL_H */
