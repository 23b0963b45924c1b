/* SPDX-License-Identifier: BSD-3-Clause */
/* lost: disks that may come back by themselves, and what is known of each. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/array/lost.h"
#include "engine/array/view.h"
#include "ground/log.h"
#include "ground/util.h"

void
lost_init (struct lost *lost, uint64_t pause_ns, uint64_t pause_max_ns)
{
  *lost = (struct lost){ .pause_ns = pause_ns, .pause_max_ns = pause_max_ns };
  ground_mutex_init (&lost->lock);
}

void
lost_destroy (struct lost *lost)
{
  ground_mutex_destroy (&lost->lock);
}

/* ------------------------------------------------------------------- pauses */

/* Between half of @pause_ns and all of it, another part for each disk and each
 * time: those that were lost together need not all come at once.
 */
static uint64_t
spread (const struct lost_disk *disk, uint64_t pause_ns)
{
  uint64_t hash = UINT64_C (14695981039346656037) ^ disk->attempts;

  for (const char *c = disk->name; *c != '\0'; c++)
    hash = (hash ^ (unsigned char)*c) * UINT64_C (1099511628211);
  hash ^= ground_now ();
  hash *= UINT64_C (1099511628211);
  return pause_ns / 2 + (hash >> 32) % (pause_ns / 2 + 1);
}

static void
plan (const struct lost *lost, struct lost_disk *disk)
{
  disk->next_ns
    = ground_now () + spread (disk, MAX (disk->pause_ns, disk->least_ns));
  disk->pause_ns = MIN (2 * disk->pause_ns, lost->pause_max_ns);
}

/* Once it was back for long enough it is like any other. */
static bool
is_steady (const struct lost *lost, const struct lost_disk *disk)
{
  return disk->state == LOST_FREE
         || (disk->state == LOST_BACK
             && ground_now () - disk->back_ns >= 2 * lost->pause_max_ns);
}

/* ------------------------------------------------------------ who, and since */

/* Lock held.  NULL: not known. */
static struct lost_disk *
find (struct lost *lost, const char *name)
{
  for (unsigned i = 0; i < LEGS_MAX; i++)
    if (lost->disk[i].state != LOST_FREE
        && strcmp (lost->disk[i].name, name) == 0)
      return &lost->disk[i];
  return NULL;
}

/* Lock held.  That of one who is back may be taken for another.  NULL: so many
 * are lost already.
 */
static struct lost_disk *
find_room (struct lost *lost, const char *name)
{
  struct lost_disk *disk = find (lost, name);

  for (unsigned i = 0; disk == NULL && i < LEGS_MAX; i++)
    if (lost->disk[i].state == LOST_FREE)
      disk = &lost->disk[i];
  for (unsigned i = 0; disk == NULL && i < LEGS_MAX; i++)
    if (lost->disk[i].state == LOST_BACK)
      disk = &lost->disk[i];
  return disk;
}

static bool
is_sought (const struct lost_disk *disk)
{
  return disk->state != LOST_FREE && disk->state != LOST_BACK;
}

/* One that answers, and hangs when it is written to, costs clients a deadline
 * each time it is let in.
 */
static uint64_t
least_pause (const struct lost *lost, const struct lost_disk *disk,
             const struct lost_disk *what, int error)
{
  if (error != -ETIMEDOUT || !is_sought (disk)
      || strcmp (disk->name, what->name) != 0)
    return 0;
  return MIN (2 * MAX (disk->least_ns, lost->pause_max_ns),
              RECONNECT_MAX_S * GROUND_S);
}

/* Lock held.  False: it is not sought, or was already. */
static bool
begin (struct lost *lost, const struct lost_disk *what, int error)
{
  struct lost_disk *disk = find_room (lost, what->name);
  uint64_t pause_ns, least_ns;

  if (disk == NULL
      || (what->id != 0 && disk->id == what->id && is_sought (disk)))
    return false;
  pause_ns = is_steady (lost, disk) || strcmp (disk->name, what->name) != 0
               ? MIN (lost->pause_ns, lost->pause_max_ns)
               : disk->pause_ns;
  least_ns = least_pause (lost, disk, what, error);
  *disk = *what;
  disk->least_ns = least_ns;
  disk->state = LOST_SEEKING;
  disk->since_utc_us = ground_utc_us ();
  disk->pause_ns = pause_ns;
  plan (lost, disk);
  return true;
}

bool
lost_note (struct lost *lost, const struct member *member, int slot, int error)
{
  const struct leg *leg = member->leg;
  struct lost_disk disk = { .id = member->id,
                            .slot = slot,
                            .could_flush = leg->caps.flush };
  bool sought = false;

  if (lost->pause_max_ns == 0 || leg->rank != LEG_REMOTE
      || !leg_error_is_gone (error) || strlen (leg->name) >= LOST_NAME_MAX)
    return false;
  snprintf (disk.name, sizeof disk.name, "%s", leg->name);
  snprintf (disk.error, sizeof disk.error, "%s", log_strerror (error));
  memcpy (disk.device_uuid, member->super.sb.device_uuid,
          sizeof disk.device_uuid);
  ground_mutex_lock (&lost->lock);
  sought = begin (lost, &disk, error);
  ground_mutex_unlock (&lost->lock);
  return sought;
}

