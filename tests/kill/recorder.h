/* SPDX-License-Identifier: BSD-3-Clause */
/* recorder: the disks of reclegs.c, what happens to them, and the log of it.
 *
 * When a request has been logged the lock is let go for a moment (jitter), so
 * that others come in between; then it is carried out and logged as complete,
 * at once.  From the kill on nothing is completed; after the crash requests
 * of older connections have no effect any more.
 *
 * One mutex, reclog->lock, protects everything; whether it is held on entry
 * is said below.  Results are 0 or -errno.
 */
#ifndef MIRROR_KILL_RECORDER_H
#define MIRROR_KILL_RECORDER_H

#include <sys/types.h>

#include "reclog.h"

struct connection {
  unsigned leg;
  unsigned number;
  uint64_t generation;
};

extern struct reclog *reclog;

/* Once, at the start. */
int recorder_map (const char *log_file);

/* Not locked. */
void recorder_connect (struct connection *connection);
int recorder_read (const struct connection *connection, void *buffer,
                   uint32_t count, uint64_t offset);
int recorder_request (const struct connection *connection, struct event event,
                      const void *data);

/* Locked: the commands of reclegs.c. */
int recorder_load (const char *const *files, unsigned count);
void recorder_jitter (unsigned usec);
void recorder_kill (pid_t pid, uint64_t events); /* 0: nobody */
int recorder_fail (unsigned leg, enum event_kind kind, uint64_t after,
                   uint64_t times);
void recorder_heal (void);
void recorder_plant (uint64_t writes);
void recorder_crash (bool power, uint64_t seed);

#endif /* MIRROR_KILL_RECORDER_H */
