/* SPDX-License-Identifier: BSD-3-Clause */
/* client: one life of a mirror, as its clients see it: several connections,
 * several requests under way on each, overlapping, every sector stamped and
 * every answer judged.
 *
 * One thread.  What is asked and answered goes to the shared log (reclog.h),
 * modifications and flushes only, and to the history, which judges reads.
 */
#ifndef MIRROR_KILL_CLIENT_H
#define MIRROR_KILL_CLIENT_H

#include <libnbd.h>

#include "history.h"
#include "reclog.h"
#include "sim/sim-random.h"

#define CONNECTIONS_MAX 6u
#define JOBS_MAX 48u
#define JOB_SECTORS 128u
#define HOT_SPOTS 4u

struct client;

struct job {
  struct client *client;
  bool is_busy, is_answered;
  int error;
  enum event_kind kind;
  unsigned connection;
  uint64_t first, count;
  uint32_t operation; /* of the history; writes and zeroes */
  uint64_t number;    /* in the log */
  uint64_t invoked;
  uint8_t buffer[JOB_SECTORS * SECTOR];
};

struct client {
  /* Given. */
  struct reclog *log;
  struct history *history;
  struct random_stream chance;
  uint64_t sectors;
  unsigned connections;
  unsigned depth;          /* requests under way on each */
  unsigned scans;          /* how often everything is read */
  uint64_t requests;       /* besides; NEVER: until the server dies */
  bool errors_are_allowed; /* disks are failing */
  /* Its own. */
  struct nbd_handle *nbd[CONNECTIONS_MAX];
  unsigned busy[CONNECTIONS_MAX];
  struct job jobs[JOBS_MAX];
  uint64_t hot[HOT_SPOTS];
  uint32_t *scan;          /* blocks still to be read */
  uint64_t scan_left, scan_blocks;
  uint64_t counter;        /* of flushes, for numbers in the log */
  uint64_t reads, modifications, flushes, errors; /* statistics */
  char why[512];           /* what was wrong; "": nothing */
};

void client_open (struct client *client);
void client_close (struct client *client);

/* Connect to @socket.  False: the server is not there. */
bool client_connect (struct client *client, const char *socket);

/* Until all is asked and answered (true), or the server has died (false), or
 * something was wrong (client->why).
 */
bool client_run (struct client *client);

void client_disconnect (struct client *client);

#endif /* MIRROR_KILL_CLIENT_H */
