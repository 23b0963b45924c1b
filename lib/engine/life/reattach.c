/* SPDX-License-Identifier: BSD-3-Clause */
/* reattach: the last copy of some data, whose connection was lost, by another
 * connection.
 *
 * Nobody could write while it was away, neither we nor, if its superblock is the
 * one that we stored last, anybody else: it is on the same history, and is in
 * sync as before.  But:
 *
 *   what its server may still    it is not used before that has come to its end:
 *   carry out of before          no other copy could mend it
 *   what it had not flushed      may be lost with its server's cache: if there was
 *                                anything, no flush can be believed any more
 *
 * With a state file its superblock proves nothing; what the file and the witness
 * remember of its data has to.  An array without metadata has no proof at all:
 * there it is not done.
 *
 * Locks held on entry: none.  May block on: the turn.
 */
#include <errno.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/array/failure.h"
#include "engine/array/leg-members.h"
#include "engine/life/newcomer.h"
#include "engine/life/order.h"
#include "engine/life/reattach.h"
#include "ground/log.h"
#include "ground/util.h"

/* The member with @id, if it is in sync and its connection is lost.  Its leg is
 * held for the caller.  NULL: it is not so.
 */
static struct member *
find_lost (struct array *array, uint32_t id)
{
  struct member *member = NULL;
  const struct roster_member *entry;

  ground_mutex_lock (&array->state_lock);
  entry = roster_find (&array->roster, id);
  if (entry != NULL && entry->state == MEMBER_IN_SYNC) {
    member = view_find_member (array, id);
    if (!member_is_lost (member))
      member = NULL;
  }
  if (member != NULL)
    member_hold (member);
  ground_mutex_unlock (&array->state_lock);
  return member;
}

/* A store that was under way may have reached it. */
static int
check_history (const struct array *array, const struct member *old,
               const struct newcomer *newcomer, struct array_answer *answer)
{
  const struct sb1 *then = &old->super.sb, *now = &newcomer->record.sb;

  if (newcomer->record.verdict == SB1_GOOD && !newcomer->leg->caps.readonly
      && memcmp (now->set_uuid, then->set_uuid, sizeof now->set_uuid) == 0
      && memcmp (now->device_uuid, then->device_uuid,
                 sizeof now->device_uuid) == 0
      && now->data_offset == then->data_offset && now->size == then->size
      && now->events >= old->super.stored
      && now->events <= array->md->truth.events)
    return 0;
  return change_refuse (answer, -EINVAL, "another-history",
                        "disk %.200s held the last copy of some data, and is "
                        "not as it was left; bring that one back",
                        newcomer->leg->name);
}

/* What it acknowledged and did not flush it may have lost. */
static void
look_at_witness (struct array *array, const struct newcomer *newcomer,
                 struct proof *proof)
{
  const struct member_record *record = &newcomer->record;
  struct layout layout = array_get_layout (array);
  unsigned slot = sb1_role (&record->sb, record->sb.dev_number);
  struct proof unflushed = { .alike = 0 };
  struct evidence evidence;

  if (slot >= layout.slots)
    return;
  witness_tell (array->witness, true, &evidence);
  proof_add (&record->disk, &layout, slot, &evidence, proof);
  witness_tell (array->witness, false, &evidence);
  proof_add (&record->disk, &layout, slot, &evidence, &unflushed);
  proof->alike += unflushed.alike;
}

static int
check_proof (struct array *array, const struct newcomer *newcomer,
             struct array_answer *answer)
{
  struct proof proof = newcomer->proof;

  if (array->witness == NULL)
    return 0;
  if (newcomer->record.verdict == SB1_GOOD)
    look_at_witness (array, newcomer, &proof);
  if (proof.differs)
    return change_refuse (answer, -EINVAL, "another-history",
                          "disk %.200s held the last copy of some data, and is "
                          "not as it was left: it differs at byte %llu; bring "
                          "that one back", newcomer->leg->name,
                          (unsigned long long)proof.differs_at);
  return proof.alike > 0
           ? 0
           : change_refuse (answer, -EINVAL, "not-proven",
                            "disk %.200s held the last copy of some data, and "
                            "nothing that was written tells whether it is that "
                            "one; if it is, start the mirror again",
                            newcomer->leg->name);
}

static struct member *
make (struct array *array, const struct member *old, struct newcomer *newcomer)
{
  struct member *member = member_new (newcomer->leg);

  if (member == NULL || leg_members_take (member, &newcomer->record) < 0) {
    if (member != NULL)
      member_free (member);
    return NULL;
  }
  /* What was just read may be in its server's cache. */
  member->super.stored = old->super.stored;
  member->super.sb = old->super.sb;
  atomic_store (&member->flush_absent, atomic_load (&old->flush_absent));
  atomic_store (&member->flush_lost,
                atomic_load (&old->flush_lost)
                  || atomic_load (&array->md->unflushed));
  return member;
}

