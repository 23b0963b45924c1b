/* SPDX-License-Identifier: BSD-3-Clause */
/* log: one sink for messages, set by the door.
 *
 * A failure is told once, by the layer that decides what it means; helpers
 * return numbers and stay silent.  Any thread may log; the sink must be
 * callable from all of them and keep errno.
 */
#ifndef MIRROR_LOG_H
#define MIRROR_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum log_level {
  LOG_LEVEL_DEBUG,  /* developers, only seen when asked for */
  LOG_LEVEL_NOTICE, /* people: what happens and is no error */
  LOG_LEVEL_ERROR,  /* people: something is wrong; both are shown on the
                       terminal or in syslog */
};

typedef void log_sink (enum log_level level, const char *message);

/* Before the first thread starts.  Without a sink messages go to stderr. */
void log_set_sink (log_sink *sink);

void log_error (const char *format, ...)
  __attribute__ ((format (printf, 1, 2)));
void log_notice (const char *format, ...)
  __attribute__ ((format (printf, 1, 2)));
/* Something that happened to the array or a disk, for programs as well as for
 * people: the message is shown like any other, and what is known of it goes
 * with it to log_set_event_sink's.
 */
enum log_severity {
  EVENT_INFO,
  EVENT_WARNING,
  EVENT_CRITICAL, /* data, or its last spare copy, is lost */
};

struct log_event {
  const char *kind; /* one word, constant: nbdmirror-events(7) */
  enum log_severity severity;
  int slot;         /* -1: none in particular */
  const char *disk; /* NULL: likewise */
};

/* Shown as an error, unless it is EVENT_INFO. */
void log_event (const struct log_event *event, const char *format, ...)
  __attribute__ ((format (printf, 2, 3)));

/* Who else hears of events, and of all other errors and notices, whose @event
 * has the kind "Message".  Called in any thread, under any lock: never waits.
 * NULL: nobody.
 */
typedef void log_event_sink (const struct log_event *event,
                             const char *message);
void log_set_event_sink (log_event_sink *sink);

void log_debug (const char *format, ...)
  __attribute__ ((format (printf, 1, 2)));

/* A message that every request or round could bring: said at once,
 * then with pauses, from LOG_PAUSE_FIRST_S on each twice as long as the one
 * before, up to LOG_PAUSE_MAX_S.  So what is said of one cause in a year is
 * counted in thousands, however often it comes.  Starts as zeroes; any thread.
 */
struct log_repeat {
  _Atomic uint64_t next_ns, pause_ns;
  _Atomic uint64_t held_back;
};

/* May it be said at @now_ns (ground_now)?  If not, it counts as held back. */
bool log_is_due (struct log_repeat *repeat, uint64_t now_ns);

/* Such messages of one cause, each with a reason: another reason is said at
 * once, too.
 */
struct log_repeats {
  struct log_repeat of_reason[8]; /* by -errno % 8 */
};

/* log_error, if it is due; with how often it was held back.  True: it was
 * said.
 */
bool log_error_repeats (struct log_repeats *repeats, uint64_t now_ns,
                        int reason, const char *format, ...)
  __attribute__ ((format (printf, 4, 5)));

/* What @error (-errno) means in words; constant, never NULL. */
const char *log_strerror (int error);

#endif /* MIRROR_LOG_H */
