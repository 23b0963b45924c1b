/* SPDX-License-Identifier: BSD-3-Clause */
/* serve: what a client asks for, handed to the engine.
 *
 * Runs on nbdkit's workers, any number at once.  nbdkit has checked bounds,
 * flags and whether writing is allowed.
 */
#include "ground/util.h"
#include "plugin/plugin.h"

int
mirror_pread (void *handle, void *buffer, uint32_t count, uint64_t offset,
              uint32_t flags)
{
  (void)handle;
  assert (flags == 0);
  return reply (array_read (the_array, buffer, count, offset));
}

static uint32_t
fua (uint32_t flags)
{
  return flags & NBDKIT_FLAG_FUA ? ARRAY_FUA : 0;
}

int
mirror_pwrite (void *handle, const void *buffer, uint32_t count,
               uint64_t offset, uint32_t flags)
{
  (void)handle;
  return reply (array_write (the_array, buffer, count, offset, fua (flags)));
}

int
mirror_flush (void *handle, uint32_t flags)
{
  (void)handle;
  assert (flags == 0);
  return reply (array_flush (the_array));
}

int
mirror_trim (void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
  (void)handle;
  return reply (array_trim (the_array, count, offset, fua (flags)));
}

int
mirror_zero (void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
  uint32_t how = fua (flags);
  int r;

  (void)handle;
  if (flags & NBDKIT_FLAG_MAY_TRIM)
    how |= ARRAY_MAY_TRIM;
  if (!(flags & NBDKIT_FLAG_FAST_ZERO))
    return reply (array_zero (the_array, count, offset, how));
  r = array_zero (the_array, count, offset, how | ARRAY_FAST_ZERO);
  return reply_fast_zero (r);
}

struct extents_answer {
  struct nbdkit_extents *extents;
  bool only_one;
};

static int
add_extent (void *opaque, uint64_t offset, uint64_t length, uint32_t flags)
{
  struct extents_answer *answer = opaque;
  uint32_t type = 0;

  if (flags & EXTENT_HOLE)
    type |= NBDKIT_EXTENT_HOLE;
  if (flags & EXTENT_ZERO)
    type |= NBDKIT_EXTENT_ZERO;
  if (nbdkit_add_extent (answer->extents, offset, length, type) == -1)
    return -errno;
  /* Any positive result ends the walk without being an error. */
  return answer->only_one;
}

int
mirror_extents (void *handle, uint32_t count, uint64_t offset, uint32_t flags,
                struct nbdkit_extents *extents)
{
  struct extents_answer answer = {
    .extents = extents, .only_one = flags & NBDKIT_FLAG_REQ_ONE
  };

  (void)handle;
  return reply (array_extents (the_array, count, offset, add_extent, &answer));
}

int
mirror_cache (void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
  (void)handle;
  assert (flags == 0);
  return reply (array_cache (the_array, count, offset));
}
