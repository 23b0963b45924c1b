/* SPDX-License-Identifier: BSD-3-Clause */
/* member-disk: disks in memory that come and go, for members of arrays.
 *
 * A disk stays what it is while legs to it are opened and closed.  A leg queues
 * until it is kicked off, and answers later and in any order.  What must not
 * happen to a leg ends the world: closed with something in flight, closed
 * twice, asked afterwards, not kicked off (nobody answers: a deadlock), read
 * where it is on record as bad, or written to before anybody has read what the
 * disk is, or while it is no disk of the array.
 */
#ifndef MIRROR_MEMBER_DISK_H
#define MIRROR_MEMBER_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "legs/leg.h"

#define DISKS 6u
#define DISK_SIZE (192u * 1024)

struct array_opener;

/* How a disk is broken. */
enum disk_fault {
  DISK_GOOD,
  DISK_WRITES_FAIL, /* and flushes */
  DISK_ALL_FAILS,
  DISK_GONE, /* its leg finds it out by itself */
  DISK_CUT,  /* a remote one: its server is cut off, and dies */
  DISK_FAULTS,
};

/* What answers in the place of a remote disk that comes back. */
enum disk_swap {
  SWAP_NONE,
  SWAP_EMPTY,     /* all zeroes */
  SWAP_OLDER,     /* what it held earlier */
  SWAP_FOREIGN,   /* a disk of another array */
  SWAP_TWIN,      /* a copy of another disk */
  SWAP_SMALL,     /* too small for any of the arrays */
  SWAP_NO_FLUSH,  /* itself, which cannot flush now */
  SWAP_READ_ONLY, /* itself, which can only be read now */
  SWAPS,
};

#define DISK_SECTORS (DISK_SIZE / 512u)
#define DISK_LATE 8u

struct disk {
  uint8_t data[DISK_SIZE];
  enum disk_fault fault;
  uint64_t bad, bad_length; /* bytes: on record as bad, and never read */

  /* Of a remote one: what its server has stored for sure. */
  uint8_t stable[DISK_SIZE];
  uint64_t writes, written[DISK_SECTORS]; /* which of them was the last there */
  unsigned flushing; /* flushes under way */
  bool was_opened;

  /* What it may still do for a leg that was cut off. */
  struct disk_late {
    uint64_t offset, length, due_ns, until_ns; /* in the end it is done then */
    uint8_t data[16384];
  } late[DISK_LATE];
  unsigned late_count;
  unsigned cuts;    /* how often somebody was cut off from it */
  bool cut_soon;    /* when it is written to next */
  bool spoilt; /* one was done to its beginning, and nothing else since */

  /* Who answers in its place, and may not be written to. */
  enum disk_swap swap;
  bool met_swapped;        /* and a leg to that was opened */
  bool ordered, discarded; /* somebody orders just now to take what is there */
  uint8_t own[DISK_SIZE], older[DISK_SIZE];
  bool has_older;
};

/* Disks are remote: what was not flushed may be lost when they are cut off, and
 * what was under way then may be done later, but not after so long from when
 * they are opened again.
 */
extern bool disks_are_remote;
extern uint64_t disks_late_ns;
extern unsigned disks_late_done; /* how many were */
extern unsigned disks_late_newer; /* just behind what was newer */

/* The byte of each disk that tells who it is. */
extern uint64_t disks_tell_at;

extern struct disk disks[DISKS];

/* Empty, good, and no leg was ever opened. */
void disks_reset (uint64_t seed);

/* "disk:N" of @number. */
const char *disk_name (unsigned number);
/* And back. */
unsigned disk_number (const char *name);

struct leg *disk_open (unsigned number);

/* Disks that come back may be swapped, also for an older image; and when they
 * were written to all the same, how often.
 */
extern bool disks_are_swapped, disks_are_older, disks_are_plain;
extern unsigned disks_taken[SWAPS];
extern void (*disks_make_foreign) (struct disk *disk);

/* For people. */
const char *disk_swap_name (enum disk_swap swap);

/* For SWAP_OLDER. */
void disk_take_image (struct disk *disk);

void disk_put_right (struct disk *disk);

/* For array_config.  A disk that is broken is missing. */
int disk_opener (const struct array_opener *opener, const char *text,
                 struct leg **ret, bool *ret_missing, char *why);

/* It is good again; what it had not stored for sure may be lost. */
void disk_mend (struct disk *disk);

/* From now on. */
void disk_break (struct disk *disk, enum disk_fault fault);

/* All connections to it, also those that the array only looks through. */
void disk_cut_legs (struct disk *disk);

/* Has somebody a leg to it that was not cut off? */
bool disk_is_connected (const struct disk *disk);

/* What it still has to do late is done now. */
void disk_end_late (struct disk *disk);

/* The array is closed: nobody has left a leg open. */
void disks_check_closed (void);

#endif /* MIRROR_MEMBER_DISK_H */
