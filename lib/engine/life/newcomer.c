/* SPDX-License-Identifier: BSD-3-Clause */
/* newcomer: a disk that is to join an array that runs: opened, read, judged.
 *
 * The opener is the one of the start, and so are the reader and the rules
 * (members/).
 *
 * Locks held on entry: none but the turn.  May block on: the opener, reads.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/array-internal.h"
#include "engine/array/failure.h"
#include "engine/array/leg-members.h"
#include "engine/life/order.h"
#include "engine/life/newcomer.h"
#include "engine/sync/mark.h"
#include "ground/util.h"
#include "logic/unfinished.h"

/* ----------------------------------------------------------- is it another? */

/* A connection that is lost and was answered all it asked stays open as long as
 * somebody has its view, which may be for ever: it is in nobody's way.
 */
static bool
is_open (const struct member *member)
{
  return atomic_load (&member->standing) != STANDING_OUT
         || !member_is_cut (member);
}

int
newcomer_check_other (struct array *array, const struct leg *leg,
                      uint32_t instead, struct array_answer *answer)
{
  struct member *member = NULL;
  const char *shared;
  int r = 0;

  while (r == 0
         && (member = view_next_member (array, member, is_open)) != NULL)
    if (member->id != instead
        && leg_compare (member->leg, leg, &shared) == LEG_SAME)
      r = atomic_load (&member->standing) == STANDING_OUT
            ? change_refuse (answer, -EBUSY, "still-closing",
                             "disk %.200s is being closed, as it failed; try "
                             "again in a moment", leg->name)
            : change_refuse (answer, -EEXIST, "same-disk",
                             "disk %.200s is the same as disk %.200s, which "
                             "the array has; give another one", leg->name,
                             member->name);
  if (member != NULL)
    member_release (array, member);
  return r;
}

/* Memory for requests was made at the start. */
static int
check_memory (const struct array *array, const struct leg *leg,
              struct array_answer *answer)
{
  if (leg->caps.memory_alignment == 1 || array->bounced)
    return 0;
  return change_refuse (answer, -EINVAL, "needs-aligned-memory",
                        "disk %.200s is read and written past the page cache "
                        "and the other disks are not; start the mirror with "
                        "cache=none, or use the disk without it", leg->name);
}

/* In an md array fit says what blocks suit its metadata; an image of one with a
 * state file may end anywhere, and is written as clients write.
 */
static int
check_block (const struct array *array, const struct leg *leg,
             struct array_answer *answer)
{
  if (!array->beside
      || leg->caps.block_minimum <= array->limits.block_minimum)
    return 0;
  return change_refuse (answer, -EINVAL, fit_reason_word (FIT_BLOCKS),
                        "disk %.200s is read and written in blocks of %u bytes, "
                        "but the array in blocks of %u", leg->name,
                        leg->caps.block_minimum, array->limits.block_minimum);
}

/* -------------------------------------------------------------- open, judge */

static bool
reads_as_zeroes (struct leg *leg, char *buffer, uint64_t length,
                 uint64_t offset)
{
  if (leg->ops->read_now (leg, buffer, length, offset) < 0)
    return false;
  for (uint64_t i = 0; i < length; i++)
    if (buffer[i] != 0)
      return false;
  return true;
}

/* The mirror itself has said that what is there is worth nothing. */
static bool
is_unfinished (struct leg *leg)
{
  uint8_t head[UNFINISHED_SIZE];

  return leg->caps.size >= sizeof head
         && leg->ops->read_now (leg, head, sizeof head, 0) == 0
         && unfinished_is (head);
}

/* What cannot be read is not taken for blank. */
static bool
is_blank (struct leg *leg)
{
  uint64_t length = MIN ((uint64_t)COMPARE_END, leg->caps.size);
  char *buffer = malloc (length);
  bool blank = buffer != NULL && reads_as_zeroes (leg, buffer, length, 0)
               && reads_as_zeroes (leg, buffer, length,
                                   leg->caps.size - length);

  free (buffer);
  return blank;
}

/* What could not be read then says nothing of the disk. */
static int
check_connection (const struct newcomer *newcomer, struct array_answer *answer)
{
  if (leg_generation (newcomer->leg) == 0)
    return 0;
  return change_refuse (answer, -ENOTCONN, "missing",
                        "disk %.200s: the connection was lost while the disk "
                        "was looked at; check its server and the way to it",
                        newcomer->leg->name);
}

static void
look (const struct array *array, struct newcomer *newcomer)
{
  const struct member_record *record = &newcomer->record;
  struct leg *image = leg_image (newcomer->leg);

  newcomer->is_unfinished
    = record->verdict == SB1_NONE && is_unfinished (image);
  newcomer->is_blank = (record->verdict == SB1_NONE || array->beside)
                       && (newcomer->is_unfinished || is_blank (image));
  proof_look (record, &newcomer->proof);
}

