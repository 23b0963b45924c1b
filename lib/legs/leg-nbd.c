/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-nbd: children as NBD commands.
 *
 * Called by the engine from any thread; leg-nbd-connect.c opened the leg,
 * leg-nbd-poll.c or leg-nbd-attend.c reads the answers.  Holds no lock
 * across a call of libnbd.  Does not block: libnbd queues what the socket
 * does not take.
 *
 * A server is not trusted: its replies are checked by libnbd, its extents
 * here, and whatever it keeps us waiting for has a deadline.
 */
#include <errno.h>
#include <libnbd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "legs/leg-nbd-internal.h"

/* Bit of leg_nbd.zero_refused. */
static unsigned
zero_kind (uint32_t flags)
{
  return 1u << (flags & (CHILD_MAY_TRIM | CHILD_FAST));
}

/* Under libnbd's handle lock, in whatever thread drives the handle: no call
 * of libnbd, nothing that waits.
 */
static int
command_done (void *user_data, int *error)
{
  struct child *child = user_data;

  child->driver.error = -*error;
  child->driver.answered = true;
  return 1; /* libnbd forgets the command */
}

/* What libnbd refused to send, in the call that this thread is in. */
static __thread struct child *refused;

/* Comes once for every command, after command_done if there was an answer;
 * without one libnbd refused it.  What nbd_aio_* returns does not tell: when
 * the connection dies in that very call it reads the number of the command,
 * which it has freed (seen in 1.14.2).
 */
static void
command_over (void *user_data)
{
  struct child *child = user_data;

  if (child->driver.answered)
    leg_nbd_retire (leg_nbd_of (child->driver.leg), child,
                    child->driver.error);
  else
    refused = child;
}

static int
zero_done (void *user_data, int *error)
{
  struct child *child = user_data;

  /* Also ENOTSUP; EINVAL would be our fault, and is not remembered. */
  if (*error == EOPNOTSUPP)
    atomic_fetch_or (&leg_nbd_of (child->driver.leg)->zero_refused,
                     zero_kind (child->flags));
  return command_done (user_data, error);
}

/* A server that answers without a word about the range has said "data",
 * which is always safe.
 */
static int
extents_done (void *user_data, int *error)
{
  struct child *child = user_data;

  if (*error == 0 && child->extents_count == 0)
    child->extents[child->extents_count++]
      = (struct extent){ .length = child->length, .flags = 0 };
  return command_done (user_data, error);
}

/* May come more than once for one command, and for other contexts than the
 * one we asked for; the entries are the server's word: pairs of length and
 * flags.
 */
static int
extents_part (void *user_data, const char *context, uint64_t offset,
              uint32_t *entries, size_t entries_count, int *error)
{
  struct child *child = user_data;
  uint64_t *covered = &child->driver.transferred;

  (void)error;
  if (strcmp (context, LIBNBD_CONTEXT_BASE_ALLOCATION) != 0
      || offset != child->offset + *covered)
    return 0;
  for (size_t i = 0; i + 1 < entries_count; i += 2) {
    uint64_t length = MIN ((uint64_t)entries[i], child->length - *covered);

    if (child->extents_count == child->extents_max)
      break;
    if (length == 0)
      continue;
    child->extents[child->extents_count++] = (struct extent){
      .length = length, .flags = entries[i + 1] & (EXTENT_HOLE | EXTENT_ZERO)
    };
    *covered += length;
  }
  return 0;
}

static void
send_zero (const struct leg_nbd *nbd, struct nbd_handle *handle,
           struct child *child, uint32_t fua)
{
  uint32_t flags = fua;

  if (!(child->flags & CHILD_MAY_TRIM))
    flags |= LIBNBD_CMD_FLAG_NO_HOLE;
  if ((child->flags & CHILD_FAST) && nbd->can_fast_zero)
    flags |= LIBNBD_CMD_FLAG_FAST_ZERO;
  nbd_aio_zero (handle, child->length, child->offset,
                (nbd_completion_callback){ .callback = zero_done,
                                           .free = command_over,
                                           .user_data = child },
                flags);
}

