/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-file-apart: the thread of a local disk that does what may take long, so
 * that no thread of ours which others wait for is inside the kernel then.
 *
 *   issue ---> waiting ---> batch: write, write, one sync ---> done
 *                  \          |
 *                   +---------+--- abort: done, -ESHUTDOWN
 *
 * What must be stable (CHILD_FLUSH, CHILD_FUA) and metadata (CHILD_APART) goes
 * this way.  So several disks do it at the same time, with io_uring or without;
 * and whoever waits for it can stop waiting, though the kernel does not answer:
 * what is written is in memory of the thread's own, and the child is not
 * touched once it was answered.  Then only this thread stays inside, and
 * whoever closes the leg.
 *
 * All that comes while one batch is under way is the next one, and is synced
 * together.
 *
 * Locks: apart.lock, a leaf, not held in a system call.  May block: the thread
 * on its disk, leg_file_apart_stop on the thread.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ground/limits.h"
#include "legs/leg-file-internal.h"

static bool
is_stable (const struct child *child)
{
  return child->op == CHILD_FLUSH || (child->flags & CHILD_FUA);
}

bool
leg_file_goes_apart (const struct leg_file *file, const struct child *child)
{
  if (!file->apart.started)
    return false;
  return child->op == CHILD_FLUSH
         || (child->op == CHILD_WRITE
             && (child->flags & (CHILD_FUA | CHILD_APART)));
}

void
leg_file_apart_queue (struct leg_file *file, struct child *child)
{
  struct leg_file_apart *apart = &file->apart;
  bool aborted;

  child->driver.next = NULL;
  child->driver.error = 0;
  ground_mutex_lock (&apart->lock);
  /* Whoever aborts has answered all that he has found here. */
  aborted = atomic_load (&file->aborted);
  if (!aborted) {
    *apart->end = child;
    apart->end = &child->driver.next;
    ground_cond_signal (&apart->changed);
  }
  ground_mutex_unlock (&apart->lock);
  if (aborted)
    child->done (child, -ESHUTDOWN);
}

static void
answer (struct child *child)
{
  while (child != NULL) {
    struct child *next = child->driver.next;

    child->done (child, child->driver.error);
    child = next;
  }
}

/* Lock held.  What waits, for the caller. */
static struct child *
take_waiting (struct leg_file_apart *apart)
{
  struct child *first = apart->waiting;

  apart->waiting = NULL;
  apart->end = &apart->waiting;
  return first;
}

/* Lock held, and let go of meanwhile: then the child may be answered by abort,
 * which leaves no batch.
 */
static void
write_part (struct leg_file *file, struct child *child, uint64_t done,
            bool stable)
{
  struct leg_file_apart *apart = &file->apart;
  uint64_t length = MIN (child->length - done, (uint64_t)LEG_APART_BUFFER);
  uint64_t offset = child->offset + done;
  int r;

  memcpy (apart->buffer, (char *)child->buffer + done, length);
  ground_mutex_unlock (&apart->lock);
  r = stable
        ? leg_file_write_stable (file, apart->buffer, length, offset)
        : leg_file_transfer (file, true, apart->buffer, length, offset, 0);
  ground_mutex_lock (&apart->lock);
  if (apart->batch != NULL)
    child->driver.error = done > 0 && leg_error_is_harmless (r) ? -EIO : r;
}

/* Lock held, and let go of meanwhile. */
static void
write_child (struct leg_file *file, struct child *child, bool stable)
{
  uint64_t done = 0;

  do {
    write_part (file, child, done, stable);
    done += LEG_APART_BUFFER;
  } while (file->apart.batch != NULL && child->driver.error == 0
           && done < child->length);
}

/* Is one sync at the end the cheapest?  Not for a single write. */
static bool
syncs_at_end (const struct child *batch)
{
  unsigned stable = 0;

  for (const struct child *child = batch; child != NULL;
       child = child->driver.next) {
    if (child->op == CHILD_FLUSH)
      return true;
    if (is_stable (child))
      stable += child->length <= LEG_APART_BUFFER ? 1 : 2;
  }
  return stable > 1;
}

