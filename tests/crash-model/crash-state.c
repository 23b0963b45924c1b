/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-state: choosing among the writes of which nobody knows.
 *
 * The pending writes of a leg are applied in the order in which they were
 * sent, each sector only if it is chosen, over what is there for sure.  So
 * of two to one sector either may be left, or neither.  Ghosts come last.
 *
 * Where all legs write blocks of 4096 bytes, tears are between those.
 */
#include <string.h>

#include "crash-marks.h"
#include "crash-state.h"
#include "ground/util.h"

/* How one state is chosen. */
struct choice {
  enum crash_choice how;
  bool others;      /* LOST, KEPT, TORN: what happens to all but one */
  unsigned one;     /* and which one */
  uint32_t legs;    /* LEGS */
  unsigned chance;  /* WRITES, SECTORS: of 1024 */
  uint32_t from, to; /* TORN: the blocks that happen */
};

const char *
crash_kind_text (enum crash_kind kind)
{
  static const char *const texts[]
    = { "power", "kill", "kill, and power of one leg" };

  return texts[kind];
}

const char *
crash_choice_text (enum crash_choice choice)
{
  static const char *const texts[]
    = { "none", "all", "legs", "one lost", "one kept", "torn", "writes",
        "sectors" };

  return texts[choice];
}

static bool
is_pending (const struct crash_states *states, const struct record_io *io)
{
  return (states->unpowered >> io->leg & 1)
         || replay_is_open (states->replay, io);
}

static unsigned
count_pending (const struct crash_states *states)
{
  const struct replay *replay = states->replay;
  unsigned n = 0;

  for (uint32_t left = states->legs; left != 0; left &= left - 1) {
    const struct replay_leg *leg = &replay->leg[__builtin_ctz (left)];

    for (unsigned i = 0; i < leg->count; i++)
      n += is_pending (states, &replay->life->record.ios[leg->pending[i].io]);
    n += leg->ghosts_count;
  }
  return n;
}

static void
plan (struct crash_states *states, enum crash_choice choice, unsigned times,
      unsigned most)
{
  while (times-- > 0 && states->count < most
         && states->count < ARRAY_LENGTH (states->plan))
    states->plan[states->count++] = choice;
}

/* Of @states->legs. */
static void
plan_all (struct crash_states *states, unsigned most,
          struct random_stream *chance)
{
  unsigned n = states->pending = count_pending (states);

  if (n == 0) {
    plan (states, CHOICE_NONE, 1, 1);
    return;
  }
  plan (states, CHOICE_NONE, 1, 32);
  plan (states, CHOICE_ALL, 1, 32);
  if (n > 1) {
    plan (states, CHOICE_LEGS, 3, 32);
    plan (states, CHOICE_LOST, MIN (n, 6u), 32);
    plan (states, CHOICE_KEPT, MIN (n, 6u), 32);
    plan (states, CHOICE_WRITES, 5, 32);
  }
  plan (states, CHOICE_TORN, MIN (2 * n, 4u), 32);
  plan (states, CHOICE_SECTORS, MIN (2 * n, 4u), 32);
  /* Fewer than that: any of them. */
  for (unsigned i = states->count; i > 1; i--) {
    unsigned j = random_below (chance, i);
    enum crash_choice other = states->plan[j];

    states->plan[j] = states->plan[i - 1];
    states->plan[i - 1] = other;
  }
  states->count = MIN (states->count, most);
}

void
states_begin (struct crash_states *states, const struct replay *replay,
              enum crash_kind kind, unsigned most,
              struct random_stream *chance)
{
  unsigned slots = replay->life->shape->slots;

  *states = (struct crash_states){ .replay = replay,
                                   .legs = (1u << slots) - 1 };
  if (kind == CRASH_POWER)
    states->unpowered = states->legs;
  else if (kind == CRASH_ONE)
    states->unpowered = 1u << random_below (chance, slots);
  plan_all (states, most, chance);
}

void
states_begin_leg (struct crash_states *states, const struct replay *replay,
                  unsigned leg, struct random_stream *chance)
{
  *states = (struct crash_states){ .replay = replay,
                                   .legs = 1u << leg,
                                   .unpowered = 1u << leg };
  plan_all (states, 1, chance);
}

