/* SPDX-License-Identifier: BSD-3-Clause */
/* rejoin: disks that were lost, or not there at the start, come back.
 *
 * One thread tries each of them (array/lost) now and then, with pauses that
 * grow, as long as the roster remembers it, and once somebody may write.  Who answers is let in as by the
 * order "readd" (life/join), if it is the disk that it was:
 *
 *   nobody there               again later
 *   another disk, or empty,    refused, and an event; again later, since it may
 *   or it cannot flush now,    be put right
 *   or it ran on its own ...
 *   else                       it catches up (sync/rebuild)
 *
 * The last copy of some data is no order's business: it stays a member, and gets
 * its new connection from life/reattach.
 *
 * Locks held on entry: none.  May block on: the opener, orders, the turn, the
 * disks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/life/join.h"
#include "engine/life/newcomer.h"
#include "engine/life/order.h"
#include "engine/life/reattach.h"
#include "engine/life/rejoin.h"
#include "ground/log.h"
#include "ground/util.h"

enum wanted {
  NOT_WANTED,
  STILL_OPEN, /* its old connection may still do something */
  OUT,        /* or the roster never had it */
  LAST_COPY,  /* in sync, for all that is known, and not reached */
};

static enum wanted
look (struct array *array, const struct lost_disk *disk)
{
  const struct roster_member *entry;
  const struct member *member;
  enum wanted wanted = disk->id == 0 ? OUT : NOT_WANTED;

  ground_mutex_lock (&array->state_lock);
  entry = roster_find (&array->roster, disk->id);
  member = entry != NULL ? view_find_member (array, disk->id) : NULL;
  if (entry != NULL && entry->state == MEMBER_FAULTY)
    wanted = member->leg != NULL && !member_is_cut (member) ? STILL_OPEN : OUT;
  else if (entry != NULL && entry->state == MEMBER_IN_SYNC
           && member_is_lost (member))
    wanted = LAST_COPY;
  ground_mutex_unlock (&array->state_lock);
  return wanted;
}

/* One that was missing at the start may be any of them; who was a member is known,
 * also if the roster has forgotten it.
 */
static bool
was_member (const struct lost_disk *disk)
{
  static const uint8_t unknown[sizeof disk->device_uuid];

  return disk->id != 0
         || memcmp (disk->device_uuid, unknown, sizeof unknown) != 0;
}

/* The disk that it was?  What fit and plain_judge see is not asked here. */
static int
check_same (const struct array *array, const struct lost_disk *disk,
            const struct newcomer *newcomer, struct array_answer *answer)
{
  const struct member_record *record = &newcomer->record;

  if (disk->could_flush && !newcomer->leg->caps.flush)
    return change_refuse (answer, -EINVAL, "no-flush",
                          "disk %.200s could flush before and cannot now; let "
                          "its server offer flush", disk->name);
  if (array->md == NULL || !was_member (disk))
    return 0;
  if (record->unreadable != NULL)
    return change_refuse (answer, record->error,
                          fit_reason_word (FIT_UNREADABLE),
                          "disk %.200s: %.700s", disk->name,
                          record->unreadable);
  if (record->verdict == SB1_NONE)
    return change_refuse (answer, -EINVAL, "no-member",
                          "disk %.200s has no metadata now: it is another "
                          "disk, or was emptied; to fill it: remove it, then "
                          "add it", disk->name);
  /* Fit says what belongs to another array. */
  if (record->verdict == SB1_GOOD
      && memcmp (record->sb.set_uuid, array->md->truth.set_uuid,
                 sizeof record->sb.set_uuid)
           == 0
      && memcmp (record->sb.device_uuid, disk->device_uuid,
                 sizeof disk->device_uuid)
           != 0)
    return change_refuse (answer, -EINVAL, "another-disk",
                          "disk %.200s is another disk than before", disk->name);
  return 0;
}

/* change_lock held. */
static int
let_in (struct array *array, const struct lost_disk *disk,
        struct newcomer *newcomer, struct array_answer *answer)
{
  const struct array_order order = { .verb = ARRAY_READD,
                                     .member = disk->id,
                                     .by_itself = true };
  int r = array_begin_threads (array);

  if (r < 0)
    return change_refuse (answer, r, "no-thread", "no thread can be started: "
                          "%s", log_strerror (r));
  return join_opened (array, &order, newcomer, answer);
}

/* What is said of a disk begins with its name, which people know already. */
static const char *
without_name (const char *text, const struct lost_disk *disk)
{
  size_t length = MIN (strlen (disk->name), (size_t)200);

  if (strncmp (text, "disk ", 5) != 0
      || strncmp (text + 5, disk->name, length) != 0)
    return text;
  text += 5 + length;
  return text + strspn (text, ": ");
}

