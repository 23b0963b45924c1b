/* SPDX-License-Identifier: BSD-3-Clause */
/* streams: standard input, output and error of the tool.
 *
 * A program may be started without them (">&-").  Then the first file that it
 * opens, a disk or a connection to one, is its standard output, and what it
 * prints is written there.  So their places are taken before anything else is
 * opened, by something that can be neither read nor written.
 *
 * Output that is lost is an error: whoever asks wants the answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/streams.h"
#include "ground/log.h"

static bool output_lost; /* and told */

static bool
is_closed (int fd)
{
  return fcntl (fd, F_GETFD) == -1 && errno == EBADF;
}

/* The kernel gives out the lowest number that is free.  The root is always
 * there, /dev/null is not.
 */
static bool
take_place (int fd)
{
  return open ("/", O_PATH | O_DIRECTORY) == fd;
}

static void
at_exit (void)
{
  bool good = streams_flush ("not all of the output was written");

  /* Some file systems tell only now. */
  if (fclose (stdout) != 0 && good) {
    ctl_tell ("standard output", "write-failed", "%s", log_strerror (-errno));
    good = false;
  }
  if (!good)
    _exit (EXIT_REFUSED);
}

bool
streams_begin (void)
{
  bool no_output = is_closed (STDOUT_FILENO);

  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (is_closed (fd) && !take_place (fd))
      return false; /* where could that be told? */
  if (no_output) {
    ctl_tell ("standard output", "closed", "nothing was done; send what is "
              "not wanted to /dev/null");
    return false;
  }
  return atexit (at_exit) == 0;
}

bool
streams_flush (const char *meaning)
{
  int error = fflush (stdout) == 0 ? 0 : errno;

  if (!ferror (stdout))
    return true;
  /* A write that failed long ago has left no reason. */
  if (!output_lost)
    ctl_tell ("standard output", "write-failed", "%s; %s",
              error == 0 ? "cannot be written" : log_strerror (-error),
              meaning);
  output_lost = true;
  return false;
}
