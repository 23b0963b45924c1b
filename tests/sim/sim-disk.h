/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-disk: the contents of a simulated disk and what can go wrong with it.
 *
 * No scheduling here (sim-leg does that): a transfer happens at once.  A
 * disk outlives its leg, so that oracles can look at it in the end.
 *
 * Contents are values (sim-stamp), one per sector, in three states:
 * current (what a read sees), done (what has been answered) and durable
 * (what a power cut would leave).
 */
#ifndef MIRROR_SIM_DISK_H
#define MIRROR_SIM_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "legs/leg.h"
#include "sim-random.h"

#define DISK_SECTORS_MAX 512u
#define DISK_OPS (CHILD_CACHE + 1)

/* The sector lies outside the array: nobody may write there. */
#define LBA_NONE UINT64_MAX

enum zero_mode {
  ZERO_WORKS,
  ZERO_NEVER,       /* and says so */
  ZERO_SLOWLY,      /* not with CHILD_FAST */
  ZERO_FIRST_FAILS, /* said it could */
  ZERO_TIRES,       /* the same, after some that worked */
  ZERO_ODD,         /* "invalid" now and then */
  ZERO_MODES,
};

enum flush_mode {
  FLUSH_WORKS,
  FLUSH_NONE, /* nothing to do: everything done is durable */
  FLUSH_ODD,  /* harmless errors now and then */
};

/* One kind of operation goes wrong. */
struct trouble {
  unsigned chance;       /* of 1024, for each child that touches the range */
  unsigned budget;       /* how often in all */
  int error;             /* -errno */
  uint64_t first, count; /* sectors; count 0: everywhere */
};

struct disk_faults {
  uint64_t from_ns;  /* none of these before ... */
  uint64_t until_ns; /* ... and after */
  uint64_t die_ns;   /* gone for good; GROUND_NEVER */
  int die_error;
  uint64_t hang_ns; /* remote: no reply any more; GROUND_NEVER */
  unsigned lose;    /* remote: of 1024 replies */
  struct trouble on[DISK_OPS];
  unsigned odd_write, odd_read; /* of 1024: harmless errors */
  int odd_error;
};

struct disk {
  /* Given. */
  unsigned slot;
  enum leg_rank rank;
  bool queues_effects; /* inline: flush and zero wait for kickoff */
  struct leg_caps caps;
  enum zero_mode zero_mode;
  int zero_error; /* -EOPNOTSUPP or -EINVAL */
  enum flush_mode flush_mode;
  bool tells_holes, tells_zeroes;
  uint64_t latency_min_ns, latency_mean_ns;
  uint64_t stall_period_ns; /* flapping: slow in every second one; 0: no */
  unsigned slowness;        /* latency times this, always or when flapping */
  uint64_t timeout_ns;      /* remote */
  bool generation_first;    /* dying: number first, then the errors */
  struct disk_faults faults;
  bool is_victim;  /* has hard faults */
  int probe_error; /* of read_now */
  struct random_stream chance;

  /* What is on it. */
  uint64_t sectors;
  uint64_t lba[DISK_SECTORS_MAX]; /* of the array, or LBA_NONE */
  uint64_t value[DISK_SECTORS_MAX];
  bool hole[DISK_SECTORS_MAX];

  /* Durability: versions count up; 0 is the beginning. */
  uint64_t version;
  uint64_t done_value[DISK_SECTORS_MAX], done_version[DISK_SECTORS_MAX];
  uint64_t durable_value[DISK_SECTORS_MAX], durable_version[DISK_SECTORS_MAX];
  uint64_t lost_version[DISK_SECTORS_MAX]; /* a failed flush dropped it */

  /* What happened. */
  bool tired; /* of zeroing */
  unsigned zeroes;
  bool told_gone;  /* by its leg, and the array has heard it */
  bool may_be_out; /* an error that may take the leg out was reported */
  bool odd[DISK_SECTORS_MAX]; /* the last write failed with a harmless error */
  uint64_t children, hard_errors, harmless_errors;
};

/* What a flush found done when it was issued. */
struct disk_snapshot {
  uint64_t value[DISK_SECTORS_MAX], version[DISK_SECTORS_MAX];
};

/* All sectors get @initial where they have an LBA. */
void disk_reset (struct disk *disk, uint64_t initial);

/* Which error will @child get at @now_ns?  0: none.  Uses up budgets. */
int disk_decide (struct disk *disk, const struct child *child, uint64_t now_ns);

/* Move data between @child's buffer and sectors @begin .. @end of the disk,
 * counted from its offset.
 */
void disk_transfer (struct disk *disk, struct child *child, uint64_t begin,
                    uint64_t end);

/* Fill in child->extents. */
void disk_tell_extents (struct disk *disk, struct child *child);

/* A write with FUA is in the cache, before it is made stable. */
void disk_cached (struct disk *disk, const struct child *child);

/* @child is answered with success: durability. */
void disk_done (struct disk *disk, const struct child *child);
void disk_take_snapshot (const struct disk *disk, struct disk_snapshot *ret);
void disk_flushed (struct disk *disk, const struct disk_snapshot *snapshot);
/* The flush failed: what it should have stored never will be. */
void disk_flush_failed (struct disk *disk,
                        const struct disk_snapshot *snapshot);

/* @child ended with @error, which is not 0: may the leg be out for that? */
void disk_failed (struct disk *disk, const struct child *child, int error);

/* Does it answer zero requests with these flags? */
bool disk_can_zero (const struct disk *disk, uint32_t flags);

#endif /* MIRROR_SIM_DISK_H */
