/* SPDX-License-Identifier: BSD-3-Clause */
/* test-far-legs: how long a rebuild takes, on the virtual clock, where nothing
 * but the legs takes time.
 *
 * Over a link of 20 ms it is at least 8 times as fast as with one span in
 * flight.  On disks that do one thing after the other it goes back from what
 * it tried first, so that a few spans queue at most; with clients about there
 * is one span on local disks, and SYNC_SPANS_BUSY on remote ones.  A sparse
 * disk is rebuilt at least 10 times as fast as a full one, in every layout, and
 * stays sparse.
 */
#include <stdio.h>
#include <string.h>

#define MEMORY_LEG_SIZE (32 * 1024 * 1024)
#define SPAN 65536u

#include "engine/array-internal.h"
#include "ground/ground.h"
#include "ground/log.h"
#include "ground/util.h"
#include "ground-sim.h"
#include "sim-random.h"
#include "logic/create-plan.h"
#include "tests/unit/memory-leg.h"

#define LATENCY_NS (20 * GROUND_MS)
#define SLOTS_MAX 3
#define REBUILT 1u /* its slot */

static const struct layout layouts[] = {
  { .level = LEVEL_RAID1, .slots = 2, .near = 1, .far = 1 },
  { .level = LEVEL_RAID10, .slots = 2, .near = 2, .far = 1, .chunk = SPAN },
  { .level = LEVEL_RAID10, .slots = 3, .near = 2, .far = 1, .chunk = SPAN },
  { .level = LEVEL_RAID10, .slots = 3, .near = 1, .far = 2, .chunk = SPAN },
  { .level = LEVEL_RAID10, .slots = 3, .near = 1, .far = 2, .offset = true,
    .chunk = SPAN },
};

/* A memory leg whose answers take time. */
struct slow_leg {
  struct leg leg;
  struct memory_leg *memory;
  struct ground_mutex lock;
  struct ground_cond changed;
  struct ground_thread thread; /* of remote ones */
  struct child *first, **end;  /* in flight, in the order of their answers */
  uint64_t free_ns;            /* a serial one has done all */
  unsigned spans, most;        /* large children in flight; so many once */
  bool stopping;
};

struct scene {
  const char *name;
  unsigned layout;     /* of layouts */
  bool is_remote;
  bool is_serial;      /* one thing after the other, instead of all at once */
  bool clients;
  unsigned spans;      /* as array_config.sync_spans */
  bool is_sparse;      /* a few spans of data, and they can tell */
  bool writes;         /* a client writes and zeroes meanwhile */
  bool has_junk;       /* the one that is rebuilt holds something else */
  uint64_t seed;
  uint64_t took_ns;    /* result */
  unsigned most;       /* spans in flight on one leg */
  unsigned written;    /* children, to what is rebuilt */
};

static struct slow_leg slow[SLOTS_MAX];
static struct layout layout; /* of the array, with its sizes */
static struct array *array;
static struct scene *scene;
static bool stop_reading;

static void
say_nothing (enum log_level level, const char *message)
{
  (void)level;
  (void)message;
}

/* ------------------------------------------------------------------ the legs */

/* Lock held. */
static void
wait_until (struct slow_leg *leg, uint64_t ns)
{
  while (ground_now () < ns)
    ground_cond_wait (&leg->changed, &leg->lock, ns);
}

static void
answer (struct slow_leg *leg, struct child *child)
{
  ground_mutex_lock (&leg->lock);
  leg->spans -= child->length >= SPAN;
  ground_mutex_unlock (&leg->lock);
  child->done (child, memory_leg_do (leg->memory, child));
}

/* The other side of a remote one. */
static void
serve (void *argument)
{
  struct slow_leg *leg = argument;

  ground_mutex_lock (&leg->lock);
  for (;;) {
    struct child *child = leg->first;

    if (child == NULL) {
      if (leg->stopping)
        break;
      ground_cond_wait (&leg->changed, &leg->lock, GROUND_NEVER);
      continue;
    }
    wait_until (leg, child->driver.deadline_ns);
    leg->first = child->driver.next;
    if (leg->first == NULL)
      leg->end = &leg->first;
    ground_mutex_unlock (&leg->lock);
    answer (leg, child);
    ground_mutex_lock (&leg->lock);
  }
  ground_mutex_unlock (&leg->lock);
}

