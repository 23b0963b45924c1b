/* SPDX-License-Identifier: BSD-3-Clause */
/* state-area: what an open state file keeps of each disk.
 *
 * Each disk has its own area; they are read and written beside one another.  What
 * was written is on stable storage.  A disk that is new gets its area with the
 * first write to it, so that who only asks (--dry-run), or is refused, leaves
 * nothing behind.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ground/util.h"
#include "plugin/state-internal.h"

/* --------------------------------------------------------------------- bytes */

int
state_read_at (int fd, void *buffer, uint64_t length, uint64_t offset)
{
  for (uint64_t done = 0; done < length;) {
    ssize_t n = pread (fd, (char *)buffer + done, length - done,
                       (off_t)(offset + done));

    if (n == 0)
      return -ENXIO; /* it has shrunk */
    if (n == -1 && errno != EINTR)
      return -errno;
    done += n > 0 ? (uint64_t)n : 0;
  }
  return 0;
}

int
state_write_at (int fd, const void *buffer, uint64_t length, uint64_t offset)
{
  for (uint64_t done = 0; done < length;) {
    ssize_t n = pwrite (fd, (const char *)buffer + done, length - done,
                        (off_t)(offset + done));

    if (n == -1 && errno != EINTR)
      return -errno;
    done += n > 0 ? (uint64_t)n : 0;
  }
  return 0;
}

int
state_sync (int fd)
{
  int r;

  do
    r = fdatasync (fd);
  while (r == -1 && errno == EINTR);
  return r == -1 ? -errno : 0;
}

static int
store (int fd, const void *buffer, uint64_t length, uint64_t offset)
{
  int r = state_write_at (fd, buffer, length, offset);

  return r < 0 ? r : state_sync (fd);
}

/* ---------------------------------------------------------------------- head */

int
state_store_head (struct state *state)
{
  uint8_t bytes[STATE_HEAD_SIZE];
  int r = 0;

  state->head.generation++;
  state_encode (&state->head, bytes);
  /* The one that is not to be believed first. */
  for (unsigned i = 0; i < 2 && r == 0; i++) {
    unsigned copy = 1 - state->copy;

    r = store (state->fd, bytes, sizeof bytes, copy * STATE_HEAD_SIZE);
    if (r == 0)
      state->copy = copy;
  }
  return r;
}

/* An entry, and zeroes for it before.  Lock held. */
static int
make_area (struct state_area *area)
{
  struct state *state = area->state;
  struct state_entry *entry = &state->head.entry[area->number];
  uint8_t *zeroes = calloc (1, STATE_AREA_SIZE);
  int r;

  if (zeroes == NULL)
    return -ENOMEM;
  r = store (state->fd, zeroes, STATE_AREA_SIZE,
             state_area_at (area->number));
  free (zeroes);
  if (r < 0)
    return r;
  *entry = (struct state_entry){ .used = true, .size = area->size };
  snprintf (entry->text, sizeof entry->text, "%s", area->text);
  r = state_store_head (state);
  if (r < 0)
    entry->used = false;
  else
    atomic_store (&area->is_there, true);
  return r;
}

static int
make_sure_it_is_there (struct state_area *area)
{
  int r = 0;

  if (atomic_load (&area->is_there))
    return 0;
  ground_mutex_lock (&area->state->lock);
  if (!atomic_load (&area->is_there))
    r = make_area (area);
  ground_mutex_unlock (&area->state->lock);
  return r;
}

/* ---------------------------------------------------------------------- area */

static struct state_area *
area_of (struct beside *beside)
{
  return container_of (beside, struct state_user, beside)->area;
}

static int
area_read (struct beside *beside, void *buffer, uint64_t length,
           uint64_t offset)
{
  struct state_area *area = area_of (beside);

  assert (offset <= STATE_AREA_SIZE && length <= STATE_AREA_SIZE - offset);
  if (atomic_load (&area->is_there))
    return state_read_at (area->state->fd, buffer, length,
                          state_area_at (area->number) + offset);
  memset (buffer, 0, length);
  return 0;
}

/* What the next start would not find is not on record. */
static int
store_area (struct state_area *area, const void *buffer, uint64_t length,
            uint64_t offset)
{
  struct state *state = area->state;
  int r = state_check (state);

  if (r == 0)
    r = make_sure_it_is_there (area);
  return r < 0 ? r
               : store (state->fd, buffer, length,
                        state_area_at (area->number) + offset);
}

static int
area_write (struct beside *beside, const void *buffer, uint64_t length,
            uint64_t offset)
{
  struct state_area *area = area_of (beside);
  int r;

  assert (offset <= STATE_AREA_SIZE && length <= STATE_AREA_SIZE - offset);
  r = store_area (area, buffer, length, offset);
  state_note (area->state, area, r);
  return r;
}

