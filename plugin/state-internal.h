/* SPDX-License-Identifier: BSD-3-Clause */
/* state-internal: what the files of state share. */
#ifndef MIRROR_STATE_INTERNAL_H
#define MIRROR_STATE_INTERNAL_H

#include <stdatomic.h>

#include "ground/ground.h"
#include "ground/log.h"
#include "legs/leg-beside.h"
#include "logic/sb1.h"
#include "logic/state-file.h"
#include "plugin/state.h"

/* Where the superblock is in an area. */
#define STATE_SUPER_AT (STATE_AREA_SIZE - 8192)

/* Who uses an area.  Two at most: one whose connection is lost is still there
 * when the same disk is opened again.
 */
#define STATE_USERS 2

struct state_user {
  struct beside beside;
  struct state_area *area;
  bool is_used;    /* lock */
  struct leg *leg; /* lock; NULL: it is just being made */
};

struct state_area {
  struct state_user user[STATE_USERS];
  struct state *state;
  unsigned number;
  uint64_t size;         /* of the disk that has it now; lock */
  char *text;            /* likewise; NULL: nobody has */
  _Atomic bool is_there; /* it has an entry; else all reads as zeroes, and it
                            gets one when it is written; set with the lock */
  _Atomic int error;     /* why it could not be stored to; 0: it could */
};

/* Why nothing can be stored (state-fault.c); all 0: it can. */
struct state_fault {
  struct ground_mutex lock; /* a leaf */
  int of_file;              /* -ESTALE: it is not there; -EBADMSG: it is not ours */
  int told;                 /* the last error that people know of */
  uint64_t since_utc_us;
  struct log_repeat repeat[2]; /* an area cannot be written; of the file */
};

struct state {
  char *path;      /* absolute */
  char *temporary; /* its name until it is published; NULL: has been */
  int fd;          /* -1: none */
  bool known;      /* as it was found */
  bool made;       /* since */
  bool serves;     /* the array has been made of the disks */
  int found_fd;    /* the one that the new one replaces, or -1; locked */
  struct state_fault fault;

  /* Held while the head is written: whoever adds a disk is in the metadata's
   * turn, and nobody else waits for it.
   */
  struct ground_mutex lock;
  struct state_head head;
  unsigned copy; /* of the head: the good one, or the last one written */
  struct state_area area[STATE_AREAS_MAX];
};

/* All of it, or -errno. */
int state_read_at (int fd, void *buffer, uint64_t length, uint64_t offset);
int state_write_at (int fd, const void *buffer, uint64_t length,
                    uint64_t offset);

/* 0 or -errno. */
int state_sync (int fd);

/* Against other servers.  0 or -errno; -EBUSY: one has it. */
int state_lock (int fd);
void state_unlock_and_close (int fd);

/* The folder that @path is in: so that its name lasts.  0 or -errno. */
int state_sync_folder (const char *path);

/* Is the open file the one of that name? */
bool state_is_there (const struct state *state);

/* Says so; -1. */
int state_refuse (const struct state *state, const char *format, ...)
  __attribute__ ((format (printf, 2, 3)));

/* Both copies of the head, one after the other.  Lock held, or alone.  0 or
 * -errno.
 */
int state_store_head (struct state *state);

/* Before a store.  0, -ESTALE: the file of that name is another one, or there is
 * none; -EBADMSG: somebody has truncated it, or written into it.
 */
int state_check (struct state *state);

/* What became of a store to @area, or with NULL of state_check: what has changed
 * is said.
 */
void state_note (struct state *state, struct state_area *area, int r);

#endif /* MIRROR_STATE_INTERNAL_H */
