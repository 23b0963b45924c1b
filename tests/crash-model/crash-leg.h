/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-leg: a leg that keeps real bytes in memory, and a recording of all
 * that is done to it.
 *
 * What a crash would leave of it is none of its business: crash-replay works
 * that out of the recording.
 */
#ifndef MIRROR_CRASH_LEG_H
#define MIRROR_CRASH_LEG_H

#include <stdbool.h>
#include <stdint.h>

#include "crash-record.h"
#include "crash-shape.h"
#include "legs/leg.h"
#include "sim-random.h"

/* What goes wrong with it, if anything. */
enum crash_fault {
  FAULT_NONE,
  FAULT_WRITE_ONCE, /* one write or zero fails */
  FAULT_WRITE,      /* all of them, from some moment on */
  FAULT_FLUSH_ONCE,
  FAULT_FLUSH,
  FAULT_DIE,        /* the leg goes away */
  FAULT_HANG,       /* remote: answers no more */
  FAULT_READ,       /* some sectors cannot be read */
  FAULT_ODD,        /* one, two or all fail with a harmless error */
  FAULT_POWER,      /* remote: loses its power, and comes back (crash-power) */
  CRASH_FAULTS,
};

enum crash_scope { SCOPE_ALL, SCOPE_DATA, SCOPE_METADATA, CRASH_SCOPES };

/* Bugs on purpose, to see whether anybody notices. */
enum crash_plant {
  PLANT_NONE,
  PLANT_FLUSH,       /* a flush does nothing, and succeeds */
  PLANT_BITMAP_LOST, /* writes to the bitmap of leg 0 are not stored */
  PLANT_SUPER_LOST,  /* nor those to its superblock */
  PLANT_CLEAR,       /* bits are stored cleared */
  PLANT_DATA_LOST,   /* some data are not stored, on leg 0 */
  PLANT_DATA_MOVED,  /* some data land in the next block */
  PLANT_EARLY,       /* writes are answered before they are done */
  PLANT_EVENTS,      /* superblocks of leg 0 go back in time */
  PLANT_READ,        /* reads of leg 0 return what was there before */
  PLANT_STRAY,       /* some metadata land behind their area */
  PLANT_SCRIBBLE,    /* a buffer changes under way */
  /* In the engine: crash-plant-engine.c. */
  PLANT_NO_BITS,
  PLANT_NO_RECORD,
  PLANT_NO_FLUSH,
  PLANT_FLUSH_ERROR,
  PLANT_WRONG_COPY,
  PLANT_UNSYNCED_READ,
  PLANT_OLD_FLUSH,
  PLANT_TOO_MUCH,
  PLANT_NO_LOCK,
  PLANT_SHORT_LOCK,
  PLANT_ONE_PAGE,
  PLANT_OTHER_PAGE,
  PLANT_PAGE_LEFT,
  PLANT_KEEP_OTHER,
  PLANT_KEEP_MERGED,
  PLANT_FIRST_WINDOW,
  PLANT_REST_DROPPED,
  PLANT_AHEAD,
  /* Of legs that lose their power: crash-power.c, crash-plant-power.c. */
  PLANT_RECONNECTS,
  PLANT_OWES_NOTHING,
  PLANT_NO_QUARANTINE,
  PLANT_TRUSTED,
  PLANT_BELIEVED,
  CRASH_PLANTS,
};
extern enum crash_plant crash_plant;
extern const char *const crash_plant_names[CRASH_PLANTS];

/* How one leg behaves in one life. */
struct crash_drive {
  enum leg_rank rank;
  bool fua;
  bool stable;     /* keeps nothing back: flush is "not supported" */
  bool zeroes;     /* can zero by itself */
  uint32_t request_max, zero_max;
  uint32_t memory_alignment;
  uint64_t latency_ns; /* mean */
  uint64_t timeout_ns; /* remote */
  enum crash_fault fault;
  enum crash_scope scope;
  unsigned after;  /* so many children that it applies to are spared */
  unsigned times;  /* and so many fail then */
  uint32_t bad, bad_count; /* FAULT_READ: sectors */
  uint64_t linger_ns, away_ns; /* FAULT_POWER: means, until then and from then
                                  on */
  int error;
  struct random_stream chance;
};

/* @image: its sectors, changed as it is written to.  It is used until the
 * leg is closed.
 */
struct leg *crash_leg_open (const struct crash_shape *shape, unsigned number,
                            const struct crash_drive *drive, uint32_t *image,
                            struct record *record);

/* Did its fault show? */
bool crash_leg_has_failed (unsigned number);

void crash_leg_begin_world (void);

/* So many mutexes may be held by this fiber when it issues. */
void crash_leg_allow_locks (unsigned count);

#endif /* MIRROR_CRASH_LEG_H */
