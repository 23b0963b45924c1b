/* SPDX-License-Identifier: BSD-3-Clause */
/* log: one sink for messages, set by the door. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ground/limits.h"
#include "ground/log.h"
#include "ground/text.h"

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

static void
log_va (enum log_level level, const char *format, va_list args)
{
  char message[MESSAGE_MAX], line[MESSAGE_MAX];
  int saved_errno = errno;

  vsnprintf (message, sizeof message, format, args);
  /* Names come from people, texts from servers. */
  text_escape (message, line, sizeof line);
  the_sink (level, line);
  errno = saved_errno;
}

void
log_error (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  log_va (LOG_LEVEL_ERROR, format, args);
  va_end (args);
}

void
log_notice (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  log_va (LOG_LEVEL_NOTICE, format, args);
  va_end (args);
}

void
log_debug (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  log_va (LOG_LEVEL_DEBUG, format, args);
  va_end (args);
}

const char *
log_strerror (int error)
{
  /* Unlike strerror it shares no buffer between threads. */
  const char *text = strerrordesc_np (-error);

  return text ? text : "unknown error";
}
