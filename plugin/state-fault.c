/* SPDX-License-Identifier: BSD-3-Clause */
/* state-fault: why nothing can be stored in the state file, for as long as that
 * is so.
 *
 *   is it there, and as it was left?   asked before each store, and at the stop
 *   a store failed                     a fault begins: one event
 *   a store is done again              it ends: another one
 *
 * Nothing looks at the file but a store, which the engine tries again until it
 * is done.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ground/util.h"
#include "plugin/state-internal.h"

/* ---------------------------------------------------------------- the file */

/* Is the head as we left it?  Else somebody has truncated the file, or written
 * into it.
 */
static bool
is_ours (struct state *state)
{
  uint8_t bytes[STATE_HEAD_SIZE], found[STATE_HEAD_SIZE];
  int r;

  ground_mutex_lock (&state->lock);
  state_encode (&state->head, bytes);
  r = state_read_at (state->fd, found, sizeof found,
                     state->copy * STATE_HEAD_SIZE);
  ground_mutex_unlock (&state->lock);
  return r == 0 && memcmp (found, bytes, sizeof bytes) == 0;
}

/* Is all that we have stored in @fd, too? */
static bool
is_copy (const struct state *state, int fd)
{
  uint8_t ours[4096], found[sizeof ours];
  struct stat st, copy;

  if (fstat (state->fd, &st) == -1 || fstat (fd, &copy) == -1
      || !S_ISREG (copy.st_mode) || st.st_size != copy.st_size)
    return false;
  for (off_t at = 0; at < st.st_size; at += sizeof ours) {
    uint64_t length = MIN ((uint64_t)(st.st_size - at), sizeof ours);

    if (state_read_at (state->fd, ours, length, at) < 0
        || state_read_at (fd, found, length, at) < 0
        || memcmp (ours, found, length) != 0)
      return false;
  }
  return true;
}

/* Somebody has put a copy there: it is the state file from now on.  Nothing was
 * stored since ours was gone.
 */
static bool
take_back (struct state *state)
{
  int fd = open (state->path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  bool taken;

  if (fd == -1)
    return false;
  taken = is_copy (state, fd) && state_lock (fd) == 0 && fsync (fd) == 0
          && state_sync_folder (state->path) == 0
          /* The number stays: others may be reading from it. */
          && dup3 (fd, state->fd, O_CLOEXEC) != -1;
  close (fd);
  return taken && state_is_there (state);
}

int
state_check (struct state *state)
{
  if (state->temporary != NULL)
    return 0;
  if (!state_is_there (state) && !take_back (state))
    return -ESTALE;
  return is_ours (state) ? 0 : -EBADMSG;
}

/* --------------------------------------------------------------- the fault */

static bool
is_of_file (int error)
{
  return error == -ESTALE || error == -EBADMSG;
}

static void
describe (const struct state *state, int error,
          struct control_unstored *ret)
{
  if (error == -ESTALE) {
    snprintf (ret->what, sizeof ret->what, "state file %.300s: was removed or "
              "replaced while the array serves", state->path);
    snprintf (ret->action, sizeof ret->action, "before you stop the mirror, "
              "copy back what it had: cp /proc/%ld/fd/%d %.300s; the copy is "
              "used after a few seconds", (long)getpid (), state->fd,
              state->path);
  } else if (error == -EBADMSG) {
    snprintf (ret->what, sizeof ret->what, "state file %.300s: was overwritten "
              "or truncated while the array serves", state->path);
    snprintf (ret->action, sizeof ret->action, "stop the mirror, remove the "
              "file, and start again with the disks that nbdmirror status "
              "calls in sync now");
  } else {
    snprintf (ret->what, sizeof ret->what, "state file %.300s: cannot be "
              "written: %s", state->path, log_strerror (error));
    snprintf (ret->action, sizeof ret->action, "make room on its file system, or "
              "repair it; it is tried again every few seconds");
  }
}

/* fault.lock held. */
static int
error_now (const struct state *state)
{
  int error = state->fault.of_file;

  for (unsigned i = 0; i < STATE_AREAS_MAX && error == 0; i++)
    error = atomic_load (&state->area[i].error);
  return error;
}

/* Is it time to say that this is so?  fault.lock held. */
static bool
is_to_be_told (struct state *state, int error)
{
  struct log_repeat *repeat = &state->fault.repeat[is_of_file (error)];

  if (error == 0 || error == state->fault.told
      || !log_is_due (repeat, ground_now ()))
    return false;
  state->fault.told = error;
  return true;
}

static void
tell (const struct state *state, int error)
{
  const struct log_event event
    = { "MetadataNotStored", EVENT_CRITICAL, -1, NULL };
  struct control_unstored fault;

  describe (state, error, &fault);
  log_event (&event, "%s; until it is mended nothing can be recorded, and "
             "writes of clients that depend on it fail: %s", fault.what,
             fault.action);
}

static void
tell_end (const struct state *state)
{
  const struct log_event event = { "MetadataStored", EVENT_INFO, -1, NULL };

  log_event (&event, "state file %.300s: is written again", state->path);
}

void
state_note (struct state *state, struct state_area *area, int r)
{
  bool begins, ends;
  int error;

  ground_mutex_lock (&state->fault.lock);
  state->fault.of_file = is_of_file (r) ? r : 0;
  if (area != NULL && !is_of_file (r))
    atomic_store (&area->error, r);
  error = error_now (state);
  if (error == 0)
    state->fault.since_utc_us = 0;
  else if (state->fault.since_utc_us == 0)
    state->fault.since_utc_us = ground_utc_us ();
  begins = is_to_be_told (state, error);
  ends = error == 0 && state->fault.told != 0;
  if (ends)
    state->fault.told = 0;
  ground_mutex_unlock (&state->fault.lock);
  if (begins)
    tell (state, error);
  if (ends)
    tell_end (state);
}

bool
state_is_unstored (struct state *state, struct control_unstored *ret)
{
  int error;

  ground_mutex_lock (&state->fault.lock);
  error = error_now (state);
  ret->since_utc_us = state->fault.since_utc_us;
  ground_mutex_unlock (&state->fault.lock);
  if (error != 0)
    describe (state, error, ret);
  return error != 0;
}

bool
state_check_at_stop (struct state *state)
{
  struct control_unstored fault;

  state_note (state, NULL, state_check (state));
  return !state_is_unstored (state, &fault);
}
