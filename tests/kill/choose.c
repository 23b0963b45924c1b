/* SPDX-License-Identifier: BSD-3-Clause */
/* choose: see choose.h. */

#include <string.h>

#include "choose.h"
#include "reclog.h"

/* Does its fate hang on this crash? */
static bool
is_open (const struct cache *cache, const struct cache_write *write, bool power,
         uint64_t sector)
{
  if (!power)
    return write->completed == 0;
  return cache_is_volatile (cache, write, sector, SECTOR);
}

static bool
write_is_open (const struct cache *cache, const struct cache_write *write,
               bool power)
{
  if (!power)
    return write->completed == 0;
  return cache_is_volatile (cache, write, 0, cache->size);
}

static bool
is_kept (enum style style, bool is_chosen, bool coin,
         struct random_stream *chance)
{
  switch (style) {
  case STYLE_ALL_KEPT:
    return true;
  case STYLE_ALL_LOST:
    return false;
  case STYLE_ONE_LOST:
    return !is_chosen;
  case STYLE_ONE_KEPT:
    return is_chosen;
  case STYLE_WRITES:
    return coin;
  default:
    return random_one_in (chance, 2);
  }
}

/* What is below all that is open. */
static void
prepare (const struct cache *cache, bool power, uint8_t *scratch)
{
  const uint8_t *below = power ? cache->durable : cache->current;

  for (unsigned i = 0; i < cache->count; i++) {
    const struct cache_write *write = &cache->writes[i];

    memcpy (scratch + write->offset, below + write->offset, write->length);
  }
}

static void
apply (const struct cache *cache, const struct cache_write *write, bool power,
       enum style style, bool is_chosen, struct random_stream *chance,
       uint8_t *scratch)
{
  bool coin = random_one_in (chance, 2);

  for (uint64_t at = write->offset; at < write->offset + write->length;
       at += SECTOR) {
    if (!is_open (cache, write, power, at)
        || !is_kept (style, is_chosen, coin, chance))
      continue;
    if (write->data == NULL)
      memset (scratch + at, 0, SECTOR);
    else
      memcpy (scratch + at, write->data + (at - write->offset), SECTOR);
  }
}

void
choose_state (const struct cache *cache, bool power, enum style style,
              struct random_stream *chance, uint8_t *scratch,
              void (*set) (void *opaque, uint64_t offset, uint32_t length,
                           const uint8_t *data),
              void *opaque)
{
  unsigned open = 0, chosen, n = 0;
  /* @set makes the list longer. */
  unsigned count = cache->count;

  prepare (cache, power, scratch);
  for (unsigned i = 0; i < count; i++)
    open += write_is_open (cache, &cache->writes[i], power);
  if (open == 0)
    return;
  chosen = random_below (chance, open);
  for (unsigned i = 0; i < count; i++)
    if (write_is_open (cache, &cache->writes[i], power))
      apply (cache, &cache->writes[i], power, style, n++ == chosen, chance,
             scratch);
  for (unsigned i = 0; i < count; i++) {
    uint64_t offset = cache->writes[i].offset;
    uint64_t end = offset + cache->writes[i].length;

    for (uint64_t at = offset; at < end; at += SECTOR)
      if (memcmp (scratch + at, cache->current + at, SECTOR) != 0)
        set (opaque, at, SECTOR, scratch + at);
  }
}