static void
send_extents (struct nbd_handle *handle, struct child *child)
{
  child->extents_count = 0;
  child->driver.transferred = 0;
  nbd_aio_block_status (
    handle, child->length, child->offset,
    (nbd_extent_callback){ .callback = extents_part, .user_data = child },
    (nbd_completion_callback){ .callback = extents_done,
                               .free = command_over,
                               .user_data = child },
    0);
}

/* libnbd does not ask whether the parts of a reply are all of it. */
static int
read_part (void *user_data, const void *part, size_t length, uint64_t offset,
           unsigned status, int *error)
{
  struct child *child = user_data;

  (void)part;
  (void)offset;
  (void)error;
  if (status != LIBNBD_READ_ERROR)
    child->driver.transferred += length;
  return 0;
}

static int
read_done (void *user_data, int *error)
{
  struct child *child = user_data;

  if (*error == 0 && child->driver.transferred != child->length)
    *error = EIO;
  return command_done (user_data, error);
}

static void
send_read (struct nbd_handle *handle, struct child *child)
{
  child->driver.transferred = 0;
  nbd_aio_pread_structured (
    handle, child->buffer, child->length, child->offset,
    (nbd_chunk_callback){ .callback = read_part, .user_data = child },
    (nbd_completion_callback){ .callback = read_done,
                               .free = command_over,
                               .user_data = child },
    0);
}

/* @child may be over and reused when this returns, or else refused. */
static void
send_command (const struct leg_nbd *nbd, struct nbd_handle *handle,
              struct child *child)
{
  const nbd_completion_callback done = { .callback = command_done,
                                         .free = command_over,
                                         .user_data = child };
  uint32_t fua = (child->flags & CHILD_FUA) ? LIBNBD_CMD_FLAG_FUA : 0;

  switch (child->op) {
  case CHILD_READ:
    send_read (handle, child);
    break;
  case CHILD_WRITE:
    nbd_aio_pwrite (handle, child->buffer, child->length, child->offset, done,
                    fua);
    break;
  case CHILD_FLUSH:
    /* One connection speaks for all: there are several only if the server
     * says multi-conn, and that promises just this.
     */
    nbd_aio_flush (handle, done, 0);
    break;
  case CHILD_ZERO:
    send_zero (nbd, handle, child, fua);
    break;
  case CHILD_EXTENTS:
    send_extents (handle, child);
    break;
  case CHILD_CACHE:
    nbd_aio_cache (handle, child->length, child->offset, done, 0);
    break;
  }
}

/* Why libnbd refused the call just now in this thread.  A dead handle is
 * "invalid argument" there.
 */
static int
refusal (struct nbd_handle *handle)
{
  int error = nbd_get_errno ();

  if (leg_nbd_is_dead (handle))
    return -ENOTCONN;
  return error > 0 ? -error : -EIO;
}

/* What needs no server.  True: *@ret_error is the answer. */
static bool
answer_here (const struct leg_nbd *nbd, const struct child *child,
             int *ret_error)
{
  *ret_error = 0;
  switch (child->op) {
  case CHILD_FLUSH:
    /* The engine has told people what that means. */
    return !nbd->leg.caps.flush;
  case CHILD_CACHE:
    return !nbd->can_cache;
  case CHILD_ZERO:
    *ret_error = -EOPNOTSUPP;
    /* Without the server's word for "fast" the answer is no. */
    return !nbd->can_zero
           || ((child->flags & CHILD_FAST) && !nbd->can_fast_zero);
  default:
    return false;
  }
}

