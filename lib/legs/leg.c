/* SPDX-License-Identifier: BSD-3-Clause */
/* leg: what the errors of any leg mean. */
#include <errno.h>

#include "legs/leg.h"

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
leg_error_is_harmless (int error)
{
  switch (-error) {
  case EINVAL:
  case EOPNOTSUPP: /* = ENOTSUP on Linux */
  case EAGAIN:
  case EINTR:
  case ENOMEM:
    return true;
  default:
    return false;
  }
}
