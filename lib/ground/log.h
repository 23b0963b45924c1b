/* SPDX-License-Identifier: BSD-3-Clause */
/* log: one sink for messages, set by the door.
 *
 * A failure is told once, by the layer that decides what it means; helpers
 * return numbers and stay silent.  Any thread may log; the sink must be
 * callable from all of them and keep errno.
 */
#ifndef MIRROR_LOG_H
#define MIRROR_LOG_H

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
void log_debug (const char *format, ...)
  __attribute__ ((format (printf, 1, 2)));

/* What @error (-errno) means in words; constant, never NULL. */
const char *log_strerror (int error);

#endif /* MIRROR_LOG_H */