void
leg_nbd_send (struct leg_nbd *nbd, struct nbd_connection *connection,
              struct child *child)
{
  child->driver.answered = false;
  refused = NULL;
  send_command (nbd, connection->handle, child);
  if (refused == child)
    leg_nbd_withdraw (nbd, child, refusal (connection->handle));
  /* Whoever reads waits for input already.  Anything else, somebody has to
   * learn: that there is more to send, or that the connection died in our
   * hands.  If nobody reads, who kicks off or attends will see it.
   */
  if (atomic_load (&nbd->reader) != NBD_NOBODY
      && nbd_aio_get_direction (connection->handle)
           != LIBNBD_AIO_DIRECTION_READ)
    leg_nbd_kick (nbd);
}

static void
nbd_issue (struct leg *leg, struct child *child)
{
  struct leg_nbd *nbd = leg_nbd_of (leg);
  struct nbd_connection *connection;
  int error;

  assert (!(child->flags & CHILD_FUA) || leg->caps.fua);
  if (answer_here (nbd, child, &error)) {
    child->done (child, error);
    return;
  }
  connection = leg_nbd_enlist (nbd, child);
  if (connection == NULL)
    child->done (child, -ENOTCONN);
  else
    leg_nbd_send (nbd, connection, child);
}

static bool
nbd_can_zero_range (struct leg *leg, uint32_t flags)
{
  struct leg_nbd *nbd = leg_nbd_of (leg);

  if (leg->caps.readonly || !nbd->can_zero)
    return false;
  /* A server that trims will do so for a zero request that may. */
  if ((flags & CHILD_MAY_TRIM) && !nbd->can_trim)
    return false;
  if ((flags & CHILD_FAST) && !nbd->can_fast_zero)
    return false;
  return !(atomic_load (&nbd->zero_refused) & zero_kind (flags));
}

static int
nbd_start (struct leg *leg)
{
  return leg_nbd_poll_start (leg_nbd_of (leg));
}

static void
nbd_abort (struct leg *leg)
{
  leg_nbd_give_up (leg_nbd_of (leg), -ESHUTDOWN);
}

/* Tell the server that we go, as far as its socket takes the message, so
 * that it does not take this for a crash.
 */
static void
say_goodbye (struct leg_nbd *nbd)
{
  for (unsigned i = 0; i < nbd->connections; i++)
    nbd_aio_disconnect (nbd->connection[i].handle, 0);
}

static void
nbd_close_leg (struct leg *leg)
{
  struct leg_nbd *nbd = leg_nbd_of (leg);

  if (leg_nbd_begin_close (nbd))
    say_goodbye (nbd);
  leg_nbd_give_up (nbd, -ESHUTDOWN);
  leg_nbd_poll_stop (nbd);
  leg_nbd_free (nbd);
}

const struct leg_ops leg_nbd_ops = {
  .start = nbd_start,
  .issue = nbd_issue,
  .kickoff = leg_nbd_kickoff,
  .attend = leg_nbd_attend,
  .read_now = leg_nbd_read_now,
  .data_end_now = leg_nbd_data_end_now,
  .can_zero = nbd_can_zero_range,
  .abort = nbd_abort,
  .close = nbd_close_leg,
};

const char *
leg_nbd_library_version (void)
{
  static char version[32];
  struct nbd_handle *handle = nbd_create ();
  const char *said = handle != NULL ? nbd_get_version (handle) : NULL;

  snprintf (version, sizeof version, "%s", said != NULL ? said : "unknown");
  nbd_close (handle);
  return version;
}

bool
leg_nbd_library_has_tls (void)
{
  struct nbd_handle *handle = nbd_create ();
  bool has_tls = handle != NULL && nbd_supports_tls (handle) > 0;

  nbd_close (handle);
  return has_tls;
}

bool
leg_nbd_library_has_uri (void)
{
  struct nbd_handle *handle = nbd_create ();
  bool has_uri = handle != NULL && nbd_supports_uri (handle) > 0;

  nbd_close (handle);
  return has_uri;
}
