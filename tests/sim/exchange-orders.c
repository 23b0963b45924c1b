/* SPDX-License-Identifier: BSD-3-Clause */
/* exchange-orders: the administrator, and bad luck. */
#include <string.h>

#include "exchange.h"
#include "ground-sim.h"
#include "ground/util.h"

#define IDS 256u

static bool may_fail[IDS]; /* members that broke, or were ordered to */
static bool seen[IDS];
static unsigned cuts[IDS]; /* of its disk, before it was seen */
static bool is_spare[IDS]; /* or was one */
static uint32_t owner[DISKS]; /* the last member that a disk was; 0: who knows */
static uint32_t heir[IDS]; /* the member that is to replace that one; 0: none */

void
orders_reset (void)
{
  memset (may_fail, 0, sizeof may_fail);
  memset (seen, 0, sizeof seen);
  memset (heir, 0, sizeof heir);
  memset (owner, 0, sizeof owner);
  for (unsigned i = 0; i < exchange.layout.slots; i++)
    owner[i] = i + 1;
  memset (is_spare, 0, sizeof is_spare);
}

struct disk *
disk_of (const struct array_member *member)
{
  return &disks[disk_number (member->name)];
}

void
orders_look (struct array_snapshot *ret)
{
  array_get_snapshot (exchange.array, ret);
  if (!world_is_enough (ret->status.in_sync))
    sim_fail ("the last copy has left");
  for (unsigned i = 0; i < ret->members; i++) {
    const struct array_member *member = &ret->member[i];

    if (member->id >= IDS)
      sim_fail ("there were too many members");
    reached[MARK_STEPS_IN]
      += is_spare[member->id] && member->state == MEMBER_IN_SYNC;
    /* A replacement may have been begun before the array was started. */
    may_fail[member->id] |= world_has_heir (ret, member->slot);
    /* One that comes back by itself may break before it has its id. */
    if (!seen[member->id])
      cuts[member->id]
        = disk_of (member)->cuts
          - (member->state == MEMBER_FAULTY && disk_of (member)->cuts > 0);
    seen[member->id] = true;
    may_fail[member->id] |= disk_of (member)->fault != DISK_GOOD
                            || disk_of (member)->cuts != cuts[member->id];
    if (member->state == MEMBER_FAULTY && !may_fail[member->id])
      sim_fail ("%s (member %u) failed although nothing happened to it",
                member->name, member->id);
  }
}

static bool
is_used (const struct array_snapshot *now, unsigned disk)
{
  for (unsigned i = 0; i < now->members; i++)
    if (now->member[i].state != MEMBER_FAULTY
        && disk_number (now->member[i].name) == disk)
      return true;
  return false;
}

static const enum mark mark_of[] = {
  [ARRAY_FAIL] = MARK_FAIL,
  [ARRAY_REMOVE] = MARK_REMOVE,
  [ARRAY_ADD] = MARK_ADD,
  [ARRAY_READD] = MARK_READD,
  [ARRAY_WRITE_MOSTLY] = MARK_MOSTLY,
  [ARRAY_READ_AS_OTHERS] = MARK_OTHERS,
  [ARRAY_REPLACE] = MARK_REPLACE,
  [ARRAY_GROW_SIZE] = MARK_GROW_SIZE,
  [ARRAY_GROW_LEGS] = MARK_GROW_LEGS,
  [ARRAY_BITMAP] = MARK_BITMAP,
  [ARRAY_SPARE] = MARK_SPARE,
};

/* A remote disk that nobody else had since is the one that left, whatever its
 * server has lost.
 */
static void
check_owner (const struct array_order *order,
             const struct array_answer *answer)
{
  unsigned disk = disk_number (order->disk);

  if (answer->reason == NULL)
    owner[disk] = answer->member;
  else if (disks[disk].met_swapped)
    return;
  else if (order->verb != ARRAY_READD)
    owner[disk] = 0;
  else if (strcmp (answer->reason, "not-a-copy") == 0
           && owner[disk] == order->member)
    sim_fail ("a disk that was cut off is called another: %s", answer->text);
}

