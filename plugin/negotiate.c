/* SPDX-License-Identifier: BSD-3-Clause */
/* negotiate: what a client is told when it connects.
 *
 * Answers are kept for the whole connection while legs come and go, so only
 * what the engine can always do is advertised.  No I/O here: a client that
 * only asks for information comes this way, too.
 */
#include <stdio.h>

#include "ground/util.h"
#include "plugin/plugin.h"

void *
mirror_open (int readonly)
{
  (void)readonly;
  /* One array in one process: the handle carries nothing. */
  return the_array;
}

static struct array_limits
limits (void)
{
  struct array_limits answer;

  array_get_limits (the_array, &answer);
  return answer;
}

int64_t
mirror_get_size (void *handle)
{
  (void)handle;
  return limits ().size;
}

int
mirror_block_size (void *handle, uint32_t *minimum, uint32_t *preferred,
                   uint32_t *maximum)
{
  struct array_limits answer = limits ();

  (void)handle;
  *minimum = answer.block_minimum;
  *preferred = answer.block_preferred;
  *maximum = REQUEST_ADVERTISED;
  return 0;
}

const char *
mirror_export_description (void *handle)
{
  struct array_status status;
  char text[80];

  (void)handle;
  array_get_status (the_array, &status);
  snprintf (text, sizeof text, "mirror, %d of %u disks in sync",
            __builtin_popcount (status.in_sync), status.slots);
  return nbdkit_strdup_intern (text);
}

int
mirror_can_write (void *handle)
{
  (void)handle;
  return !limits ().readonly;
}

int
mirror_can_flush (void *handle)
{
  (void)handle;
  return 1;
}

int
mirror_can_fua (void *handle)
{
  (void)handle;
  return NBDKIT_FUA_NATIVE;
}

int
mirror_is_rotational (void *handle)
{
  (void)handle;
  return limits ().rotational;
}

int
mirror_can_trim (void *handle)
{
  (void)handle;
  return 1;
}

int
mirror_can_zero (void *handle)
{
  (void)handle;
  return 1;
}

int
mirror_can_fast_zero (void *handle)
{
  (void)handle;
  /* Where some leg would be slow the request is refused, untouched. */
  return 1;
}

int
mirror_can_extents (void *handle)
{
  (void)handle;
  return limits ().extents;
}

int
mirror_can_multi_conn (void *handle)
{
  (void)handle;
  /* True: all connections share one engine, a reply means that every current
   * member has the data, and a flush covers them all.
   */
  return 1;
}

int
mirror_can_cache (void *handle)
{
  (void)handle;
  return NBDKIT_CACHE_NATIVE;
}
