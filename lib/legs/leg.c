/* SPDX-License-Identifier: BSD-3-Clause */
/* leg: what the errors of any leg mean, and how a driver says no. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "ground/limits.h"
#include "ground/text.h"
#include "ground/util.h"
#include "legs/leg.h"

int
leg_refuse (char *why, int error, const char *format, ...)
{
  char text[MESSAGE_MAX];
  va_list args;

  assert (error < 0);
  va_start (args, format);
  vsnprintf (text, sizeof text, format, args);
  va_end (args);
  text_escape (text, why, MESSAGE_MAX); /* some of it may be a server's */
  return error;
}

bool
leg_error_is_gone (int error)
{
  switch (-error) {
  case ENOTCONN:
  case ESHUTDOWN:
  case ETIMEDOUT:
  case ENODEV:
  case ENXIO:
  case ECONNRESET:
  case EPIPE:
    return true;
  default:
    return false;
  }
}

bool
leg_error_may_pass (int error)
{
  return error == -EAGAIN || error == -EINTR || error == -ENOMEM;
}

bool
leg_error_is_harmless (int error)
{
  /* EOPNOTSUPP = ENOTSUP on Linux */
  return leg_error_may_pass (error) || error == -EINVAL
         || error == -EOPNOTSUPP;
}

bool
leg_error_is_full (int error)
{
  switch (-error) {
  case ENOSPC:
  case EDQUOT:
  case EFBIG:
    return true;
  default:
    return false;
  }
}

/* ENOENT, no such name; the others, a device or a file server that is dead. */
bool
leg_error_is_missing_file (int error)
{
  switch (-error) {
  case ENOENT:
  case ENXIO:
  case ENODEV:
  case ENOMEDIUM:
  case EIO:
  case ESTALE:
  case ETIMEDOUT:
  case EHOSTDOWN:
    return true;
  default:
    return false;
  }
}

/* EPROTO: somebody was reached who hung up, or does not have this export.  That
 * may be a tunnel whose other end is down.  Of a server that must prove who it
 * is, it may as well be that it could not.
 */
bool
leg_error_is_missing_server (int error, bool tls)
{
  switch (-error) {
  case ENOENT:
  case ECONNREFUSED:
  case ECONNRESET:
  case EHOSTDOWN:
  case EHOSTUNREACH:
  case ENETDOWN:
  case ENETUNREACH:
  case ENOTCONN:
  case EPIPE:
  case ESHUTDOWN:
  case ETIMEDOUT:
    return true;
  case EPROTO:
    return !tls;
  default:
    return false;
  }
}
