/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-state: choosing among the writes of which nobody knows.
 *
 * The pending writes of a leg are applied in the order in which they were
 * sent, each sector only if it is chosen, over what is there for sure.  So
 * of two to one sector either may be left, or neither.
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

  for (unsigned leg = 0; leg < CRASH_LEGS_MAX; leg++)
    for (unsigned i = 0; i < replay->leg[leg].count; i++)
      n += is_pending (
        states, &replay->life->record.ios[replay->leg[leg].pending[i].io]);
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

void
states_begin (struct crash_states *states, const struct replay *replay,
              enum crash_kind kind, unsigned most,
              struct random_stream *chance)
{
  unsigned n;

  *states = (struct crash_states){ .replay = replay };
  if (kind == CRASH_POWER)
    states->unpowered = UINT32_MAX;
  else if (kind == CRASH_ONE)
    states->unpowered
      = 1u << random_below (chance, replay->life->shape->slots);
  n = states->pending = count_pending (states);
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

static void
apply (const struct crash_states *states, const struct choice *choice,
       unsigned n, const struct record_io *io, uint32_t number,
       const uint32_t *by, uint32_t *sectors, struct random_stream *chance)
{
  const struct replay *replay = states->replay;
  const uint32_t *contents = &replay->life->record.contents[io->contents];
  uint32_t block = replay->life->shape->block;
  bool whole = random_chance (chance, choice->chance), chosen = false;

  for (uint32_t i = 0; i < replay_extent (replay, io); i++) {
    if (i == 0 || (io->first + i) % block == 0)
      chosen = happens (choice, n, io->leg, i / block, whole, chance);
    if (chosen && by[io->first + i] <= number)
      sectors[io->first + i] = contents[i];
  }
}

bool
states_next (struct crash_states *states, struct random_stream *chance,
             struct crash_images *ret, enum crash_choice *ret_choice)
{
  const struct replay *replay = states->replay;
  struct choice choice;
  unsigned n = 0;

  if (states->next == states->count)
    return false;
  *ret_choice = states->plan[states->next++];
  choice = choose (states, *ret_choice, chance);
  for (unsigned leg = 0; leg < CRASH_LEGS_MAX; leg++) {
    const struct replay_leg *l = &replay->leg[leg];
    bool power = states->unpowered >> leg & 1;

    memcpy (ret->sector[leg], power ? l->durable : l->kept,
            sizeof ret->sector[leg]);
    for (unsigned i = 0; i < l->count; i++) {
      uint32_t number = l->pending[i].io;
      const struct record_io *io = &replay->life->record.ios[number];

      if (is_pending (states, io))
        apply (states, &choice, n++, io, number,
               power ? l->durable_by : l->kept_by, ret->sector[leg], chance);
    }
  }
  return true;
}
