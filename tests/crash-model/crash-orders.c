/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-orders: an administrator who fails, removes and brings back legs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "crash-marks.h"
#include "crash-orders.h"
#include "crash-power.h"
#include "crash-world.h"
#include "ground/util.h"

/* --- the opener --- */

/* One that is broken stays away. */
static bool
is_away (unsigned leg)
{
  enum crash_fault fault = crash_world.script->drive[leg].fault;

  return ((fault == FAULT_DIE || fault == FAULT_HANG)
          && crash_leg_has_failed (leg))
         || !power_answers (leg);
}

static int
open_leg (const struct array_opener *opener, const char *text,
          struct leg **ret, bool *ret_missing, char *why)
{
  const struct crash_life *life = crash_world.life;
  unsigned leg;

  (void)opener;
  *ret_missing = true;
  if (sscanf (text, "leg%u", &leg) != 1 || !(life->present >> leg & 1)
      || is_away (leg)) {
    snprintf (why, MESSAGE_MAX, "is missing");
    return -ENOENT;
  }
  *ret = crash_leg_open (life->shape, leg, &crash_world.script->drive[leg],
                         crash_world.now[leg], &crash_world.life->record);
  power_opened (container_of (*ret, struct crash_leg_run, leg));
  return 0;
}

struct array_opener
orders_opener (void)
{
  return (struct array_opener){ .open = open_leg };
}

/* --- one order --- */

/* The member that has @slot, or failed in it; 0: there is none. */
static uint32_t
member_of (const struct array_snapshot *now, unsigned slot,
           enum member_state *ret)
{
  uint32_t id = 0;

  for (unsigned i = 0; i < now->members; i++)
    if (now->member[i].slot == (int)slot
        && (id == 0 || now->member[i].state != MEMBER_FAULTY)) {
      id = now->member[i].id;
      *ret = now->member[i].state;
    }
  return id;
}

static int
give (enum array_verb verb, uint32_t id, unsigned leg)
{
  char name[16];
  struct array_order order = { .verb = verb, .member = id, .discard = true };
  struct array_answer answer;
  int r;

  snprintf (name, sizeof name, "leg%u", leg);
  if (verb == ARRAY_ADD)
    order.disk = name;
  /* One order at a time: the array's own lock is held across it. */
  crash_leg_allow_locks (1);
  r = array_change (crash_world.array, &order, &answer);
  crash_leg_allow_locks (0);
  sim_log ("order %d, leg %u: %d %s", (int)verb, leg, r, answer.text);
  if ((r == 0) != (answer.reason == NULL) || answer.text[0] == '\0')
    sim_fail ("order %d is answered %d '%s'", (int)verb, r, answer.text);
  return r;
}

static void
order (struct random_stream *chance)
{
  static const enum array_verb comes[] = { ARRAY_READD, ARRAY_ADD };
  unsigned leg = random_below (chance, crash_world.life->shape->slots);
  enum member_state state = MEMBER_FAULTY;
  static struct array_snapshot now;
  uint32_t id;

  array_get_snapshot (crash_world.array, &now);
  id = member_of (&now, leg, &state);
  if (state == MEMBER_FAULTY && crash_leg_has_failed (leg))
    return;
  if (id == 0) {
    if (give (ARRAY_ADD, 0, leg) == 0)
      SOMETIMES (ORDER_ADD);
  } else if (state != MEMBER_FAULTY) {
    if (random_one_in (chance, 3)) {
      if (give (ARRAY_REMOVE, id, leg) == 0)
        SOMETIMES (ORDER_REMOVE);
    } else if (give (ARRAY_FAIL, id, leg) == 0)
      SOMETIMES (ORDER_FAIL);
  } else if (give (comes[random_below (chance, 2)], id, leg) == 0)
    SOMETIMES (ORDER_READD);
}

static void
sleep_for (uint64_t ns)
{
  for (uint64_t until = sim_time () + ns; sim_time () < until;)
    sim_park (until);
}

void
orders_run (void *argument)
{
  struct random_stream *chance = argument;

  for (unsigned i = 0; i < crash_world.script->orders; i++) {
    sleep_for (random_exponential (chance, 5 * GROUND_MS));
    order (chance);
  }
}

/* --- the end --- */

/* A leg that was just failed is being closed for a moment. */
#define TRIES 100

bool
orders_bring_back (void)
{
  uint32_t present = crash_world.life->present, out = present;
  static struct array_snapshot now;

  for (unsigned tries = 0; out != 0 && tries < TRIES; tries++) {
    out = 0;
    for (unsigned leg = 0; leg < crash_world.life->shape->slots; leg++) {
      enum member_state state = MEMBER_FAULTY;

      array_get_snapshot (crash_world.array, &now);
      member_of (&now, leg, &state);
      if ((present >> leg & 1) && state == MEMBER_FAULTY
          && !crash_leg_has_failed (leg) && give (ARRAY_ADD, 0, leg) < 0)
        out |= 1u << leg;
    }
    if (out != 0)
      sleep_for (10 * GROUND_MS);
  }
  return out == 0;
}
