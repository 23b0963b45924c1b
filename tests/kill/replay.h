/* SPDX-License-Identifier: BSD-3-Clause */
/* replay: goes through a log (reclog.h) once and checks every event against
 * what was there before it.  It keeps its own copy of the legs, so it also
 * knows what every crash could have left at every moment.
 *
 *   L1  data goes to a leg only when every leg in sync says durably that the
 *       array is dirty, and has durably set the bits of the regions
 *   L2  a client's modification is answered with success only when it is on
 *       every leg that should have it, or all others say durably that this
 *       leg is out (or its own superblock, that it is being rebuilt)
 *   L3  when a flush, or a write with FUA, is answered with success, what it
 *       covers is durable on every leg in sync (zeroes are not judged here)
 *   L4  never two overlapping modifications in flight on one leg; those of
 *       clients reach all copies of a sector in the same order
 *   L5  a leg in sync gets a bitmap with a bit cleared only when no leg is
 *       missing and the region is durable and equal on all of them
 *   L6  a leg in sync is marked clean (or, in part, synced) only when that
 *       part is durable and equal on all legs in sync
 *   L7  every sector of data that is written is, byte by byte, what a client
 *       has sent for that place (or zeroes, or what was there at first)
 *   L8  nobody writes to a leg whose superblock it has not read since it was
 *       started (the reading only; a plain array has none)
 *   L9  every modification lies in one area: data of the array, superblock,
 *       bitmap; zeroing and trimming: only in data
 *   I7  the events of a leg's superblock never go back, and every superblock
 *       that is written is valid
 *   O3a after a crash, legs in sync differ only where the array is dirty and
 *       the bitmaps of all of them have the bit
 *   END after a stop that should leave everything clean it does: legs equal
 *       and durable, the freshest superblock clean; if superblocks were
 *       written, all clean with the same events; if the bitmap was, no bit set
 *
 * L10 cannot be seen from outside.  Of L8 only the reading is judged.
 * "Durable" means: whatever a power cut would leave right now says so
 * (cache.h).  A leg that has failed a request since the last start is left
 * out of L1.
 */
#ifndef MIRROR_KILL_REPLAY_H
#define MIRROR_KILL_REPLAY_H

#include "cache.h"
#include "members.h"

struct replay_request;

struct replay {
  const struct geometry *geometry;
  struct cache cache[RECLOG_LEGS];
  uint32_t present;      /* legs that the server was given */
  uint32_t suspect;      /* legs that failed something since it started */
  uint32_t super_was_read;
  bool wrote_super, wrote_bitmap; /* since the server was started */
  struct verdict verdict; /* from the superblocks as they are now */
  struct replay_request *requests; /* of clients: under way, or writes that
                                      were answered */
  unsigned count, room;
  uint32_t *ordinal[RECLOG_LEGS];              /* of each copy: the order of
                                                  its last write */
  uint32_t *next_ordinal; /* per sector */
  const struct event *event;
  uint64_t events, writes, crashes; /* how many there were */
  uint64_t failed_at;     /* sequence number */
  char why[512];          /* the first thing that was wrong; "": nothing */
};

/* @image: what the legs held when the log began, of geometry->legs; with
 * @size bytes each.
 */
void replay_open (struct replay *replay, const struct geometry *geometry,
                  const uint8_t *const *image, const uint64_t *size);
void replay_close (struct replay *replay);

/* False: see replay->why. */
bool replay_run (struct replay *replay, const struct reclog *log);

/* ---- for replay*.c ---- */

struct replay_request {
  uint64_t number;  /* its value, for writes */
  enum event_kind kind;
  uint32_t flags;
  uint64_t first, count; /* sectors */
  uint64_t invoked;
  uint64_t acked;        /* 0: not yet */
  uint64_t started;      /* zeroes: sectors that were sent to legs since */
  uint8_t *done;         /* by copy and sector */
  uint32_t *ordinal;     /* by sector; 0: not sent yet */
};

void replay_fail (struct replay *replay, const char *lint, const char *format,
                  ...) __attribute__ ((format (printf, 3, 4)));

/* Where @event's range lies. */
enum area { AREA_DATA, AREA_SUPER, AREA_BITMAP, AREA_OTHER };
enum area replay_area (const struct replay *replay, const struct event *event);

static inline bool
is_modification (const struct event *event)
{
  return event->kind == EVENT_WRITE || event->kind == EVENT_ZERO
         || event->kind == EVENT_TRIM;
}

/* replay-metadata.c: before the event has its effect. */
void replay_judge (struct replay *replay);
void check_intent (struct replay *replay);
void check_super_write (struct replay *replay);
void check_bitmap_write (struct replay *replay);
bool is_recorded_out (struct replay *replay, unsigned leg);
void check_crash_state (struct replay *replay);
void check_end_state (struct replay *replay);

/* replay-data.c */
struct replay_request *replay_request_of (struct replay *replay,
                                          uint64_t number);
void check_data_submit (struct replay *replay);
void note_data_complete (struct replay *replay,
                         const struct cache_write *write);
void note_invoke (struct replay *replay);
void check_return (struct replay *replay);
void forget_requests (struct replay *replay);

#endif /* MIRROR_KILL_REPLAY_H */