static void
slow_issue (struct leg *base, struct child *child)
{
  struct slow_leg *leg = (struct slow_leg *)base;
  uint64_t takes = scene->is_remote ? LATENCY_NS : GROUND_MS;

  ground_mutex_lock (&leg->lock);
  leg->spans += child->length >= SPAN;
  leg->most = MAX (leg->most, leg->spans);
  child->driver.deadline_ns
    = scene->is_serial ? MAX (leg->free_ns, ground_now ()) + takes
                       : ground_now () + takes;
  leg->free_ns = child->driver.deadline_ns;
  if (!scene->is_remote) {
    wait_until (leg, child->driver.deadline_ns);
    ground_mutex_unlock (&leg->lock);
    answer (leg, child);
    return;
  }
  child->driver.next = NULL;
  *leg->end = child;
  leg->end = &child->driver.next;
  ground_cond_broadcast (&leg->changed);
  ground_mutex_unlock (&leg->lock);
}

static int
slow_start (struct leg *base)
{
  struct slow_leg *leg = (struct slow_leg *)base;

  return ground_thread_start (&leg->thread, "slow", serve, leg);
}

static int
slow_read_now (struct leg *base, void *buffer, uint64_t length,
               uint64_t offset)
{
  struct slow_leg *leg = (struct slow_leg *)base;

  return memory_leg_read_now (&leg->memory->leg, buffer, length, offset);
}

static bool
slow_can_zero (struct leg *base, uint32_t flags)
{
  (void)base;
  (void)flags;
  return true;
}

static void
slow_abort (struct leg *base)
{
  (void)base;
  sim_fail ("a leg was given up");
}

static void
slow_close (struct leg *base)
{
  struct slow_leg *leg = (struct slow_leg *)base;

  ground_mutex_lock (&leg->lock);
  leg->stopping = true;
  ground_cond_broadcast (&leg->changed);
  ground_mutex_unlock (&leg->lock);
  ground_thread_join (&leg->thread);
  ground_cond_destroy (&leg->changed);
  ground_mutex_destroy (&leg->lock);
}

static void
make_leg (unsigned i)
{
  static const struct leg_ops ops = {
    .start = slow_start,       .issue = slow_issue,
    .read_now = slow_read_now, .can_zero = slow_can_zero,
    .abort = slow_abort,       .close = slow_close,
  };
  struct slow_leg *leg = &slow[i];

  memset (leg, 0, sizeof *leg);
  leg->memory = memory_leg_new (i);
  leg->memory->tells_zeroes = scene->is_sparse;
  leg->leg = leg->memory->leg;
  leg->leg.ops = &ops;
  leg->leg.rank = scene->is_remote ? LEG_REMOTE : LEG_INLINE;
  leg->leg.caps.request_max = SPAN;
  leg->leg.caps.zero_max = MEMORY_LEG_SIZE;
  leg->end = &leg->first;
  ground_mutex_init (&leg->lock);
  ground_cond_init (&leg->changed);
}

/* ----------------------------------------------------------------- the array */

/* That one lacks everything. */
static void
lay_metadata (void)
{
  static const uint8_t uuid[16] = "far";
  struct create_wish wish = {
    .layout = layouts[scene->layout],
    .version = SB1_VERSION_1_0,
    .assume_clean = true,
    .member_bytes = { MEMORY_LEG_SIZE, MEMORY_LEG_SIZE, MEMORY_LEG_SIZE },
  };
  struct create_plan plan;
  char why[MESSAGE_MAX];

  if (!create_plan (&wish, &plan, why))
    sim_fail ("no plan: %s", why);
  layout = plan.layout;
  for (unsigned i = 0; i < layout.slots; i++) {
    uint8_t device[16] = { (uint8_t)(i + 1) };
    struct sb1 sb;

    create_superblock (&wish, &plan, i, uuid, device, 1, &sb);
    sb.events = 20;
    if (i == REBUILT)
      sb.features |= SB1_FEATURE_RECOVERY_OFFSET;
    sb1_encode (&sb, (uint8_t *)slow[i].memory->data
                       + sb.super_offset * SECTOR_SIZE);
  }
}

