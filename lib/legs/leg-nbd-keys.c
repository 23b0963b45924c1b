/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-nbd-keys: can the files be read with which a server proves who it is?
 *
 * Asked before connecting: libnbd opens them in the middle of the
 * conversation, and its errors would look like the server's.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ground/log.h"
#include "legs/leg-nbd.h"

/* Never -ENOENT: that would be a server that is missing. */
static int
refuse_file (const char *path, const char *parameter, const char *reason,
             char *why)
{
  return leg_refuse (why, -EINVAL,
                     "the file %.200s (%s=) cannot be read: %s; check its name "
                     "and permissions",
                     path, parameter, reason);
}

static int
check_file (const char *path, const char *parameter, char *why)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status;
  bool directory;

  if (fd == -1)
    return refuse_file (path, parameter, log_strerror (-errno), why);
  directory = fstat (fd, &status) == 0 && S_ISDIR (status.st_mode);
  close (fd);
  return directory ? refuse_file (path, parameter, "it is a directory", why)
                   : 0;
}

int
leg_nbd_check_keys (const char *psk, const char *certificates, char *why)
{
  char path[PATH_MAX + 16];

  if (psk != NULL)
    return check_file (psk, "tls-psk-file", why);
  if (certificates == NULL)
    return 0;
  snprintf (path, sizeof path, "%s/ca-cert.pem", certificates);
  return check_file (path, "tls-certificates", why);
}