/* It had its place already, and was forgotten with it. */
static bool
is_forgotten (struct array *array, const struct lost_disk *disk)
{
  bool is_known;

  ground_mutex_lock (&array->state_lock);
  is_known = roster_find (&array->roster, disk->id) != NULL;
  ground_mutex_unlock (&array->state_lock);
  return !is_known;
}

/* It did not come back. */
static void
note_refusal (struct array *array, const struct lost_disk *disk,
              const struct array_answer *answer)
{
  const struct log_event event
    = { "ReconnectRefused", EVENT_WARNING, disk->slot, disk->name };
  const char *why = without_name (answer->text, disk);

  /* The disk itself tells who it is, where there is metadata. */
  if (strcmp (answer->reason, "not-recorded") == 0 && array->md != NULL
      && is_forgotten (array, disk))
    lost_take_back (&array->lost, disk->name);
  if (strcmp (answer->reason, "missing") == 0
      || strcmp (answer->reason, "still-closing") == 0
      || strcmp (answer->reason, "stopping") == 0)
    lost_unreachable (&array->lost, disk->name, why);
  else if (lost_refused (&array->lost, disk->name, answer->reason, why))
    log_event (&event, "disk %.200s answers again but STAYS OUT: %.700s",
               disk->name, why);
}

/* An order may wait for a request that waits for a last copy, which is for us
 * to bring back.  So no order is waited for.
 */
static int
let_in_now (struct array *array, const struct lost_disk *disk,
            struct newcomer *newcomer, struct array_answer *answer)
{
  int r;

  if (!ground_mutex_try_lock (&array->change_lock))
    return change_refuse (answer, -EBUSY, "still-closing",
                          "an order is carried out, which it waits for");
  r = let_in (array, disk, newcomer, answer);
  ground_mutex_unlock (&array->change_lock);
  return r;
}

static void
try_opened (struct array *array, const struct lost_disk *disk,
            enum wanted wanted, struct newcomer *newcomer)
{
  struct array_answer answer = { .reason = NULL };
  uint64_t heard_ns = lost_hear (&array->lost, disk->name);
  int r = check_same (array, disk, newcomer, &answer);

  if (r == 0)
    r = wanted == LAST_COPY
          ? reattach (array, disk->id, heard_ns, newcomer, &answer)
          : let_in_now (array, disk, newcomer, &answer);
  if (r == 0) {
    lost_back (&array->lost, disk->name, disk->id);
    await_wake (&array->await);
  }
  else
    note_refusal (array, disk, &answer);
}

static void
try (struct array *array, const struct lost_disk *disk, enum wanted wanted)
{
  struct newcomer *newcomer = malloc (sizeof *newcomer);
  struct array_answer answer = { .reason = NULL };

  if (newcomer == NULL) {
    lost_unreachable (&array->lost, disk->name, "not enough memory");
    return;
  }
  if (newcomer_open (array, disk->name, wanted == LAST_COPY ? disk->id : 0,
                     newcomer, &answer)
      == 0) {
    try_opened (array, disk, wanted, newcomer);
    newcomer_drop (newcomer);
  }
  else
    note_refusal (array, disk, &answer);
  free (newcomer);
}

static void
seek (struct array *array, const struct lost_disk *disk)
{
  enum wanted wanted = look (array, disk);

  if (wanted == NOT_WANTED)
    lost_forget (&array->lost, disk->name, disk->id);
  else if (wanted == STILL_OPEN)
    lost_unreachable (&array->lost, disk->name,
                      "its old connection is being closed");
  else
    try (array, disk, wanted);
}

static void
seek_all (void *argument)
{
  struct array *array = argument;
  struct lost_disk disk;
  uint64_t next_ns;

  /* Woken by who is lost, by the first who may write, or by the clock. */
  do {
    next_ns = GROUND_NEVER;
    while (atomic_load (&array->writers_came)
           && !worker_is_stopping (&array->rejoin)
           && lost_take_due (&array->lost, &disk, &next_ns))
      seek (array, &disk);
  } while (worker_sleep (&array->rejoin, next_ns));
}

int
rejoin_start (struct array *array)
{
  if (array->lost.pause_max_ns == 0 || array->opener.open == NULL
      || array->limits.readonly)
    return 0;
  return worker_start (&array->rejoin, "mirror-rejoin", seek_all, array);
}

void
rejoin_stop (struct array *array)
{
  worker_stop (&array->rejoin);
}
