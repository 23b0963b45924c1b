/* SPDX-License-Identifier: BSD-3-Clause */
/* cache: see cache.h.  The list of volatile writes is short: a flush takes
 * them off.
 */
#include <stdlib.h>
#include <string.h>

#include "cache.h"
#include "reclog.h"

static const uint8_t zeroes[SECTOR];

void
cache_open (struct cache *cache, uint64_t size, uint8_t *current,
            uint8_t *durable)
{
  memset (cache, 0, sizeof *cache);
  cache->size = size;
  cache->current = current;
  cache->durable = durable;
  cache->durable_since = calloc (size / SECTOR, sizeof (uint64_t));
  assert (cache->durable_since != NULL);
}

void
cache_close (struct cache *cache)
{
  free (cache->durable_since);
  free (cache->writes);
}

static void
store (uint8_t *image, uint64_t offset, uint32_t length, const uint8_t *data)
{
  if (data != NULL)
    memcpy (image + offset, data, length);
  else
    memset (image + offset, 0, length);
}

static const uint8_t *
sector_of (const struct cache_write *write, uint64_t sector)
{
  return write->data == NULL ? zeroes : write->data + (sector - write->offset);
}

static bool
covers (const struct cache_write *write, uint64_t sector)
{
  return sector >= write->offset && sector < write->offset + write->length;
}

struct cache_write *
cache_submit (struct cache *cache, uint64_t now, uint64_t offset,
              uint32_t length, const uint8_t *data)
{
  assert (offset % SECTOR == 0 && length % SECTOR == 0);
  assert (offset + length <= cache->size);
  if (cache->count == cache->room) {
    cache->room = cache->room * 2 + 16;
    cache->writes
        = realloc (cache->writes, cache->room * sizeof *cache->writes);
    assert (cache->writes != NULL);
  }
  cache->writes[cache->count++] = (struct cache_write){
    .submitted = now, .offset = offset, .length = length, .data = data
  };
  return &cache->writes[cache->count - 1];
}

static void
forget (struct cache *cache, unsigned i)
{
  memmove (&cache->writes[i], &cache->writes[i + 1],
           (--cache->count - i) * sizeof *cache->writes);
}

/* Where nothing that completed later is durable already. */
static void
make_durable (struct cache *cache, const struct cache_write *write)
{
  for (uint64_t at = write->offset; at < write->offset + write->length;
       at += SECTOR)
    if (cache->durable_since[at / SECTOR] < write->completed) {
      cache->durable_since[at / SECTOR] = write->completed;
      memcpy (cache->durable + at, sector_of (write, at), SECTOR);
    }
}

static unsigned
find (const struct cache *cache, uint64_t submitted)
{
  unsigned i = 0;

  while (i < cache->count && cache->writes[i].submitted != submitted)
    i++;
  return i;
}

const struct cache_write *
cache_find (const struct cache *cache, uint64_t submitted)
{
  unsigned i = find (cache, submitted);

  return i < cache->count ? &cache->writes[i] : NULL;
}

void
cache_complete (struct cache *cache, uint64_t submitted, uint64_t now,
                bool fua, bool applied)
{
  unsigned i = find (cache, submitted);
  struct cache_write *write = &cache->writes[i];

  assert (i < cache->count && write->completed == 0);
  if (!applied) {
    forget (cache, i);
    return;
  }
  write->completed = now;
  store (cache->current, write->offset, write->length, write->data);
  if (fua) {
    make_durable (cache, write);
    forget (cache, i);
  }
}

void
cache_flush (struct cache *cache, uint64_t submitted, bool failed)
{
  unsigned kept = 0;

  for (unsigned i = 0; i < cache->count; i++) {
    struct cache_write *write = &cache->writes[i];
    bool covered = write->completed != 0 && write->completed < submitted;

    if (covered && failed)
      write->lost = true;
    if (covered && !write->lost)
      make_durable (cache, write);
    else
      cache->writes[kept++] = *write;
  }
  cache->count = kept;
}

void
cache_set (struct cache *cache, uint64_t now, uint64_t offset, uint32_t length,
           const uint8_t *data, bool durable)
{
  store (cache->current, offset, length, data);
  if (!durable) {
    cache_submit (cache, now, offset, length, data)->completed = now;
  }
}

void
cache_crashed (struct cache *cache, bool power)
{
  unsigned kept = 0;

  for (unsigned i = 0; i < cache->count; i++) {
    struct cache_write *write = &cache->writes[i];

    write->lost = false;
    if (power)
      memcpy (cache->durable + write->offset, cache->current + write->offset,
              write->length);
    else if (write->completed != 0)
      cache->writes[kept++] = *write;
  }
  cache->count = kept;
}

bool
cache_is_volatile (const struct cache *cache, const struct cache_write *write,
                   uint64_t offset, uint64_t length)
{
  for (uint64_t at = write->offset; at < write->offset + write->length;
       at += SECTOR)
    if (at >= offset && at < offset + length
        && (write->completed == 0
            || write->completed > cache->durable_since[at / SECTOR]))
      return true;
  return false;
}

const uint8_t *
cache_possible (const struct cache *cache, uint64_t sector, unsigned *position)
{
  if (*position == 0) {
    ++*position;
    return cache->durable + sector;
  }
  while (*position - 1 < cache->count) {
    const struct cache_write *write = &cache->writes[*position - 1];

    ++*position;
    if (covers (write, sector)
        && cache_is_volatile (cache, write, sector, SECTOR))
      return sector_of (write, sector);
  }
  return NULL;
}
