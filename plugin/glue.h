/* SPDX-License-Identifier: BSD-3-Clause */
/* glue: the one place where the engine's results become nbdkit's.
 *
 * The library says 0 or -errno; nbdkit wants 0 or exactly -1, with a
 * positive errno set last.  Any other negative number counts as success
 * there, and a negative errno aborts the server (traps 1 and 2 of the plugin
 * guide), so nothing else in the tree calls nbdkit_set_error.
 */
#ifndef MIRROR_GLUE_H
#define MIRROR_GLUE_H

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include <errno.h>

/* NBD knows few errors; what it does not know nbdkit sends as EINVAL, which
 * would blame the client for our disks.
 */
static inline int
wire_errno (int error)
{
  switch (error) {
  case EPERM:
  case EROFS:
  case ENOMEM:
  case EINVAL:
  case ENOSPC:
  case ESHUTDOWN:
    return error;
  case EDQUOT:
  case EFBIG:
    return ENOSPC;
  default:
    return EIO;
  }
}

/* For every callback but a fast zero. */
static inline int
reply (int r)
{
  if (r >= 0)
    return 0;
  nbdkit_set_error (wire_errno (-r));
  return -1;
}

/* "Not supported" may leave us only as the answer to a fast zero: anywhere
 * else the server would fall back (badly: trap 4), or abort (trap 3).
 */
static inline int
reply_fast_zero (int r)
{
  if (r != -EOPNOTSUPP)
    return reply (r);
  nbdkit_set_error (ENOTSUP);
  return -1;
}

#endif /* MIRROR_GLUE_H */
