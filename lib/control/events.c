/* SPDX-License-Identifier: BSD-3-Clause */
/* events: what happens, from the log to everybody who wants to know.
 *
 * The log's sink runs in any thread, perhaps under a lock: it puts a record
 * into a ring and wakes the control thread, and never waits.  The control
 * thread tells subscribers and the event program.  If it falls behind by a
 * whole ring the oldest records are lost, and their numbers missing.
 *
 * Locks: ring.lock, a leaf.
 *
 * One control in one process.  The ring and its descriptor stay after it has
 * ended: some thread may be in the sink at any time.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "control/internal.h"
#include "control/source.h"
#include "ground/util.h"

#define EVENTS_KEPT 256

static struct {
  struct ground_mutex lock;
  bool ready;
  int wake_fd;
  uint64_t newest; /* its number */
  struct event event[EVENTS_KEPT]; /* at number % EVENTS_KEPT */
} ring;

struct events {
  GSource *source;
  uint64_t told; /* subscribers and program have heard of it */
};

/* ------------------------------------------------------------- any thread */

static void
wake (void)
{
  const uint64_t one = 1;
  int saved_errno = errno;

  while (write (ring.wake_fd, &one, sizeof one) == -1 && errno == EINTR)
    ;
  errno = saved_errno;
}

void
events_tell (const struct log_event *event, const char *text)
{
  struct event *record;

  ground_mutex_lock (&ring.lock);
  ring.newest++;
  record = &ring.event[ring.newest % EVENTS_KEPT];
  record->number = ring.newest;
  record->utc_us = ground_utc_us ();
  record->severity = event->severity;
  record->slot = event->slot;
  snprintf (record->kind, sizeof record->kind, "%s", event->kind);
  snprintf (record->disk, sizeof record->disk, "%s",
            event->disk == NULL ? "" : event->disk);
  snprintf (record->text, sizeof record->text, "%s", text);
  ground_mutex_unlock (&ring.lock);
  wake ();
}

/* Is it kept?  A copy of it. */
static bool
get (uint64_t number, struct event *ret)
{
  ground_mutex_lock (&ring.lock);
  *ret = ring.event[number % EVENTS_KEPT];
  ground_mutex_unlock (&ring.lock);
  return ret->number == number;
}

static uint64_t
newest (void)
{
  uint64_t number;

  ground_mutex_lock (&ring.lock);
  number = ring.newest;
  ground_mutex_unlock (&ring.lock);
  return number;
}

/* The first one that may be kept. */
static uint64_t
oldest (uint64_t last)
{
  return last > EVENTS_KEPT ? last - EVENTS_KEPT + 1 : 1;
}

/* --------------------------------------------------------- control thread */

static const char *
severity_word (enum log_severity severity)
{
  return severity == EVENT_CRITICAL  ? "critical"
         : severity == EVENT_WARNING ? "warning"
                                   : "info";
}

void
event_build_time (JsonBuilder *builder, const char *name, uint64_t utc_us)
{
  time_t seconds = (time_t)(utc_us / 1000000);
  char text[64], whole[80];
  struct tm tm;

  if (gmtime_r (&seconds, &tm) == NULL
      || strftime (text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
    render_json_null (builder, name);
    return;
  }
  snprintf (whole, sizeof whole, "%s.%03uZ", text,
            (unsigned)(utc_us / 1000 % 1000));
  render_json_string (builder, name, whole);
}

void
event_build (const struct control *control, JsonBuilder *builder,
             const struct event *event)
{
  json_builder_begin_object (builder);
  render_json_int (builder, "seq", event->number);
  event_build_time (builder, "time", event->utc_us);
  render_json_string (builder, "array", control->name);
  render_json_string (builder, "uuid",
                      control->uuid[0] == '\0' ? NULL : control->uuid);
  render_json_string (builder, "kind", event->kind);
  render_json_string (builder, "severity", severity_word (event->severity));
  render_json_slot (builder, event->slot);
  render_json_string (builder, "disk",
                      event->disk[0] == '\0' ? NULL : event->disk);
  render_json_string (builder, "text", event->text);
  json_builder_end_object (builder);
}

void
events_build (const struct control *control, JsonBuilder *builder)
{
  uint64_t last = newest ();
  struct event event;

  json_builder_set_member_name (builder, "events");
  json_builder_begin_array (builder);
  for (uint64_t number = oldest (last); number <= last; number++)
    if (get (number, &event))
      event_build (control, builder, &event);
  json_builder_end_array (builder);
}

bool
events_find (const char *kind, int slot, struct event *ret)
{
  uint64_t last = newest ();

  for (uint64_t number = last; number >= oldest (last); number--)
    if (get (number, ret) && ret->slot == slot
        && strcmp (ret->kind, kind) == 0)
      return true;
  return false;
}

uint64_t
events_newest (const struct control *control)
{
  return control->events->told;
}

static void
tell_subscribers (struct control *control, const struct event *event)
{
  for (GList *at = control->clients; at != NULL; at = at->next) {
    JsonBuilder *builder;

    if (!client_is_subscribed (at->data))
      continue;
    builder = json_builder_new ();
    json_builder_begin_object (builder);
    json_builder_set_member_name (builder, "event");
    event_build (control, builder, event);
    json_builder_end_object (builder);
    client_send (at->data, builder);
  }
}

static gboolean
on_event (int fd, G_GNUC_UNUSED GIOCondition condition, void *data)
{
  struct control *control = data;
  uint64_t count, last;
  struct event event;

  while (read (fd, &count, sizeof count) == -1 && errno == EINTR)
    ;
  last = newest ();
  for (uint64_t number = MAX (control->events->told + 1, oldest (last));
       number <= last; number++)
    if (get (number, &event)) {
      control->events->told = number;
      tell_subscribers (control, &event);
      if (control->program != NULL)
        program_tell (control->program, &event);
    }
  clients_sweep (control, false);
  return G_SOURCE_CONTINUE;
}

/* It began so, and nothing was said of it since there was a control. */
static void
tell_degraded (struct control *control)
{
  const struct log_event event = { "DegradedArray", EVENT_CRITICAL, -1, NULL };
  struct array_status status;
  char text[100];

  array_get_status (control->config.array, &status);
  if (__builtin_popcount (status.in_sync) == (int)status.slots)
    return;
  snprintf (text, sizeof text, "the array runs on %d of %u disks",
            __builtin_popcount (status.in_sync), status.slots);
  events_tell (&event, text);
}

void
events_begin (struct control *control)
{
  if (!ring.ready) {
    ground_mutex_init (&ring.lock);
    ring.wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
    ring.ready = true;
  }
  control->events = g_new0 (struct events, 1);
  source_watch_fd (&control->events->source, control->context, ring.wake_fd,
                   G_IO_IN, on_event, control);
  tell_degraded (control);
  log_set_event_sink (events_tell);
}

void
events_end (struct control *control)
{
  if (control->events == NULL)
    return;
  log_set_event_sink (NULL);
  source_drop (&control->events->source);
  g_free (control->events);
}