static void
give (const struct array_order *order)
{
  struct disk *disk
    = order->disk != NULL ? &disks[disk_number (order->disk)] : NULL;
  struct array_answer answer;
  int r;

  if (disk != NULL) {
    disk->met_swapped = false;
    disk->ordered = true;
    disk->discarded = order->discard;
  }
  r = array_change (exchange.array, order, &answer);
  if (disk != NULL)
    disk->ordered = false;

  sim_log ("order %d, member %u, disk %s: %d %s", (int)order->verb,
           order->member, order->disk != NULL ? order->disk : "-", r,
           answer.text);
  if ((r == 0) != (answer.reason == NULL) || answer.text[0] == '\0')
    sim_fail ("order %d is answered %d '%s'", (int)order->verb, r, answer.text);
  if (exchange.remote && order->disk != NULL)
    check_owner (order, &answer);
  if (r == 0 && order->verb == ARRAY_SPARE)
    is_spare[answer.member] = true;
  if (r == 0 && order->verb == ARRAY_REPLACE)
    heir[order->member] = answer.member;
  if (r == 0 && order->verb == ARRAY_READD
      && disks[disk_number (order->disk)].bad_length > 0)
    reached[MARK_BAD_BACK]++;
  /* Also if it could not be put on record. */
  if (order->verb == ARRAY_GROW_SIZE || order->verb == ARRAY_GROW_LEGS) {
    exchange.layout = array_get_layout (exchange.array);
    exchange.groups = layout_groups (&exchange.layout, exchange.group);
  }
  if (r == 0 && strstr (answer.text, "what it missed is copied") != NULL
      && exchange.plain)
    reached[MARK_BY_MAP]++;
  if (r == 0)
    reached[mark_of[order->verb]]++;
  else if (strcmp (answer.reason, "last-copy") == 0)
    reached[MARK_LAST_COPY]++;
}

bool
orders_are_busy (const struct array_snapshot *now)
{
  bool busy = now->status.recovering != 0 || now->status.sync_left > 0;

  for (unsigned i = 0; i < now->members; i++) {
    busy |= now->member[i].state == MEMBER_REPLACING;
    reached[MARK_BY_BITMAP]
      += now->member[i].state == MEMBER_RECOVERING && now->member[i].by_bitmap;
  }
  return busy;
}

/* The last one of something that is in sync is refused, if nothing else becomes
 * that.
 */
static bool
may_try_last (const struct array_snapshot *now,
              const struct array_member *member)
{
  return member->state == MEMBER_IN_SYNC
         && !world_is_enough (now->status.in_sync & ~(1u << member->slot))
         && !orders_are_busy (now);
}

static void
send_away (const struct array_snapshot *now, const struct array_member *member,
           bool fails)
{
  const struct array_order order
    = { .verb = fails ? ARRAY_FAIL : ARRAY_REMOVE, .member = member->id };

  if (world_another_is_good (now, member->id))
    may_fail[member->id] = true;
  else if (!may_try_last (now, member))
    return;
  give (&order);
}

/* Remote ones are cut off most often.  Where the last copy is, too, each of them
 * may become that, so all have to come back.
 */
static enum disk_fault
choose_fault (void)
{
  if (!exchange.remote
      || (!exchange.may_lose_last && random_one_in (&exchange.chance, 4)))
    return random_between (&exchange.chance, 1, DISK_CUT - 1);
  reached[MARK_CUT]++;
  return DISK_CUT;
}

static void
break_one (const struct array_snapshot *now, const struct array_member *member)
{
  bool is_last = !world_another_is_good (now, member->id);

  if ((is_last && !exchange.may_lose_last)
      || disk_of (member)->fault != DISK_GOOD
      || disk_of (member)->swap != SWAP_NONE || member->state == MEMBER_FAULTY)
    return;
  may_fail[member->id] = true;
  reached[MARK_BROKE]++;
  reached[MARK_SOURCE_LOST] += now->status.recovering != 0
                               && member->state == MEMBER_IN_SYNC;
  sim_log ("%s breaks", member->name);
  if (is_last) {
    exchange.last_was_cut = exchange.errors_allowed = true;
    reached[MARK_LAST_CUT]++;
  }
  disk_break (disk_of (member), choose_fault ());
}