void
lost_note_absent (struct lost *lost, const char *name, const char *why)
{
  struct lost_disk disk = { .slot = -1 };

  if (lost->pause_max_ns == 0 || strlen (name) >= LOST_NAME_MAX)
    return;
  snprintf (disk.name, sizeof disk.name, "%s", name);
  snprintf (disk.error, sizeof disk.error, "%s", why);
  ground_mutex_lock (&lost->lock);
  begin (lost, &disk, 0);
  ground_mutex_unlock (&lost->lock);
}

/* ----------------------------------------------------------------- attempts */

bool
lost_take_due (struct lost *lost, struct lost_disk *ret, uint64_t *ret_next_ns)
{
  uint64_t now = ground_now ();
  const struct lost_disk *first = NULL;

  ground_mutex_lock (&lost->lock);
  for (unsigned i = 0; i < LEGS_MAX; i++)
    if (is_sought (&lost->disk[i])
        && (first == NULL || lost->disk[i].next_ns < first->next_ns))
      first = &lost->disk[i];
  *ret_next_ns = first != NULL ? first->next_ns : GROUND_NEVER;
  if (first != NULL && first->next_ns <= now)
    *ret = *first;
  else
    first = NULL;
  ground_mutex_unlock (&lost->lock);
  return first != NULL;
}

/* Lock held.  The end of an attempt: tried again after a pause. */
static void
set_state (struct lost *lost, struct lost_disk *disk, enum lost_state state,
           const char *why)
{
  disk->state = state;
  disk->attempts++;
  snprintf (disk->error, sizeof disk->error, "%s", why);
  plan (lost, disk);
}

void
lost_unreachable (struct lost *lost, const char *name, const char *why)
{
  struct lost_disk *disk;

  ground_mutex_lock (&lost->lock);
  disk = find (lost, name);
  if (disk != NULL && is_sought (disk)) {
    /* The next time it may be another one. */
    disk->least_ns = 0;
    set_state (lost, disk, LOST_SEEKING, why);
    disk->reason = NULL;
    disk->heard_ns = 0;
  }
  ground_mutex_unlock (&lost->lock);
}

uint64_t
lost_hear (struct lost *lost, const char *name)
{
  uint64_t now = ground_now ();
  struct lost_disk *disk;

  ground_mutex_lock (&lost->lock);
  disk = find (lost, name);
  if (disk != NULL && disk->heard_ns == 0)
    disk->heard_ns = now;
  if (disk != NULL)
    now = disk->heard_ns;
  ground_mutex_unlock (&lost->lock);
  return now;
}

bool
lost_refused (struct lost *lost, const char *name, const char *reason,
              const char *why)
{
  struct lost_disk *disk;
  bool is_news = false;

  ground_mutex_lock (&lost->lock);
  disk = find (lost, name);
  if (disk != NULL && is_sought (disk)) {
    is_news = disk->reason == NULL || strcmp (disk->reason, reason) != 0;
    set_state (lost, disk, LOST_REFUSED, why);
    disk->reason = reason;
    /* It was another one that answered. */
    if (strcmp (reason, "quarantine") != 0)
      disk->heard_ns = 0;
  }
  ground_mutex_unlock (&lost->lock);
  return is_news;
}

void
lost_take_back (struct lost *lost, const char *name)
{
  struct lost_disk *disk;

  ground_mutex_lock (&lost->lock);
  disk = find (lost, name);
  if (disk != NULL)
    disk->id = 0;
  ground_mutex_unlock (&lost->lock);
}

void
lost_back (struct lost *lost, const char *name, uint32_t id)
{
  struct lost_disk *disk;

  ground_mutex_lock (&lost->lock);
  disk = find (lost, name);
  if (disk != NULL && disk->id == id) {
    disk->state = LOST_BACK;
    disk->back_ns = ground_now ();
  }
  ground_mutex_unlock (&lost->lock);
}

void
lost_forget (struct lost *lost, const char *name, uint32_t id)
{
  struct lost_disk *disk;

  ground_mutex_lock (&lost->lock);
  disk = find (lost, name);
  if (disk != NULL && disk->id == id)
    disk->state = LOST_FREE;
  ground_mutex_unlock (&lost->lock);
}

bool
lost_find (struct lost *lost, uint32_t id, unsigned skip,
           struct lost_disk *ret)
{
  const struct lost_disk *found = NULL;

  ground_mutex_lock (&lost->lock);
  for (unsigned i = 0; i < LEGS_MAX && found == NULL; i++)
    if (is_sought (&lost->disk[i]) && lost->disk[i].id == id
        && (id != 0 || skip-- == 0))
      found = &lost->disk[i];
  if (found != NULL)
    *ret = *found;
  ground_mutex_unlock (&lost->lock);
  return found != NULL;
}