/* Lock held. */
static bool
is_used (const struct state_area *area)
{
  bool used = false;

  for (unsigned i = 0; i < STATE_USERS; i++)
    used |= area->user[i].is_used;
  return used;
}

static void
area_close (struct beside *beside)
{
  struct state_user *user = container_of (beside, struct state_user, beside);
  struct state_area *area = user->area;

  ground_mutex_lock (&area->state->lock);
  user->is_used = false;
  user->leg = NULL;
  if (!is_used (area)) {
    free (area->text);
    area->text = NULL;
    atomic_store (&area->error, 0);
  }
  ground_mutex_unlock (&area->state->lock);
}

/* ----------------------------------------------------------------- who has it */

static int
check_size (const struct state *state, const struct leg *disk, char *why)
{
  uint64_t need = state->head.image_size, have = disk->caps.size;

  if (have < need)
    return leg_refuse (why, -EINVAL, "is too small: it has %llu bytes, and the "
                       "array uses %llu", (unsigned long long)have,
                       (unsigned long long)need);
  if (disk->caps.block_minimum > STATE_ALIGNMENT
      || !is_aligned (need, disk->caps.block_minimum))
    return leg_refuse (why, -EINVAL, "is read and written in blocks of %u "
                       "bytes, which does not suit state= and the size of the "
                       "array, %llu bytes", disk->caps.block_minimum,
                       (unsigned long long)need);
  return 0;
}

/* An area for the disk of that text.  Lock held.  -1: none is left. */
static int
find_area (const struct state *state, const char *text)
{
  int number = state_find (&state->head, text);

  for (int i = 0; i < STATE_AREAS_MAX && number == -1; i++)
    if (!state->head.entry[i].used && state->area[i].text == NULL)
      number = i;
  return number;
}

/* Lock held.  NULL: somebody has it whose connection is not lost. */
static struct state_user *
find_user (struct state_area *area)
{
  struct state_user *free_user = NULL;

  for (unsigned i = 0; i < STATE_USERS; i++) {
    struct state_user *user = &area->user[i];

    if (!user->is_used)
      free_user = user;
    else if (user->leg == NULL || leg_generation (user->leg) == 0)
      return NULL;
  }
  return free_user;
}

/* Lock held. */
static int
take_area (struct state *state, const char *text, const struct leg *disk,
           struct state_user **ret, char *why)
{
  int number = find_area (state, text);
  const struct state_entry *entry;
  struct state_area *area;
  struct state_user *user;

  if (number == -1)
    return leg_refuse (why, -ENOSPC, "the state file %.200s has known %d other "
                       "disks, and has no room for more; stop the mirror, and "
                       "start it with all disks and a new state file",
                       state->path, STATE_AREAS_MAX);
  area = &state->area[number];
  entry = &state->head.entry[number];
  if (!state->serves && entry->used && entry->size != disk->caps.exact_size)
    return leg_refuse (why, -EINVAL, "has %llu bytes, and had %llu when it was "
                       "last used: is it another disk?  Give it its old size, "
                       "or start without it and add it (nbdmirror add)",
                       (unsigned long long)disk->caps.exact_size,
                       (unsigned long long)entry->size);
  user = find_user (area);
  if (user == NULL)
    return leg_refuse (why, -EBUSY, "is in use, or is being closed");
  if (area->text == NULL)
    area->text = strdup (text);
  if (area->text == NULL)
    return leg_refuse (why, -ENOMEM, "not enough memory");
  if (is_used (area) && area->size != disk->caps.exact_size)
    return leg_refuse (why, -EINVAL, "has %llu bytes, and had %llu",
                       (unsigned long long)disk->caps.exact_size,
                       (unsigned long long)area->size);
  user->is_used = true;
  area->size = disk->caps.exact_size;
  /* One of another size is another disk, which is new. */
  atomic_store (&area->is_there, entry->used && entry->size == area->size);
  *ret = user;
  return 0;
}

int
state_join (struct state *state, const char *text, struct leg *disk,
            struct leg **ret, char *why)
{
  const char *wrong = state_check_text (text);
  struct state_user *user = NULL;
  int r;

  if (wrong != NULL)
    return leg_refuse (why, -EINVAL, "%s", wrong);
  r = check_size (state, disk, why);
  if (r < 0)
    return r;
  ground_mutex_lock (&state->lock);
  r = take_area (state, text, disk, &user, why);
  ground_mutex_unlock (&state->lock);
  if (r < 0)
    return r;
  user->beside = (struct beside){ .read = area_read,
                                  .write = area_write,
                                  .close = area_close };
  r = leg_beside_new (disk, state->head.image_size, STATE_AREA_SIZE,
                      &user->beside, ret);
  if (r < 0) {
    area_close (&user->beside);
    return leg_refuse (why, r, "not enough memory");
  }
  ground_mutex_lock (&state->lock);
  user->leg = *ret;
  ground_mutex_unlock (&state->lock);
  return 0;
}