/* Held for the caller.  False: so many have an old view that there is no place
 * for another one.
 */
static bool
publish (struct array *array, struct member *old, struct member *member)
{
  const struct roster_event event
    = { .kind = ROSTER_REATTACH, .id = old->id };
  int place;
  bool done;

  ground_mutex_lock (&array->state_lock);
  place = view_free_place (array);
  done = place >= 0 && array->count < ARRAY_MEMBERS
         && roster_next (&array->roster, &event, &array->roster) == ROSTER_OK;
  if (done) {
    member->place = place;
    member->id = array->roster.member[array->roster.members - 1].id;
    if (atomic_load (&member->flush_lost))
      atomic_store (&array->flush_lost, true);
    array->members[array->count++] = member;
    old->has_heir = true;
    /* Before it is out. */
    atomic_store (&old->reattached, true);
    await_note_back (&array->await);
    view_publish (array);
    member_hold (member);
  }
  ground_mutex_unlock (&array->state_lock);
  return done;
}

static void
tell (const struct member *member)
{
  const struct log_event event
    = { "Reconnected", EVENT_INFO, -1, member->name };
  const struct log_event lost
    = { "Reconnected", EVENT_WARNING, -1, member->name };

  if (atomic_load (&member->flush_lost))
    log_event (&lost, "disk %.200s, which holds the last copy of some data, "
               "answers again.  What was not flushed may be lost there, so "
               "every flush fails from now on; check the data, then start the "
               "mirror again", member->name);
  else
    log_event (&event, "disk %.200s, which holds the last copy of some data, "
               "answers again, and lacks nothing", member->name);
}

/* When its leg said so nobody knew whose it was. */
static void
look_if_lost (struct array *array, struct member *member)
{
  uint64_t generation = leg_generation (member->leg);

  if (generation != member->generation)
    failure_report (array, member, generation, NULL, -ENOTCONN);
}

/* Turn held. */
static int
attach (struct array *array, struct member *old,
        struct newcomer *newcomer, struct array_answer *answer)
{
  struct member *member;
  struct leg *leg = newcomer->leg;
  int r = check_history (array, old, newcomer, answer);

  if (r < 0)
    return r;
  member = make (array, old, newcomer);
  if (member == NULL)
    return change_refuse (answer, -ENOMEM, "no-memory", "not enough memory");
  leg->gone = failure_gone;
  leg->watcher = array;
  r = leg->ops->start (leg);
  if (r == 0 && publish (array, old, member)) {
    newcomer->leg = NULL;
    tell (member);
    look_if_lost (array, member);
    member_release (array, member);
    return 0;
  }
  member_free (member);
  return change_refuse (answer, r < 0 ? r : -EBUSY, "still-closing",
                        "disk %.200s cannot be used yet", leg->name);
}

/* What it was sent and did not answer may not be under way any more. */
static bool
owes_nothing (const struct array *array, struct leg *leg, uint64_t heard_ns)
{
  const struct leg_end *end = leg_end (leg);

  return !end->writes_in_flight || end->by_peer
         || ground_now () >= heard_ns + array->quarantine_ns;
}

/* The time that its server may still need begins when the disk itself answers,
 * and no other one.
 */
static int
check_before (struct array *array, const struct member *old, uint64_t heard_ns,
              const struct newcomer *newcomer, struct array_answer *answer)
{
  int r;

  metadata_begin_turn (array);
  r = check_history (array, old, newcomer, answer);
  metadata_end_turn (array);
  if (r < 0)
    return r;
  if (!owes_nothing (array, old->leg, heard_ns))
    return change_refuse (answer, -EBUSY, "quarantine",
                          "what it was sent before may still be carried out; "
                          "it is used ten seconds after it answers again");
  return check_proof (array, newcomer, answer);
}

int
reattach (struct array *array, uint32_t id, uint64_t heard_ns,
          struct newcomer *newcomer, struct array_answer *answer)
{
  struct member *old = find_lost (array, id);
  int r;

  if (old == NULL)
    return change_refuse (answer, -ENOENT, "stopping", "it is no member");
  r = check_before (array, old, heard_ns, newcomer, answer);
  if (r == 0) {
    metadata_begin_turn (array);
    r = attach (array, old, newcomer, answer);
    metadata_end_turn (array);
  }
  member_release (array, old);
  /* Without it copying ended with an error. */
  if (r == 0)
    worker_wake (&array->resync.worker);
  return r;
}
