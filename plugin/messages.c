/* SPDX-License-Identifier: BSD-3-Clause */
/* messages: how people hear of things.
 *
 * Errors go through nbdkit.  It has no call for what is no error but should be
 * seen, so notices go the way that its errors take by default: to standard
 * error, and once it is in the background to syslog.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <syslog.h>
#include <unistd.h>

#include "ground/log.h"
#include "plugin/plugin.h"

/* The process that loaded the plugin. */
static pid_t first_process;

static bool
is_null_device (int fd)
{
  struct stat status;

  return fstat (fd, &status) == -1
         || (S_ISCHR (status.st_mode) && status.st_rdev == makedev (1, 3));
}

/* On its way there nbdkit forks, and gives its standard error to /dev/null. */
static bool
is_in_background (void)
{
  return getpid () != first_process && is_null_device (STDERR_FILENO);
}

static void
tell_notice (const char *message)
{
  if (is_in_background ())
    syslog (LOG_DAEMON | LOG_NOTICE, "mirror: %s", message);
  else
    fprintf (stderr, "nbdkit: mirror: %s\n", message);
}

static void
tell (enum log_level level, const char *message)
{
  switch (level) {
  case LOG_LEVEL_ERROR:
    nbdkit_error ("%s", message);
    break;
  case LOG_LEVEL_NOTICE:
    tell_notice (message);
    break;
  case LOG_LEVEL_DEBUG:
    nbdkit_debug ("%s", message);
    break;
  }
}

void
messages_begin (void)
{
  first_process = getpid ();
  log_set_sink (tell);
}