static char *
copy_at (const struct copy *copy)
{
  return slow[copy->slot].memory->data + copy->offset;
}

/* On all but the one that is rebuilt. */
static void
fill (uint64_t offset, uint64_t length)
{
  struct copy copies[LEGS_MAX];

  for (uint64_t done = 0; done < length; done += 4096) {
    layout_map (&layout, offset + done, copies);
    for (unsigned i = 0; i < layout_copies (&layout); i++)
      if (copies[i].slot != REBUILT)
        memset (copy_at (&copies[i]), 'x', 4096);
  }
}

/* What clients have stored. */
static void
lay_data (void)
{
  uint64_t most = round_down (layout.array_size / 2, SPAN);

  if (scene->has_junk)
    memset (slow[REBUILT].memory->data, 'j', MEMORY_LEG_SIZE / 2);
  if (!scene->is_sparse)
    fill (0, most);
  for (unsigned i = 0; scene->is_sparse && i < 4; i++)
    fill (i * round_down (most / 4, SPAN), SPAN + 4096);
}

/* All copies of all that the array holds. */
static void
compare (void)
{
  struct copy copies[LEGS_MAX];

  for (uint64_t at = 0; at < layout.array_size; at += 4096) {
    layout_map (&layout, at, copies);
    for (unsigned i = 1; i < layout_copies (&layout); i++)
      if (memcmp (copy_at (&copies[0]), copy_at (&copies[i]),
                  MIN (layout.array_size - at, UINT64_C (4096))) != 0)
        sim_fail ("the copies differ at byte %llu", (unsigned long long)at);
  }
}

static void
make (void)
{
  struct array_config config = { .legs = layouts[scene->layout].slots,
                                 .sync_span = SPAN,
                                 .sync_spans = scene->spans,
                                 .sync_min = UINT64_C (1) << 30,
                                 .sync_max = UINT64_C (1) << 30 };
  struct leg *legs[SLOTS_MAX];
  char why[MESSAGE_MAX] = "";

  for (unsigned i = 0; i < config.legs; i++) {
    make_leg (i);
    legs[i] = &slow[i].leg;
  }
  lay_metadata ();
  lay_data ();
  if (array_create (&config, legs, NULL, &array, why) < 0
      || array_start (array) < 0)
    sim_fail ("no array: %s", why);
}

/* Small requests, one after the other. */
static void
read_all_the_time (void *argument)
{
  char data[512];

  (void)argument;
  while (!stop_reading)
    if (array_read (array, data, sizeof data, 0) < 0)
      sim_fail ("a read failed");
}

/* Blocks of data and of zeroes, anywhere. */
static void
write_all_the_time (void *argument)
{
  struct random_stream chance;
  char data[4096];

  (void)argument;
  random_init (&chance, scene->seed, 1);
  while (!stop_reading) {
    uint64_t offset = random_below (&chance, MEMORY_LEG_SIZE / 2 / 4096) * 4096;
    int r;

    memset (data, random_one_in (&chance, 2) ? 'w' : 0, sizeof data);
    r = random_one_in (&chance, 3)
          ? array_zero (array, sizeof data, offset, ARRAY_MAY_TRIM)
          : array_write (array, data, sizeof data, offset, 0);
    if (r < 0)
      sim_fail ("a write failed");
  }
}

static void
rebuild_it (void *argument)
{
  struct ground_thread client;
  struct array_status status;
  uint64_t began;

  (void)argument;
  make ();
  stop_reading = false;
  if (scene->clients || scene->writes)
    ground_thread_start (&client, "client",
                         scene->writes ? write_all_the_time
                                       : read_all_the_time, NULL);
  began = ground_now ();
  if (array_allow_writes (array) < 0)
    sim_fail ("no threads");
  do {
    sim_park (ground_now () + GROUND_MS);
    array_get_status (array, &status);
  } while (status.in_sync != layout_all_slots (&layout));
  scene->took_ns = ground_now () - began;
  for (unsigned i = 0; i < layout.slots; i++)
    scene->most = MAX (scene->most, slow[i].most);
  scene->written = slow[REBUILT].memory->count[CHILD_WRITE];
  stop_reading = true;
  if (scene->clients || scene->writes)
    ground_thread_join (&client);
  if (array_quiesce (array, ground_now () + GROUND_S) < 0)
    sim_fail ("no clean stop");
  compare ();
  array_close (array);
}