int
newcomer_open (struct array *array, const char *text, uint32_t instead,
               struct newcomer *ret, struct array_answer *answer)
{
  struct member_disk disk;
  char why[MESSAGE_MAX];
  bool missing;
  int r;

  *ret = (struct newcomer){ .leg = NULL };
  if (array->opener.open == NULL)
    return change_refuse (answer, -EOPNOTSUPP, "no-opener",
                          "this server cannot open disks while it runs");
  r = array->opener.open (&array->opener, text, &ret->leg, &missing, why);
  if (r < 0)
    return change_refuse (answer, r, missing ? "missing" : "unusable",
                          "disk %.200s: %.700s", text, why);
  r = newcomer_check_other (array, ret->leg, instead, answer);
  if (r == 0)
    r = check_memory (array, ret->leg, answer);
  if (r == 0)
    r = check_block (array, ret->leg, answer);
  if (r == 0) {
    leg_members_disks (&ret->leg, 1, &disk);
    if (member_read (&disk, &ret->record) < 0)
      r = change_refuse (answer, -ENOMEM, "no-memory",
                         "not enough memory for the disk's metadata");
  }
  if (r == 0) {
    look (array, ret);
    r = check_connection (ret, answer);
  }
  if (r < 0)
    newcomer_drop (ret);
  return r;
}

void
newcomer_disregard (struct newcomer *newcomer)
{
  const struct member_disk disk = newcomer->record.disk;

  member_forget (&newcomer->record);
  member_ignore (&disk, &newcomer->record);
}

int
newcomer_check_contents (const struct newcomer *newcomer,
                         const struct array_order *order,
                         struct array_answer *answer)
{
  if (newcomer->is_blank || order->discard)
    return 0;
  return change_refuse (answer, -EINVAL, "overwrites",
                        "disk %.200s is not blank, and what is on it would be "
                        "overwritten; --discard allows that",
                        newcomer->leg->name);
}

void
newcomer_drop (struct newcomer *newcomer)
{
  member_forget (&newcomer->record);
  if (newcomer->leg != NULL)
    newcomer->leg->ops->close (newcomer->leg);
  newcomer->leg = NULL;
}

/* The members of now, as fit wants them: those that hold everything first. */
static unsigned
describe_members (struct array *array, struct assemble_member *ret,
                  uint32_t *ret_taken)
{
  struct metadata *md = array->md;
  const struct view *view = request_view (md->request);
  unsigned count = 0;

  *ret_taken = 0;
  for (unsigned pass = 0; pass < 2; pass++)
    for (uint32_t left
         = pass == 0 ? view->in_sync : view->targets & ~view->in_sync;
         left != 0; left &= left - 1) {
      const struct member *member = view->member[__builtin_ctz (left)];

      *ret_taken |= 1u << view_slot (view, member);
      ret[count++] = (struct assemble_member){
        .verdict = SB1_GOOD,
        .sb = &member->super.sb,
        .why = "",
        .bitmap_verdict = md->has_bitmap ? BITMAP_GOOD : BITMAP_NONE,
        .bitmap_events = md->head.events,
        .events_cleared = md->head.events_cleared,
        .bitmap_why = "",
        .bitmap_chunk = md->head.chunk,
      };
    }
  return count;
}

/* Is its superblock the one that this server stored there last, or found there
 * when it was in sync, before it was lost?  If it ran on its own since, it has
 * another.
 */
static bool
is_as_left (struct array *array, const struct newcomer *newcomer)
{
  const struct member_record *record = &newcomer->record;
  bool found = false;

  if (record->verdict != SB1_GOOD)
    return false;
  ground_mutex_lock (&array->state_lock);
  for (unsigned i = 0; i < array->roster.members; i++) {
    const struct roster_member *entry = &array->roster.member[i];
    const struct member_super *left;

    if (entry->state != MEMBER_FAULTY)
      continue;
    left = &view_find_member (array, entry->id)->super;
    /* One that came from elsewhere and never got ours has what it had. */
    found |= left->stored != UINT64_MAX && left->stored == record->sb.events
             && memcmp (left->block, record->block, SB1_BLOCK_SIZE) == 0;
  }
  ground_mutex_unlock (&array->state_lock);
  return found;
}

void
newcomer_judge (struct array *array, struct newcomer *newcomer, bool discard)
{
  struct assemble_member members[LEGS_MAX];
  struct fit_array fit = { .member = members,
                           .marked = metadata_marked (array),
                           .block = array_block (array),
                           .is_ours = is_as_left (array, newcomer) };

  fit.count = describe_members (array, members, &fit.taken);
  fit_join (&fit, &newcomer->record, discard, &newcomer->fit);
}

/* ------------------------------------------------------------------ seat it */

