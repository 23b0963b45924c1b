/* SPDX-License-Identifier: BSD-3-Clause */
/* negotiate: what a client is told when it connects.
 *
 * Answers are kept for the whole connection while legs come and go, so only
 * what the engine can always do is advertised.  No I/O here: a client that
 * only asks for information comes this way, too.
 */
#include <inttypes.h>
#include <stdio.h>

#include "ground/ground.h"
#include "ground/log.h"
#include "ground/util.h"
#include "plugin/plugin.h"

static struct array_limits
limits (void)
{
  struct array_limits answer;

  array_get_limits (the_array, &answer);
  return answer;
}

/* An array that may only be read is for those who say that they know it
 * (nbdkit -r): anybody else would find out at the first write.  Where only a
 * disk cannot be written, mirror_can_write is enough.
 */
static int
prepare_for_writes (void)
{
  static struct log_repeats told; /* clients may try again and again */
  struct array_limits answer = limits ();
  int r;

  if (answer.why_readonly != NULL) {
    log_error_repeats (&told, ground_now (), -EROFS, "a client is refused: %s",
                       answer.why_readonly);
    return -EROFS;
  }
  if (answer.readonly)
    return 0;
  r = array_allow_writes (the_array);
  if (r < 0)
    log_error_repeats (&told, ground_now (), r,
                       "a client is refused: the array's threads cannot be "
                       "started: %s; try again, or restart the mirror",
                       log_strerror (r));
  return r;
}

void *
mirror_open (int readonly)
{
  void *handle;

  /* With -r nothing is ever written, in the background neither. */
  if (!readonly && prepare_for_writes () < 0)
    return NULL;
  handle = clients_enter ();
  if (handle == NULL)
    log_error ("a client is refused: not enough memory");
  return handle;
}

void
mirror_close (void *handle)
{
  clients_leave (handle);
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

/* Also what is still to be done in the background, as far as it is known. */
const char *
mirror_export_description (void *handle)
{
  struct array_status status;
  char text[200];
  int used;

  (void)handle;
  array_get_status (the_array, &status);
  used = snprintf (text, sizeof text, "mirror, %d of %u disks in sync",
                   __builtin_popcount (status.in_sync), status.slots);
  if (status.resyncing)
    used += snprintf (text + used, sizeof text - used,
                      "; resync: %" PRIu64 " MiB left",
                      div_round_up (status.sync_left, 1 << 20));
  if (status.recovering != 0)
    used += snprintf (text + used, sizeof text - used,
                      "; rebuild: %" PRIu64 " MiB left",
                      div_round_up (status.rebuild_left, 1 << 20));
  if (status.flush_absent != 0)
    snprintf (text + used, sizeof text - used, "; %d cannot flush",
              __builtin_popcount (status.flush_absent));
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