/* ---------------------------------------------------------------- the scenes */

static int failed;

static void
play (struct scene *what)
{
  static struct sim_result result;
  const struct sim_options options
    = { .seed = MAX (what->seed, UINT64_C (1)), .switches = 64, .steps_max = 100000000 };

  scene = what;
  sim_run (&options, rebuild_it, NULL, &result);
  if (result.verdict != SIM_GOOD) {
    printf ("%s: %s\n%s", what->name, result.reason, result.dump);
    failed = 1;
  }
  if (what->seed > 1 && result.verdict == SIM_GOOD)
    return;
  printf ("%-32s %6llu ms, %2u spans in flight\n", what->name,
          (unsigned long long)(what->took_ns / GROUND_MS), what->most);
}

static void
expect (bool holds, const char *what)
{
  if (!holds) {
    printf ("but %s\n", what);
    failed = 1;
  }
}

/* What is zeroed, or left out, never loses what a client wrote meanwhile. */
static void
play_with_writes (void)
{
  for (uint64_t seed = 1; seed <= 40 && !failed; seed++) {
    struct scene written = { .name = "sparse, and written meanwhile",
                             .layout = seed % ARRAY_LENGTH (layouts),
                             .is_remote = seed % 2,
                             .is_sparse = true,
                             .has_junk = seed / 2 % 2,
                             .writes = true,
                             .seed = seed };

    play (&written);
  }
}

/* A sparse disk of each layout, over nothing and over junk. */
static void
play_layouts (void)
{
  for (unsigned i = 1; i < ARRAY_LENGTH (layouts); i++) {
    struct scene full = { .name = "raid10, local disks", .layout = i,
                          .is_serial = true };
    struct scene sparse = { .name = "raid10, local disks, sparse", .layout = i,
                            .is_serial = true, .is_sparse = true };
    struct scene junk = { .name = "raid10, far legs, sparse over junk",
                          .layout = i, .is_remote = true, .is_sparse = true,
                          .has_junk = true };

    play (&full);
    play (&sparse);
    play (&junk);
    expect (sparse.took_ns * 10 <= full.took_ns,
            "with 4 spans of data it is less than 10 times as fast");
    expect (junk.written < 100, "holes are written as data");
  }
}

int
main (void)
{
  struct scene one = { .name = "far legs, one span",
                       .is_remote = true, .spans = 1 };
  struct scene far = { .name = "far legs", .is_remote = true };
  struct scene far_busy = { .name = "far legs, with clients",
                            .is_remote = true, .clients = true };
  struct scene queue = { .name = "far legs that do one by one",
                         .is_remote = true, .is_serial = true };
  struct scene local = { .name = "local disks", .is_serial = true };
  struct scene local_busy = { .name = "local disks, with clients",
                              .is_serial = true, .clients = true };
  struct scene sparse = { .name = "local disks, sparse",
                          .is_serial = true, .is_sparse = true };
  struct scene junk = { .name = "far legs, sparse over junk",
                        .is_remote = true, .is_sparse = true,
                        .has_junk = true };

  log_set_sink (say_nothing);
  play (&one);
  play (&far);
  play (&far_busy);
  play (&queue);
  play (&local);
  play (&local_busy);
  play (&sparse);
  play (&junk);
  play_layouts ();
  play_with_writes ();
  expect (one.most == 1, "one span was not one");
  expect (far.took_ns * 8 <= one.took_ns,
          "over far legs it is less than 8 times as fast");
  expect (far_busy.most <= SYNC_SPANS_BUSY,
          "clients are kept waiting on far legs");
  expect (far_busy.took_ns < one.took_ns,
          "with clients about there is one span in flight");
  expect (queue.most <= 8, "spans queue up where they gain nothing");
  expect (local.most <= 8, "spans queue up on local disks");
  expect (local_busy.most == 1, "clients are kept waiting on local disks");
  expect (sparse.took_ns * 10 <= local.took_ns,
          "with 4 spans of data it is less than 10 times as fast");
  expect (junk.written < 100, "holes are written as data");
  return failed;
}
