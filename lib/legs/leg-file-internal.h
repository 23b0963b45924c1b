/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-file-internal: what opening a file leg and using it share. */
#ifndef MIRROR_LEG_FILE_INTERNAL_H
#define MIRROR_LEG_FILE_INTERNAL_H

#include <stdatomic.h>
#include <sys/stat.h>

#include "ground/ground.h"
#include "ground/util.h"
#include "legs/leg-file.h"
#include "legs/leg.h"

/* What is known of an optional ability. */
enum ability {
  ABILITY_UNKNOWN,
  ABILITY_YES,
  ABILITY_NO,
};

/* leg-file-apart.c */
struct leg_file_apart {
  struct leg_file *file;
  bool one_by_one; /* a batch is one child; else all that wait */
  bool started;
  struct ground_thread thread;
  void *buffer; /* the thread's: what it reads and writes, ... */
  unsigned size; /* ... so many bytes at a time */

  struct ground_mutex lock; /* for all below */
  struct ground_cond changed;
  bool ended;
  struct child *waiting, **end; /* by driver.next */
  struct child *batch; /* under way; NULL: none, or it was aborted */
  bool inside; /* the thread is with a batch, aborted or not */
};

struct leg_file {
  struct leg leg;
  int fd;
  bool direct; /* O_DIRECT */
  bool block_device;
  uint32_t logical_block; /* block device: fallocate wants multiples */
  _Atomic uint64_t size;  /* bytes that may be read and written: caps.size, or
                             more since it grew */
  bool fast_zero;         /* zeroing without holes is quick */

  struct ring *ring; /* reads and writes go through it; NULL: they are done in
                        the calling thread */
  struct leg_file_apart stable, behind;

  _Atomic bool aborted;

  /* Learned on the way; they only ever change from the better to the worse
   * answer, or from not known to known, so the order does not matter.
   */
  _Atomic bool dsync_refused;  /* RWF_DSYNC is not for this file */
  _Atomic enum ability punch;  /* FALLOC_FL_PUNCH_HOLE */
  _Atomic enum ability ranges; /* FALLOC_FL_ZERO_RANGE */
};

static inline struct leg_file *
leg_file_of (struct leg *leg)
{
  return container_of (leg, struct leg_file, leg);
}

/* leg-file.c: what an open file can do. */
extern const struct leg_ops leg_file_ops;

/* All of it or -errno. */
int leg_file_transfer (struct leg_file *file, bool is_write, void *buffer,
                       uint64_t length, uint64_t offset, int flags);
int leg_file_sync (struct leg_file *file);

/* Any child, in the caller's thread; it is answered by the caller. */
int leg_file_do (struct leg_file *file, struct child *child);
int leg_file_write_stable (struct leg_file *file, void *buffer,
                           uint64_t length, uint64_t offset);

/* leg-file-apart.c: whose thread's is a child?  (NULL: nobody's, as all are
 * before the start.)  It is done there; or what is there, in the kernel, too, is
 * answered with -ESHUTDOWN; and the end, when the kernel has answered everything.
 */
struct leg_file_apart *leg_file_apart_for (struct leg_file *file,
                                           const struct child *child);
int leg_file_apart_start (struct leg_file *file);
void leg_file_apart_queue (struct leg_file_apart *apart, struct child *child);
void leg_file_apart_abort (struct leg_file *file);
bool leg_file_apart_is_inside (struct leg_file *file);
void leg_file_apart_stop (struct leg_file *file);

/* leg-file-place.c: its name for comparing (@is_block: the number of the
 * device is enough), and leg->place of a block device.
 */
void leg_file_identify (char *ret, size_t size, bool is_block, dev_t device,
                        ino_t inode);
void leg_file_find_places (struct leg_file *file, const struct stat *st);

/* leg-file-zero.c */
int leg_file_zero (struct leg_file *file, const struct child *child);
bool leg_file_can_zero (struct leg *leg, uint32_t flags);

#endif /* MIRROR_LEG_FILE_INTERNAL_H */
