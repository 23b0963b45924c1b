/* SPDX-License-Identifier: BSD-3-Clause */
/* client: see client.h. */

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "sim/sim-stamp.h"

/* Numbers of flushes in the log are above all values of writes, and so are
 * those of zeroes.
 */
#define NUMBER_ANONYMOUS (UINT64_C (1) << 40)

void
client_open (struct client *client)
{
  client->scan_blocks = (client->sectors + JOB_SECTORS - 1) / JOB_SECTORS;
  client->scan = malloc (client->scan_blocks * sizeof *client->scan);
  assert (client->scan != NULL);
  client->scan_left = 0;
  memset (client->busy, 0, sizeof client->busy);
  for (unsigned i = 0; i < JOBS_MAX; i++)
    client->jobs[i].is_busy = false;
  for (unsigned i = 0; i < HOT_SPOTS; i++)
    client->hot[i] = random_below (&client->chance, client->sectors);
  client->why[0] = '\0';
}

void
client_close (struct client *client)
{
  free (client->scan);
}

bool
client_connect (struct client *client, const char *socket)
{
  for (unsigned i = 0; i < client->connections; i++) {
    client->nbd[i] = nbd_create ();
    assert (client->nbd[i] != NULL);
  }
  for (unsigned i = 0; i < client->connections; i++)
    if (nbd_connect_unix (client->nbd[i], socket) == -1)
      return false;
  return true;
}

void
client_disconnect (struct client *client)
{
  for (unsigned i = 0; i < client->connections; i++) {
    if (nbd_aio_is_ready (client->nbd[i]))
      nbd_shutdown (client->nbd[i], 0);
    nbd_close (client->nbd[i]);
  }
}

/* -------------------------------------------------------------------- the log */

static void
log_event (struct client *client, const struct job *job, enum event_phase phase,
           uint32_t flags, int error)
{
  struct event event = { .kind = job->kind,
                         .phase = phase,
                         .request = job->number,
                         .offset = job->first * SECTOR,
                         .length = job->count * SECTOR,
                         .leg = job->connection,
                         .flags = flags,
                         .error = error };

  if (job->kind == EVENT_READ)
    return;
  pthread_mutex_lock (&client->log->lock);
  reclog_append (client->log, event, NULL);
  pthread_mutex_unlock (&client->log->lock);
}

/* ------------------------------------------------------------------- asking */

static bool
take_scan (struct client *client, struct job *job)
{
  uint64_t i;
  uint32_t block;

  if (client->scan_left == 0) {
    if (client->scans == 0)
      return false;
    client->scans--;
    client->scan_left = client->scan_blocks;
    for (i = 0; i < client->scan_blocks; i++)
      client->scan[i] = i;
  }
  i = random_below (&client->chance, client->scan_left);
  block = client->scan[i];
  client->scan[i] = client->scan[--client->scan_left];
  job->kind = EVENT_READ;
  job->first = block * (uint64_t)JOB_SECTORS;
  job->count = MIN (JOB_SECTORS, client->sectors - job->first);
  return true;
}

static void
choose_range (struct client *client, struct job *job)
{
  struct random_stream *chance = &client->chance;

  job->count = 1 + random_below (chance, random_one_in (chance, 12) ? JOB_SECTORS
                                         : random_one_in (chance, 3) ? 24 : 8);
  if (random_one_in (chance, 4))
    job->first = random_below (chance, client->sectors);
  else
    job->first = client->hot[random_below (chance, HOT_SPOTS)]
                 + random_below (chance, 24);
  job->first = MIN (job->first, client->sectors - job->count);
}

