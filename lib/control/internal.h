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
#include "ground/limits.h"
#include "ground/log.h"
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
  unsigned clients;
};

enum { LISTENER_ORDERS, LISTENER_QUESTIONS, LISTENERS };

struct control {
  struct control_config config;
  struct array_identity identity; /* as control_look found them */
  struct array_limits limits;
  char *name;       /* of the array, for people and in events; UTF-8 */
  char uuid[36];    /* "": it has none */
  uint64_t begin_ns; /* when it was started, of ground_now */

  struct listener listener[LISTENERS];
  struct ground_thread thread;
  GMainContext *context;
  GMainLoop *loop;
  GList *clients; /* struct client */

  struct events *events;
  struct orders *orders;
  uint64_t clients_ever;
  struct program *program; /* NULL: none is called */
  struct scrape *scrape;   /* NULL: nobody can ask by HTTP */
};

/* What an order may have changed.  Control thread. */
void control_look (struct control *control);

/* ------------------------------------------------------------------ client */

/* Takes over @fd.  Greets it. */
void client_new (struct listener *listener, int fd);

/* One message, which is taken over.  A client that has too much unread is
 * dropped.
 */
void client_send (struct client *client, JsonBuilder *message);

/* From now on it gets all events. */
void client_subscribe (struct client *client);
bool client_is_subscribed (const struct client *client);

/* A number of its own, for answers that come later: of which it expects one
 * more, and which is sent if it is still there.
 */
uint64_t client_number (const struct client *client);
void client_expects_answer (struct client *client);
void client_answer (struct control *control, uint64_t number,
                    JsonBuilder *message);

bool client_may_change (const struct client *client);

/* Those that were dropped, or all. */
void clients_sweep (struct control *control, bool all);

/* ----------------------------------------------------------------- request */

/* One line of a client, without its end: does what it asks, and answers. */
void request_handle (struct control *control, struct client *client,
                     const char *line, size_t length);

/* {"id": ..., "ok": true, "result": {: two objects are left to be ended. */
JsonBuilder *request_begin_result (JsonNode *id);

/* The first member of @object that is not @known; NULL: none. */
const char *request_unknown_member (JsonObject *object,
                                    const char *const *known);

/* It came on the socket that only answers questions. */
JsonBuilder *request_refusal_read_only (JsonNode *id);

/* {"id": ..., "ok": false, "error": ...}; @id may be NULL. */
JsonBuilder *request_refusal (JsonNode *id, const char *code,
                              const char *text);

/* ------------------------------------------------------------------ orders */

void orders_begin (struct control *control);
void orders_end (struct control *control);

/* False: @name is no order. */
bool orders_take (struct control *control, struct client *client, JsonNode *id,
                  const char *name, JsonObject *args);

/* ---------------------------------------------------------------- settings */

/* All of them, with their values, into an object that is begun. */
void settings_build (struct control *control, JsonBuilder *builder);

/* Those that @args names.  False: nothing has changed, and @why (MESSAGE_MAX
 * bytes).
 */
bool settings_change (struct control *control, JsonObject *args, char *why);

/* ------------------------------------------------------------------ events */

#define EVENT_KIND_MAX 24

struct event {
  uint64_t number; /* from 1 on */
  uint64_t utc_us;
  char kind[EVENT_KIND_MAX];
  enum log_severity severity;
  int slot;        /* -1: none in particular */
  char disk[256];  /* "": none */
  char text[MESSAGE_MAX];
};

/* From now on what the log is told comes here, too. */
void events_begin (struct control *control);
void events_end (struct control *control);

/* One that is no line of the log. */
void events_tell (const struct log_event *event, const char *text);

/* The number of the newest one; 0: there was none. */
uint64_t events_newest (const struct control *control);

/* The last one of that kind for that slot.  False: none is kept. */
bool events_find (const char *kind, int slot, struct event *ret);

/* "@name": the time of day, in UTC. */
void event_build_time (JsonBuilder *builder, const char *name,
                       uint64_t utc_us);

/* An object with all of it. */
void event_build (const struct control *control, JsonBuilder *builder,
                  const struct event *event);

/* "events": [...], those that are kept. */
void events_build (const struct control *control, JsonBuilder *builder);

/* ----------------------------------------------------------------- program */

/* @path is called for events, from the control thread; NULL: nothing is. */
struct program *program_new (struct control *control, const char *path);
const char *program_path (const struct program *program);

/* From now on another one; what waits to be told to the one before is told to
 * this one.
 */
void program_set_path (struct program *program, const char *path);
void program_free (struct program *program);
void program_tell (struct program *program, const struct event *event);

/* ---------------------------------------------------------------- progress */

/* Marks on the way of a rebuild become events. */
void progress_begin (struct control *control);
void progress_end (struct control *control);

/* ------------------------------------------------------------------ status */

/* One word. */
const char *status_health (const struct control *control,
                           const struct array_snapshot *snapshot);

/* Can what the array has to remember not be stored, in a file or on a disk?
 * Then why.
 */
bool status_unstored (const struct control *control,
                      const struct array_snapshot *snapshot,
                      struct control_unstored *ret);
const char *status_member_state (enum member_state state);

/* Prometheus text; for g_free. */
char *metrics_text (struct control *control);

/* How long members take to answer, and what took longest, likewise. */
void latency_build (struct control *control, JsonBuilder *builder);

/* All that is to be said of the array now, into an object that is begun. */
void status_build (struct control *control, JsonBuilder *builder);

/* "3.5 GiB"; for g_free. */
char *status_bytes (uint64_t bytes);

#endif /* MIRROR_CONTROL_INTERNAL_H */
