/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of member-disk share: its legs, and what a server does. */
#ifndef MIRROR_MEMBER_DISK_INTERNAL_H
#define MIRROR_MEMBER_DISK_INTERNAL_H

#include "ground/ground.h"
#include "member-disk.h"
#include "sim-random.h"

#define DISK_LEGS 160u
#define IN_FLIGHT 128u

struct disk_leg {
  struct leg leg;
  struct disk *disk;
  struct ground_mutex lock;
  struct ground_cond changed;
  struct ground_thread thread;
  struct child *queued[IN_FLIGHT], *submitted[IN_FLIGHT];
  unsigned queued_count, submitted_count, answering;
  bool started, aborted, stopping, closed, told, cut, ended;
  uint64_t came_ns; /* its server was there again after it was cut; 0: not yet */
  bool looked; /* what tells who it is was read */
};

extern struct disk_leg disk_legs[DISK_LEGS];
extern unsigned disk_legs_opened;
extern struct random_stream disks_chance;

/* What lies in [@offset, @offset + @length) of @disk is overwritten: what a flush
 * is under way for is stable before.  And then it has changed, by a leg.
 */
void disk_keep_older (struct disk *disk, uint64_t offset, uint64_t length);
void disk_note_written (struct disk *disk, uint64_t offset, uint64_t length,
                        bool stable);

/* Servers: what @disk is to do late, and its time has come for; @child of a leg
 * that was cut off; and that leg knows.
 */
void disk_do_late (struct disk *disk);
void disk_keep_late (struct disk_leg *leg, const struct child *child);

/* Another one answers for @disk from now on; what that can do; it is written
 * to.
 */
void disk_swap (struct disk *disk);
void disk_shape (const struct disk *disk, struct leg_caps *caps);
void disk_check_swap (struct disk *disk);

/* A leg to @disk is opened. */
void disk_came (struct disk *disk);

#endif /* MIRROR_MEMBER_DISK_INTERNAL_H */