static bool
choose_request (struct client *client, struct job *job)
{
  uint64_t n = random_below (&client->chance, 100);

  if (client->requests == 0)
    return false;
  if (client->requests != NEVER)
    client->requests--;
  choose_range (client, job);
  if (n < 60)
    job->kind = EVENT_WRITE;
  else if (n < 66)
    job->kind = EVENT_ZERO;
  else if (n < 68)
    job->kind = EVENT_TRIM;
  else if (n < 78)
    job->kind = EVENT_FLUSH;
  else
    job->kind = EVENT_READ;
  if (job->kind == EVENT_FLUSH)
    job->first = job->count = 0;
  return true;
}

static int
answered (void *opaque, int *error)
{
  struct job *job = opaque;

  job->error = *error;
  job->is_answered = true;
  return 1;
}

static void
fill (struct client *client, struct job *job, bool fua)
{
  bool zero = job->kind != EVENT_WRITE;
  uint64_t value;

  job->operation = history_write (client->history, job->first, job->count, zero,
                                  fua);
  value = history_value (client->history, job->operation);
  job->number = zero ? NUMBER_ANONYMOUS + ++client->counter : value;
  for (uint64_t i = 0; !zero && i < job->count; i++)
    stamp_write (job->buffer + i * SECTOR, job->first + i, value);
}

static int64_t
send_job (struct client *client, struct job *job, bool fua)
{
  struct nbd_handle *nbd = client->nbd[job->connection];
  nbd_completion_callback callback = { .callback = answered, .user_data = job };
  uint32_t flags = fua ? LIBNBD_CMD_FLAG_FUA : 0;
  uint64_t offset = job->first * SECTOR, length = job->count * SECTOR;

  switch (job->kind) {
  case EVENT_READ:
    return nbd_aio_pread (nbd, job->buffer, length, offset, callback, 0);
  case EVENT_WRITE:
    return nbd_aio_pwrite (nbd, job->buffer, length, offset, callback, flags);
  case EVENT_ZERO:
    if (random_one_in (&client->chance, 2))
      flags |= LIBNBD_CMD_FLAG_NO_HOLE;
    return nbd_aio_zero (nbd, length, offset, callback, flags);
  case EVENT_TRIM:
    return nbd_aio_trim (nbd, length, offset, callback, flags);
  default:
    return nbd_aio_flush (nbd, callback, 0);
  }
}

static void
begin (struct client *client, struct job *job, unsigned connection)
{
  bool modifies = job->kind == EVENT_WRITE || job->kind == EVENT_ZERO
                  || job->kind == EVENT_TRIM;
  bool fua = modifies && random_one_in (&client->chance, 8);

  job->client = client;
  job->connection = connection;
  job->is_busy = true;
  job->is_answered = false;
  if (modifies)
    fill (client, job, fua);
  else
    job->number = NUMBER_ANONYMOUS + ++client->counter;
  job->invoked = history_tick (client->history);
  log_event (client, job, PHASE_INVOKE, fua ? EVENT_FUA : 0, 0);
  client->busy[connection]++;
  /* A connection that has just died: the request is one without an answer. */
  send_job (client, job, fua);
}

/* ------------------------------------------------------------------- judging */

static void
judge_read (struct client *client, const struct job *job)
{
  char why[256];

  for (uint64_t i = 0; i < job->count; i++) {
    uint64_t value;

    if (!stamp_read (job->buffer + i * SECTOR, job->first + i, &value))
      snprintf (why, sizeof why, "it is no whole sector that was written there");
    else if (history_read (client->history, job->first + i, value, job->invoked,
                           why, sizeof why))
      continue;
    snprintf (client->why, sizeof client->why, "read of sector %" PRIu64 ": %s",
              job->first + i, why);
    return;
  }
}

static void
judge (struct client *client, struct job *job)
{
  if (job->error != 0) {
    client->errors++;
    if (!client->errors_are_allowed)
      snprintf (client->why, sizeof client->why, "request %d of %" PRIu64
                "+%" PRIu64 ": %s", job->kind, job->first, job->count,
                strerror (job->error));
    return;
  }
  switch (job->kind) {
  case EVENT_READ:
    client->reads++;
    judge_read (client, job);
    break;
  case EVENT_FLUSH:
    client->flushes++;
    history_flushed (client->history, job->invoked);
    break;
  case EVENT_TRIM:
    client->modifications++;
    history_ended (client->history, job->operation);
    break;
  default:
    client->modifications++;
    history_acked (client->history, job->operation);
    break;
  }
}