/* @verb of a disk that nobody has, in good order again. */
static void
bring (const struct array_snapshot *now, enum array_verb verb, uint32_t member,
       unsigned disk)
{
  const struct array_order order = {
    .verb = verb,
    .member = member,
    .disk = disk_name (disk),
    .discard = !exchange.remote || verb != ARRAY_READD
               || random_one_in (&exchange.chance, 4)
  };

  if (is_used (now, disk))
    return;
  if (verb == ARRAY_SPARE || random_one_in (&exchange.chance, 2))
    disk_mend (&disks[disk]);
  if (disks[disk].swap == SWAP_TWIN || disks[disk].swap == SWAP_NO_FLUSH
      || random_one_in (&exchange.chance, 2))
    disk_put_right (&disks[disk]);
  if (verb == ARRAY_REPLACE) {
    if (!world_another_is_good (now, member))
      return;
    may_fail[member] = true;
  }
  give (&order);
}

static void
mark (const struct array_member *member)
{
  const struct array_order order
    = { .verb = random_one_in (&exchange.chance, 2) ? ARRAY_WRITE_MOSTLY
                                                    : ARRAY_READ_AS_OTHERS,
        .member = member->id };

  give (&order);
}

/* Its metadata are laid anew. */
static void
lay_anew (void)
{
  static const uint32_t chunks[] = { 0, 4096, 8192, 65536 };
  struct array_order order = { .verb = ARRAY_GROW_SIZE };

  if (random_one_in (&exchange.chance, 2)) {
    order.verb = ARRAY_BITMAP;
    order.chunk
      = chunks[random_below (&exchange.chance, ARRAY_LENGTH (chunks))];
  }
  give (&order);
}

/* One slot more, or less if the last one is empty. */
static void
change_slots (void)
{
  unsigned slots = exchange.layout.slots;
  const struct array_order order = {
    .verb = ARRAY_GROW_LEGS,
    .slots = random_one_in (&exchange.chance, 2) ? MIN (slots + 1, SLOTS_MAX)
                                                 : MAX (slots - 1, 2u)
  };

  give (&order);
}

/* Remote disks do little else than to go and to come back. */
static void
flap (const struct array_snapshot *now)
{
  const struct array_member *member
    = &now->member[random_below (&exchange.chance, now->members)];

  for (unsigned i = 0; i < now->members; i++)
    if (now->member[i].state == MEMBER_FAULTY)
      member = &now->member[i];
  if (member->state == MEMBER_FAULTY)
    bring (now, ARRAY_READD, member->id, disk_number (member->name));
  else
    break_one (now, member);
}

void
orders_give_one (void)
{
  struct array_snapshot now;
  const struct array_member *member;

  orders_look (&now);
  for (unsigned i = 0; i < DISKS; i++)
    if (disks_are_swapped && random_one_in (&exchange.chance, 6))
      disk_take_image (&disks[i]);
  if (exchange.remote && !random_one_in (&exchange.chance, 4)) {
    flap (&now);
    return;
  }
  member = &now.member[random_below (&exchange.chance, now.members)];
  switch (random_below (&exchange.chance, 12)) {
  case 0:
    send_away (&now, member, true);
    break;
  case 1:
    send_away (&now, member, false);
    break;
  case 2:
  case 3:
    break_one (&now, member);
    break;
  case 4:
    bring (&now, ARRAY_ADD, 0, random_below (&exchange.chance, DISKS));
    break;
  case 5:
  case 6:
    if (member->state == MEMBER_FAULTY)
      bring (&now, ARRAY_READD, member->id, disk_number (member->name));
    break;
  case 7:
    bring (&now, ARRAY_REPLACE, member->id,
           random_below (&exchange.chance, DISKS));
    break;
  case 8:
    lay_anew ();
    break;
  case 9:
    /* One that steps in is out if the last copy cannot store that. */
    if (!exchange.may_lose_last)
      bring (&now, ARRAY_SPARE, 0, random_below (&exchange.chance, DISKS));
    break;
  case 10:
    change_slots ();
    break;
  default:
    mark (member);
    break;
  }
}

static bool
is_in_sync (const struct array_snapshot *now, uint32_t id)
{
  for (unsigned i = 0; i < now->members; i++)
    if (now->member[i].id == id)
      return now->member[i].state == MEMBER_IN_SYNC;
  return false;
}

unsigned
orders_count_replaced (const struct array_snapshot *now)
{
  unsigned count = 0;

  for (unsigned i = 0; i < IDS; i++)
    count += heir[i] != 0 && is_in_sync (now, heir[i]);
  return count;
}
