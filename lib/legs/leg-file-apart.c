/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-file-apart: the threads of a local disk that do what may take long, so
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
 * What is done in the background (CHILD_BEHIND) goes to another thread of that
 * kind, one child after the other, so that no flush waits for it: whoever copies
 * stops waiting, too.
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

static bool
is_stable_or_apart (const struct child *child)
{
  return child->op == CHILD_FLUSH
         || (child->op == CHILD_WRITE
             && (child->flags & (CHILD_FUA | CHILD_APART)));
}

struct leg_file_apart *
leg_file_apart_for (struct leg_file *file, const struct child *child)
{
  struct leg_file_apart *apart = NULL;

  if (is_stable_or_apart (child))
    apart = &file->stable;
  else if (child->flags & CHILD_BEHIND)
    apart = &file->behind;
  return apart != NULL && apart->started ? apart : NULL;
}

void
leg_file_apart_queue (struct leg_file_apart *apart, struct child *child)
{
  bool aborted;

  child->driver.next = NULL;
  child->driver.error = 0;
  ground_mutex_lock (&apart->lock);
  /* Whoever aborts has answered all that he has found here. */
  aborted = atomic_load (&apart->file->aborted);
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

/* Lock held.  What is done next. */
static struct child *
take_batch (struct leg_file_apart *apart)
{
  struct child *first;

  if (!apart->one_by_one)
    return take_waiting (apart);
  first = apart->waiting;
  apart->waiting = first->driver.next;
  if (apart->waiting == NULL)
    apart->end = &apart->waiting;
  first->driver.next = NULL;
  return first;
}

/* Lock held, and let go of meanwhile: then the child may be answered by abort,
 * which leaves no batch.
 */
static void
transfer_part (struct leg_file_apart *apart, struct child *child, uint64_t done,
               bool stable)
{
  struct leg_file *file = apart->file;
  uint64_t length = MIN (child->length - done, (uint64_t)apart->size);
  uint64_t offset = child->offset + done;
  bool is_write = child->op == CHILD_WRITE;
  int r;

  if (is_write)
    memcpy (apart->buffer, (char *)child->buffer + done, length);
  ground_mutex_unlock (&apart->lock);
  r = stable
        ? leg_file_write_stable (file, apart->buffer, length, offset)
        : leg_file_transfer (file, is_write, apart->buffer, length, offset, 0);
  ground_mutex_lock (&apart->lock);
  if (apart->batch == NULL)
    return;
  child->driver.error = done > 0 && leg_error_is_harmless (r) ? -EIO : r;
  if (!is_write && r == 0)
    memcpy ((char *)child->buffer + done, apart->buffer, length);
}

/* Lock held, and let go of meanwhile. */
static void
transfer_child (struct leg_file_apart *apart, struct child *child, bool stable)
{
  uint64_t done = 0;

  do {
    transfer_part (apart, child, done, stable);
    done += apart->size;
  } while (apart->batch != NULL && child->driver.error == 0
           && done < child->length);
}

/* Likewise.  What has no data. */
static void
do_other (struct leg_file_apart *apart, struct child *child)
{
  struct child mine
    = { .op = child->op,
        .flags = child->flags,
        .offset = child->offset,
        .length = child->length,
        .extents = apart->buffer,
        .extents_max = MIN (child->extents_max,
                            apart->size / (unsigned)sizeof (struct extent)) };
  int r;

  ground_mutex_unlock (&apart->lock);
  r = leg_file_do (apart->file, &mine);
  ground_mutex_lock (&apart->lock);
  if (apart->batch == NULL)
    return;
  child->driver.error = r;
  child->extents_count = mine.extents_count;
  if (mine.extents_count > 0)
    memcpy (child->extents, mine.extents,
            mine.extents_count * sizeof (struct extent));
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
sync_batch (struct leg_file_apart *apart)
{
  int r;

  ground_mutex_unlock (&apart->lock);
  r = leg_file_sync (apart->file);
  ground_mutex_lock (&apart->lock);
  for (struct child *child = apart->batch; child != NULL;
       child = child->driver.next)
    if (is_stable (child) && child->driver.error == 0)
      child->driver.error = r;
}

/* Lock held, and let go of meanwhile. */
static void
work_off (struct leg_file_apart *apart)
{
  bool sync = syncs_at_end (apart->batch);
  struct child *next;

  for (struct child *child = apart->batch; child != NULL; child = next) {
    if (child->op == CHILD_WRITE || child->op == CHILD_READ)
      transfer_child (apart, child, is_stable (child) && !sync);
    else if (child->op != CHILD_FLUSH)
      do_other (apart, child);
    if (apart->batch == NULL)
      return;
    next = child->driver.next;
  }
  if (sync)
    sync_batch (apart);
}

static void
be_apart (void *argument)
{
  struct leg_file_apart *apart = argument;
  struct child *answered;

  ground_mutex_lock (&apart->lock);
  while (!apart->ended) {
    if (apart->waiting == NULL) {
      /* Woken by who issues, and by who closes the leg. */
      ground_cond_wait (&apart->changed, &apart->lock, GROUND_NEVER);
      continue;
    }
    apart->batch = take_batch (apart);
    apart->inside = true;
    work_off (apart);
    apart->inside = false;
    answered = apart->batch;
    apart->batch = NULL;
    ground_mutex_unlock (&apart->lock);
    answer (answered);
    ground_mutex_lock (&apart->lock);
  }
  ground_mutex_unlock (&apart->lock);
}

static int
start (struct leg_file_apart *apart, const char *name)
{
  int r;

  assert (!apart->started);
  if (posix_memalign (&apart->buffer, BOUNCE_ALIGNMENT, apart->size) != 0)
    return -ENOMEM;
  ground_mutex_init (&apart->lock);
  ground_cond_init (&apart->changed);
  take_waiting (apart);
  r = ground_thread_start (&apart->thread, name, be_apart, apart);
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

static void
abort_all (struct leg_file_apart *apart)
{
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

static bool
is_inside (struct leg_file_apart *apart)
{
  bool inside;

  if (!apart->started)
    return false;
  ground_mutex_lock (&apart->lock);
  inside = apart->inside;
  ground_mutex_unlock (&apart->lock);
  return inside;
}

static void
stop (struct leg_file_apart *apart)
{
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

int
leg_file_apart_start (struct leg_file *file)
{
  int r;

  file->stable.file = file->behind.file = file;
  file->stable.size = LEG_APART_BUFFER;
  file->behind.size = LEG_BEHIND_BUFFER;
  file->behind.one_by_one = true;
  r = start (&file->stable, "mirror-stable");
  return r < 0 ? r : start (&file->behind, "mirror-behind");
}

void
leg_file_apart_abort (struct leg_file *file)
{
  abort_all (&file->stable);
  abort_all (&file->behind);
}

bool
leg_file_apart_is_inside (struct leg_file *file)
{
  return is_inside (&file->stable) || is_inside (&file->behind);
}

void
leg_file_apart_stop (struct leg_file *file)
{
  stop (&file->stable);
  stop (&file->behind);
}