static bool
is_dead (const struct client *client, unsigned connection)
{
  struct nbd_handle *nbd = client->nbd[connection];

  return nbd_aio_is_dead (nbd) == 1 || nbd_aio_is_closed (nbd) == 1;
}

static void
collect (struct client *client)
{
  for (unsigned i = 0; i < JOBS_MAX && client->why[0] == '\0'; i++) {
    struct job *job = &client->jobs[i];

    if (!job->is_busy || !job->is_answered)
      continue;
    job->is_busy = false;
    client->busy[job->connection]--;
    if (job->error != 0 && is_dead (client, job->connection))
      continue;
    log_event (client, job, PHASE_RETURN, 0, -job->error);
    judge (client, job);
  }
}

/* ----------------------------------------------------------------------- loop */

static struct job *
free_job (struct client *client)
{
  for (unsigned i = 0; i < JOBS_MAX; i++)
    if (!client->jobs[i].is_busy)
      return &client->jobs[i];
  return NULL;
}

/* False: there is nothing left to ask. */
static bool
ask (struct client *client, unsigned connection)
{
  while (client->busy[connection] < client->depth) {
    struct job *job = free_job (client);
    bool scan_first = random_one_in (&client->chance, 2);

    if (job == NULL)
      return true;
    if (!(scan_first && take_scan (client, job))
        && !choose_request (client, job) && !take_scan (client, job))
      return client->busy[connection] > 0;
    begin (client, job, connection);
  }
  return true;
}

static void
wait_for_answers (struct client *client)
{
  struct pollfd fds[CONNECTIONS_MAX];

  for (unsigned i = 0; i < client->connections; i++) {
    unsigned direction = nbd_aio_get_direction (client->nbd[i]);

    fds[i] = (struct pollfd){ .fd = nbd_aio_get_fd (client->nbd[i]) };
    if (direction & LIBNBD_AIO_DIRECTION_READ)
      fds[i].events |= POLLIN;
    if (direction & LIBNBD_AIO_DIRECTION_WRITE)
      fds[i].events |= POLLOUT;
  }
  poll (fds, client->connections, -1);
  for (unsigned i = 0; i < client->connections; i++) {
    unsigned direction = nbd_aio_get_direction (client->nbd[i]);

    if (fds[i].revents & (POLLIN | POLLHUP | POLLERR)
        && direction & LIBNBD_AIO_DIRECTION_READ)
      nbd_aio_notify_read (client->nbd[i]);
    else if (fds[i].revents & (POLLOUT | POLLHUP | POLLERR)
             && direction & LIBNBD_AIO_DIRECTION_WRITE)
      nbd_aio_notify_write (client->nbd[i]);
  }
}

static unsigned
count_dead (const struct client *client)
{
  unsigned dead = 0;

  for (unsigned i = 0; i < client->connections; i++)
    dead += is_dead (client, i);
  return dead;
}

bool
client_run (struct client *client)
{
  while (count_dead (client) == 0) {
    bool left = false;

    collect (client);
    if (client->why[0] != '\0')
      return false;
    for (unsigned i = 0; i < client->connections; i++)
      left |= ask (client, i);
    if (!left)
      return true;
    /* Sending may have told already that it is dead. */
    if (count_dead (client) == 0)
      wait_for_answers (client);
  }
  /* What is still in the other sockets has been answered. */
  for (unsigned i = 0; i < client->connections && client->why[0] == '\0'; i++)
    while (!is_dead (client, i) && nbd_poll (client->nbd[i], -1) == 1)
      ;
  collect (client);
  return false;
}
