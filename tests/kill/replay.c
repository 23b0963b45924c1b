/* SPDX-License-Identifier: BSD-3-Clause */
/* replay: event by event; the checks are in replay-data.c and
 * replay-metadata.c.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "replay.h"

static uint8_t *
new_image (const uint8_t *from, uint64_t size)
{
  static const uint8_t zeroes[4096];
  uint8_t *image = mmap (NULL, size, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  assert (image != MAP_FAILED);
  for (uint64_t at = 0; at < size; at += 4096)
    if (memcmp (from + at, zeroes, 4096) != 0)
      memcpy (image + at, from + at, 4096);
  return image;
}

void
replay_open (struct replay *replay, const struct geometry *geometry,
             const uint8_t *const *image, const uint64_t *size)
{
  memset (replay, 0, sizeof *replay);
  replay->geometry = geometry;
  for (unsigned leg = 0; leg < geometry->legs; leg++)
    cache_open (&replay->cache[leg], size[leg],
                new_image (image[leg], size[leg]),
                new_image (image[leg], size[leg]));
  for (unsigned copy = 0; copy < geometry->copies; copy++)
    replay->ordinal[copy] = calloc (geometry->sectors, sizeof (uint32_t));
  replay->next_ordinal = calloc (geometry->sectors, sizeof (uint32_t));
  replay->present = (1u << geometry->legs) - 1;
  replay_judge (replay);
}

void
replay_close (struct replay *replay)
{
  forget_requests (replay);
  free (replay->requests);
  for (unsigned leg = 0; leg < replay->geometry->legs; leg++) {
    munmap (replay->cache[leg].current, replay->cache[leg].size);
    munmap (replay->cache[leg].durable, replay->cache[leg].size);
    cache_close (&replay->cache[leg]);
  }
  for (unsigned copy = 0; copy < replay->geometry->copies; copy++)
    free (replay->ordinal[copy]);
  free (replay->next_ordinal);
}

void
replay_fail (struct replay *replay, const char *lint, const char *format, ...)
{
  va_list ap;
  int n;

  if (replay->why[0] != '\0')
    return;
  replay->failed_at = replay->event->sequence;
  n = snprintf (replay->why, sizeof replay->why, "%s: event %" PRIu64 ": ",
                lint, replay->event->sequence);
  va_start (ap, format);
  vsnprintf (replay->why + n, sizeof replay->why - n, format, ap);
  va_end (ap);
}

static bool
lies_in (const struct event *event, uint64_t at, uint64_t size)
{
  return event->offset >= at && event->offset + event->length <= at + size;
}

enum area
replay_area (const struct replay *replay, const struct event *event)
{
  const struct geometry *geometry = replay->geometry;
  uint64_t bitmap_pages = (geometry->bitmap_size + 4095) / 4096 * 4096;

  if (lies_in (event, geometry->data_at, geometry->data_size))
    return AREA_DATA;
  if (geometry->md && lies_in (event, geometry->super_at, 4096))
    return AREA_SUPER;
  if (geometry->bitmap_at != 0
      && lies_in (event, geometry->bitmap_at, bitmap_pages))
    return AREA_BITMAP;
  return AREA_OTHER;
}

static void
check_overlap (struct replay *replay)
{
  const struct event *event = replay->event;
  const struct cache *cache = &replay->cache[event->leg];

  for (unsigned i = 0; i < cache->count; i++) {
    const struct cache_write *other = &cache->writes[i];

    if (other->completed == 0
        && other->offset < event->offset + event->length
        && event->offset < other->offset + other->length)
      replay_fail (replay, "L4",
                   "leg %u: %" PRIu64 "+%" PRIu32 " is written while %" PRIu64
                   "+%" PRIu32 " of event %" PRIu64 " is in flight",
                   event->leg, event->offset, event->length, other->offset,
                   other->length, other->submitted);
  }
}

static void
check_submit (struct replay *replay)
{
  const struct event *event = replay->event;
  enum area area = replay_area (replay, event);

  replay->writes++;
  if (area == AREA_OTHER || (area != AREA_DATA && event->kind != EVENT_WRITE))
    replay_fail (replay, "L9", "leg %u: %" PRIu64 "+%" PRIu32 " is no area",
                 event->leg, event->offset, event->length);
  if (replay->geometry->md && !(replay->super_was_read >> event->leg & 1))
    replay_fail (replay, "L8", "leg %u is written before its superblock was"
                 " read", event->leg);
  check_overlap (replay);
  switch (area) {
  case AREA_DATA:
    check_intent (replay);
    check_data_submit (replay);
    break;
  case AREA_SUPER:
    check_super_write (replay);
    break;
  case AREA_BITMAP:
    check_bitmap_write (replay);
    break;
  default:
    break;
  }
}

static void
submit (struct replay *replay)
{
  const struct event *event = replay->event;
  const struct geometry *geometry = replay->geometry;
  const uint8_t *data
      = event->kind == EVENT_WRITE ? event_payload (event) : NULL;

  if (event->kind == EVENT_READ && event->offset <= geometry->super_at
      && event->offset + event->length >= geometry->super_at + SECTOR)
    replay->super_was_read |= 1u << event->leg;
  if (!is_modification (event))
    return;
  check_submit (replay);
  cache_submit (&replay->cache[event->leg], event->sequence, event->offset,
                event->length, data);
}

static void
complete (struct replay *replay)
{
  const struct event *event = replay->event;
  struct cache *cache = &replay->cache[event->leg];
  const struct cache_write *found = cache_find (cache, event->request);
  struct cache_write write = found == NULL ? (struct cache_write){ 0 } : *found;

  if (event->error != 0 && event->kind != EVENT_READ)
    replay->suspect |= 1u << event->leg;
  if (event->kind == EVENT_FLUSH)
    cache_flush (cache, event->request, event->error != 0);
  if (!is_modification (event))
    return;
  cache_complete (cache, event->request, event->sequence,
                  event->error == 0 && event->flags & EVENT_FUA,
                  event->error == 0 || event->flags & EVENT_APPLIED);
  switch (replay_area (replay, event)) {
  case AREA_DATA:
    if (event->error == 0)
      note_data_complete (replay, &write);
    break;
  case AREA_SUPER:
    replay_judge (replay);
    break;
  default:
    break;
  }
}

static void
crash (struct replay *replay)
{
  replay->crashes++;
  for (unsigned leg = 0; leg < replay->geometry->legs; leg++)
    cache_crashed (&replay->cache[leg], replay->event->flags & EVENT_POWER);
  forget_requests (replay);
  for (unsigned copy = 0; copy < replay->geometry->copies; copy++)
    memset (replay->ordinal[copy], 0,
            replay->geometry->sectors * sizeof (uint32_t));
  replay_judge (replay);
  check_crash_state (replay);
}

/* What is no request. */
static void
turn (struct replay *replay)
{
  const struct event *event = replay->event;

  switch (event->kind) {
  case EVENT_BEGIN:
    replay->present = event->request;
    replay->suspect = 0;
    replay->super_was_read = 0;
    replay->wrote_super = replay->wrote_bitmap = false;
    replay_judge (replay);
    break;
  case EVENT_SET:
    /* Only a power cut takes back what was durable; which of the two this
     * is comes with the crash, and volatile is right for both. */
    cache_set (&replay->cache[event->leg], event->sequence, event->offset,
               event->length, event_payload (event), false);
    break;
  case EVENT_CRASH:
    crash (replay);
    break;
  case EVENT_END:
    if (event->flags & EVENT_SETTLED)
      check_end_state (replay);
    forget_requests (replay);
    break;
  default:
    break;
  }
}

bool
replay_run (struct replay *replay, const struct reclog *log)
{
  const uint8_t *end = (const uint8_t *)reclog_first (log) + log->used;

  for (const struct event *event = reclog_first (log);
       (const uint8_t *)event < end && replay->why[0] == '\0';
       event = event_next (event)) {
    replay->event = event;
    replay->events++;
    switch (event->phase) {
    case PHASE_SUBMIT:
      submit (replay);
      break;
    case PHASE_COMPLETE:
      complete (replay);
      break;
    case PHASE_INVOKE:
      note_invoke (replay);
      break;
    case PHASE_RETURN:
      check_return (replay);
      break;
    default:
      turn (replay);
      break;
    }
  }
  return replay->why[0] == '\0';
}
