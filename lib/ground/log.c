/* SPDX-License-Identifier: BSD-3-Clause */
/* log: one sink for messages, set by the door. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ground/limits.h"
#include "ground/log.h"
#include "ground/text.h"
#include "ground/util.h"

static void
sink_stderr (enum log_level level, const char *message)
{
  fprintf (stderr, "mirror: %s%s\n", level == LOG_LEVEL_DEBUG ? "debug: " : "",
           message);
}

static log_sink *the_sink = sink_stderr;

void
log_set_sink (log_sink *sink)
{
  the_sink = sink ? sink : sink_stderr;
}

static _Atomic (log_event_sink *) the_event_sink;

void
log_set_event_sink (log_event_sink *sink)
{
  atomic_store (&the_event_sink, sink);
}

/* @event NULL: it is no more than a message. */
static void
log_va (enum log_level level, const struct log_event *event,
        const char *format, va_list args)
{
  const struct log_event plain = {
    .kind = "Message",
    .severity = level == LOG_LEVEL_ERROR ? EVENT_WARNING : EVENT_INFO,
    .slot = -1,
  };
  log_event_sink *event_sink = atomic_load (&the_event_sink);
  char message[MESSAGE_MAX], line[MESSAGE_MAX];
  int saved_errno = errno;

  vsnprintf (message, sizeof message, format, args);
  /* Names come from people, texts from servers. */
  text_escape (message, line, sizeof line);
  the_sink (level, line);
  if (event_sink != NULL && level != LOG_LEVEL_DEBUG)
    event_sink (event != NULL ? event : &plain, line);
  errno = saved_errno;
}

void
log_error (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  log_va (LOG_LEVEL_ERROR, NULL, format, args);
  va_end (args);
}

void
log_event (const struct log_event *event, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  log_va (event->severity == EVENT_INFO ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR,
          event, format, args);
  va_end (args);
}

void
log_notice (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  log_va (LOG_LEVEL_NOTICE, NULL, format, args);
  va_end (args);
}

void
log_debug (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  log_va (LOG_LEVEL_DEBUG, NULL, format, args);
  va_end (args);
}

bool
log_is_due (struct log_repeat *repeat, uint64_t now_ns)
{
  const uint64_t second = UINT64_C (1000000000);
  uint64_t next = atomic_load (&repeat->next_ns);
  uint64_t pause = MAX (atomic_load (&repeat->pause_ns),
                        LOG_PAUSE_FIRST_S * second);

  /* Of those who come at the same time one says it. */
  if (now_ns < next
      || !atomic_compare_exchange_strong (&repeat->next_ns, &next,
                                          now_ns + pause)) {
    atomic_fetch_add (&repeat->held_back, 1);
    return false;
  }
  atomic_store (&repeat->pause_ns, MIN (2 * pause, LOG_PAUSE_MAX_S * second));
  return true;
}

bool
log_error_repeats (struct log_repeats *repeats, uint64_t now_ns, int reason,
                   const char *format, ...)
{
  unsigned number = -reason % ARRAY_LENGTH (repeats->of_reason);
  struct log_repeat *repeat = &repeats->of_reason[number];
  char message[MESSAGE_MAX];
  uint64_t held_back;
  va_list args;

  if (!log_is_due (repeat, now_ns))
    return false;
  held_back = atomic_exchange (&repeat->held_back, 0);
  va_start (args, format);
  vsnprintf (message, sizeof message, format, args);
  va_end (args);
  if (held_back == 0)
    log_error ("%s", message);
  else
    log_error ("%.900s; and %llu times more since this was last reported", message,
               (unsigned long long)held_back);
  return true;
}

const char *
log_strerror (int error)
{
  /* Unlike strerror it shares no buffer between threads. */
  const char *text = strerrordesc_np (-error);

  return text ? text : "unknown error";
}