/* Lock held, and let go of meanwhile. */
static void
sync_batch (struct leg_file *file)
{
  struct leg_file_apart *apart = &file->apart;
  int r;

  ground_mutex_unlock (&apart->lock);
  r = leg_file_sync (file);
  ground_mutex_lock (&apart->lock);
  for (struct child *child = apart->batch; child != NULL;
       child = child->driver.next)
    if (is_stable (child) && child->driver.error == 0)
      child->driver.error = r;
}

/* Lock held, and let go of meanwhile. */
static void
work_off (struct leg_file *file)
{
  struct leg_file_apart *apart = &file->apart;
  bool sync = syncs_at_end (apart->batch);
  struct child *next;

  for (struct child *child = apart->batch; child != NULL; child = next) {
    if (child->op == CHILD_WRITE)
      write_child (file, child, is_stable (child) && !sync);
    if (apart->batch == NULL)
      return;
    next = child->driver.next;
  }
  if (sync)
    sync_batch (file);
}

static void
be_apart (void *argument)
{
  struct leg_file *file = argument;
  struct leg_file_apart *apart = &file->apart;
  struct child *answered;

  ground_mutex_lock (&apart->lock);
  while (!apart->ended) {
    if (apart->waiting == NULL) {
      /* Woken by who issues, and by who closes the leg. */
      ground_cond_wait (&apart->changed, &apart->lock, GROUND_NEVER);
      continue;
    }
    apart->batch = take_waiting (apart);
    apart->inside = true;
    work_off (file);
    apart->inside = false;
    answered = apart->batch;
    apart->batch = NULL;
    ground_mutex_unlock (&apart->lock);
    answer (answered);
    ground_mutex_lock (&apart->lock);
  }
  ground_mutex_unlock (&apart->lock);
}

int
leg_file_apart_start (struct leg_file *file)
{
  struct leg_file_apart *apart = &file->apart;
  int r;

  assert (!apart->started);
  if (posix_memalign (&apart->buffer, BOUNCE_ALIGNMENT, LEG_APART_BUFFER) != 0)
    return -ENOMEM;
  ground_mutex_init (&apart->lock);
  ground_cond_init (&apart->changed);
  take_waiting (apart);
  r = ground_thread_start (&apart->thread, "mirror-stable", be_apart, file);
  apart->started = r == 0;
  if (r == 0)
    return 0;
  ground_cond_destroy (&apart->changed);
  ground_mutex_destroy (&apart->lock);
  free (apart->buffer);
  return r;
}

static void
shut_down (struct child *child)
{
  for (struct child *at = child; at != NULL; at = at->driver.next)
    at->driver.error = -ESHUTDOWN;
  answer (child);
}

void
leg_file_apart_abort (struct leg_file *file)
{
  struct leg_file_apart *apart = &file->apart;
  struct child *batch, *waiting;

  if (!apart->started)
    return;
  ground_mutex_lock (&apart->lock);
  batch = apart->batch;
  apart->batch = NULL;
  waiting = take_waiting (apart);
  ground_mutex_unlock (&apart->lock);
  shut_down (batch);
  shut_down (waiting);
}

bool
leg_file_apart_is_inside (struct leg_file *file)
{
  struct leg_file_apart *apart = &file->apart;
  bool inside;

  if (!apart->started)
    return false;
  ground_mutex_lock (&apart->lock);
  inside = apart->inside;
  ground_mutex_unlock (&apart->lock);
  return inside;
}

void
leg_file_apart_stop (struct leg_file *file)
{
  struct leg_file_apart *apart = &file->apart;

  if (!apart->started)
    return;
  ground_mutex_lock (&apart->lock);
  assert (apart->waiting == NULL);
  apart->ended = true;
  ground_cond_signal (&apart->changed);
  ground_mutex_unlock (&apart->lock);
  ground_thread_join (&apart->thread);
  ground_cond_destroy (&apart->changed);
  ground_mutex_destroy (&apart->lock);
  free (apart->buffer);
}