/* Does a spare have it?  The table does not tell. */
static bool
is_of_spare (const struct array *array, uint32_t number)
{
  const struct view *view = request_view (array->md->request);

  for (uint32_t left = view->spares; left != 0; left &= left - 1)
    if (view->member[__builtin_ctz (left)]->super.sb.dev_number == number)
      return true;
  return false;
}

static bool
is_free (const struct array *array, uint32_t number)
{
  return number < SB1_ROLES_MAX
         && sb1_role (&array->md->truth, number) == SB1_ROLE_SPARE
         && !is_of_spare (array, number);
}

/* An entry of the table of roles that nobody has, nor had; or SB1_ROLES_MAX. */
static uint32_t
free_number (const struct array *array)
{
  uint32_t number = 0;

  while (number < SB1_ROLES_MAX && !is_free (array, number))
    number++;
  return number;
}

/* Different from all others of this array, and of others. */
static void
make_uuid (const struct sb1 *truth, uint32_t number, uint8_t ret[16])
{
  uint64_t hash[2] = { ground_utc_us (), truth->events ^ number };

  for (unsigned round = 0; round < 4; round++)
    for (unsigned i = 0; i < 16; i++) {
      uint64_t *h = &hash[i % 2];

      *h = (*h ^ truth->set_uuid[i]) * UINT64_C (0x9e3779b97f4a7c15);
      *h ^= *h >> 29 ^ hash[1 - i % 2] << 7;
    }
  memcpy (ret, hash, sizeof hash);
}

/* Like another member's, but for what is its own. */
static void
make_superblock (struct array *array, const struct leg *leg, struct sb1 *ret)
{
  const struct view *view = request_view (array->md->request);
  const struct member *model
    = view->member[__builtin_ctz (view->in_sync)];
  uint64_t offset;
  bool good;

  *ret = model->super.sb;
  good = sb1_offset (ret->version, leg->caps.exact_size, &offset);
  assert (good);
  ret->super_offset = offset / SECTOR_SIZE;
  ret->data_size
    = ret->version == SB1_VERSION_1_0
        ? ret->size
        : leg->caps.size / SECTOR_SIZE - ret->data_offset;
  ret->features &= SB1_FEATURE_BITMAP;
  ret->recovery_offset = 0;
  ret->corrected_reads = 0;
  ret->devflags = 0;
  ret->bblog_shift = 0;
  ret->bblog_size = 0;
  ret->bblog_offset = 0;
  ret->dev_number = free_number (array);
  make_uuid (&array->md->truth, ret->dev_number, ret->device_uuid);
}

/* A spare's may be somebody else's by now. */
static bool
wants_number (const struct array *array, const struct newcomer *newcomer)
{
  return newcomer->record.verdict != SB1_GOOD
         || (newcomer->fit.as == FIT_SPARE
             && !is_free (array, newcomer->record.sb.dev_number));
}

static int
take_superblock (struct array *array, struct newcomer *newcomer,
                 struct member *member)
{
  struct sb1 *sb = &member->super.sb;

  if (leg_members_take (member, &newcomer->record) < 0)
    return -ENOMEM;
  if (newcomer->record.verdict != SB1_GOOD) {
    memset (member->super.block, 0, SB1_BLOCK_SIZE);
    make_superblock (array, newcomer->leg, sb);
    member->data_offset = sb->data_offset * SECTOR_SIZE;
  }
  else if (wants_number (array, newcomer))
    sb->dev_number = free_number (array);
  member->by_bitmap = newcomer->fit.as == FIT_BY_BITMAP;
  return 0;
}

static int
furnish (struct array *array, struct newcomer *newcomer, struct member *member)
{
  if (array->md != NULL)
    return take_superblock (array, newcomer, member);
  mark_plan (array, member, newcomer->fit.slot);
  member->by_bitmap = newcomer->fit.as == FIT_BY_BITMAP;
  if (member->by_bitmap)
    member->known_until = newcomer->comeback.known_until;
  return 0;
}

int
newcomer_seat (struct array *array, struct newcomer *newcomer,
               struct member **ret, struct array_answer *answer)
{
  struct leg *leg = newcomer->leg;
  struct member *member;
  int r;

  if (array->md != NULL && wants_number (array, newcomer)
      && free_number (array) == SB1_ROLES_MAX)
    return change_refuse (answer, -EINVAL, "too-many-members",
                          "the array has had as many members as its metadata "
                          "can count");
  member = member_new (leg);
  if (member == NULL || furnish (array, newcomer, member) < 0) {
    if (member != NULL)
      member_free (member);
    return change_refuse (answer, -ENOMEM, "no-memory",
                          "not enough memory for another member");
  }
  leg->gone = failure_gone;
  leg->watcher = array;
  r = leg->ops->start (leg);
  if (r < 0) {
    member_free (member);
    return change_refuse (answer, r, "unusable",
                          "disk %.200s cannot be started: %s", leg->name,
                          log_strerror (r));
  }
  newcomer->leg = NULL;
  *ret = member;
  return 0;
}