static void
choose_tear (const struct crash_states *states, struct random_stream *chance,
             struct choice *choice)
{
  uint32_t length = 64; /* in blocks; longer ones begin or end in the middle */

  (void)states;
  choice->from = random_below (chance, 3) == 0 ? random_below (chance, length)
                                               : random_below (chance, 4);
  choice->to = choice->from + 1 + random_below (chance, 8);
  if (random_one_in (chance, 2))
    choice->from = 0;
  else if (random_one_in (chance, 2))
    choice->to = UINT32_MAX;
}

static struct choice
choose (const struct crash_states *states, enum crash_choice how,
        struct random_stream *chance)
{
  static const unsigned chances[] = { 64, 256, 512, 768, 960 };
  struct choice choice = { .how = how };

  choice.one = random_below (chance, MAX (states->pending, 1u));
  choice.legs = random_next (chance) >> 33;
  choice.chance = chances[random_below (chance, ARRAY_LENGTH (chances))];
  choice.others = random_one_in (chance, 2);
  if (how == CHOICE_TORN)
    choose_tear (states, chance, &choice);
  return choice;
}

/* Does this sector of pending write @n, @block blocks into it, happen?
 * @whole: what chance says of the write.
 */
static bool
happens (const struct choice *choice, unsigned n, unsigned leg, uint32_t block,
         bool whole, struct random_stream *chance)
{
  switch (choice->how) {
  case CHOICE_NONE:
    return false;
  case CHOICE_ALL:
    return true;
  case CHOICE_LEGS:
    return choice->legs >> leg & 1;
  case CHOICE_LOST:
    return n != choice->one;
  case CHOICE_KEPT:
    return n == choice->one;
  case CHOICE_TORN:
    return n == choice->one ? block >= choice->from && block < choice->to
                            : choice->others;
  case CHOICE_WRITES:
    return whole;
  case CHOICE_SECTORS:
    return random_chance (chance, choice->chance);
  default:
    assert (0);
  }
}

/* @by: what has stored each sector; NULL: whatever is there is overwritten. */
static void
apply (const struct crash_states *states, const struct choice *choice,
       unsigned n, uint32_t number, const uint32_t *by, uint32_t *sectors,
       struct random_stream *chance)
{
  const struct replay *replay = states->replay;
  const struct record_io *io = &replay->life->record.ios[number];
  const uint32_t *contents = &replay->life->record.contents[io->contents];
  uint32_t block = replay->life->shape->block;
  bool whole = random_chance (chance, choice->chance), chosen = false;

  for (uint32_t i = 0; i < replay_extent (replay, io); i++) {
    if (i == 0 || (io->first + i) % block == 0)
      chosen = happens (choice, n, io->leg, i / block, whole, chance);
    if (chosen && (by == NULL || by[io->first + i] <= number))
      sectors[io->first + i] = contents[i];
  }
}

/* What @leg holds in one state.  @n: the pending writes before its own. */
static unsigned
choose_leg (const struct crash_states *states, const struct choice *choice,
            unsigned leg, unsigned n, uint32_t *sectors,
            struct random_stream *chance)
{
  const struct replay *replay = states->replay;
  const struct replay_leg *l = &replay->leg[leg];
  bool power = states->unpowered >> leg & 1;

  memcpy (sectors, power ? l->durable : l->kept, sizeof l->kept);
  for (unsigned i = 0; i < l->count; i++) {
    uint32_t number = l->pending[i].io;

    if (is_pending (states, &replay->life->record.ios[number]))
      apply (states, choice, n++, number,
             power ? l->durable_by : l->kept_by, sectors, chance);
  }
  for (unsigned i = 0; i < l->ghosts_count; i++)
    apply (states, choice, n++, l->ghosts[i], NULL, sectors, chance);
  return n;
}

bool
states_next (struct crash_states *states, struct random_stream *chance,
             struct crash_images *ret, enum crash_choice *ret_choice)
{
  struct choice choice;
  unsigned n = 0;

  if (states->next == states->count)
    return false;
  *ret_choice = states->plan[states->next++];
  choice = choose (states, *ret_choice, chance);
  for (uint32_t left = states->legs; left != 0; left &= left - 1) {
    unsigned leg = __builtin_ctz (left);

    n = choose_leg (states, &choice, leg, n, ret->sector[leg], chance);
  }
  return true;
}
