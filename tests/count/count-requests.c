/* SPDX-License-Identifier: BSD-3-Clause */
/* count-requests: what one request costs in our own code, counted instead of
 * timed.
 *
 *   count-requests plain|md read|write REQUESTS
 *
 * sends so many 4k requests through the engine to two members in memory, which
 * answer at once, and prints how often a mutex was locked for each request:
 * in all, and those that all requests of the array share.  No thread runs
 * beside, so the figures are the same at every run.  tests/count/count.py runs
 * this under callgrind, which counts the instructions inside of `measured`.
 *
 * The md array has a bitmap; the regions written to are hot: their bits are
 * stored and the array is dirty before the counting begins.
 */
#include "unit.h"

#include "engine/array-internal.h"
#include "ground/ground.h"
#include "memory-array.h"

#define BLOCK 4096
#define SPREAD (512 * 1024) /* bytes: what the requests go to */

static struct array *array;
static bool counting;
static unsigned locked, locked_shared;

/* Is this one of a request alone? */
static bool
is_of_requests (const struct requests *requests,
                const struct ground_mutex *mutex)
{
  const char *first = (const char *)requests->items;
  const char *last = (const char *)(requests->items + requests->total);

  return (const char *)mutex >= first && (const char *)mutex < last;
}

/* The linker sends every ground_mutex_lock here (--wrap). */
void __real_ground_mutex_lock (struct ground_mutex *mutex);
void __wrap_ground_mutex_lock (struct ground_mutex *mutex);

void
__wrap_ground_mutex_lock (struct ground_mutex *mutex)
{
  if (counting) {
    locked++;
    if (!is_of_requests (&array->readers, mutex)
        && !is_of_requests (&array->modifiers, mutex))
      locked_shared++;
  }
  __real_ground_mutex_lock (mutex);
}

static struct array *
make_plain (void)
{
  struct array_config config = {
    .legs = MEMBERS,
    .layout = { .level = LEVEL_RAID1, .slots = MEMBERS, .near = 1, .far = 1 },
  };
  struct leg *legs[MEMBERS];
  struct array *plain;
  char why[MESSAGE_MAX];

  for (unsigned i = 0; i < MEMBERS; i++)
    legs[i] = &memory_leg_new (i)->leg;
  ck_assert_msg (
    array_create (&config, legs, (const char *[MEMBERS]){ NULL }, &plain, why)
      == 0,
    "%s", why);
  ck_assert_int_eq (array_start (plain), 0);
  return plain;
}

static struct array *
make_md (void)
{
  memory_array_plan (true);
  memory_array_make ();
  return memory.array;
}

/* Callgrind counts what happens in here, and nothing else. */
static void __attribute__ ((noinline))
measured (bool writing, unsigned count)
{
  static char buffer[BLOCK];

  for (unsigned i = 0; i < count; i++) {
    uint64_t offset = (uint64_t)i * BLOCK % SPREAD;
    int r = writing ? array_write (array, buffer, BLOCK, offset, 0)
                     : array_read (array, buffer, BLOCK, offset);

    assert (r == 0);
  }
}

/* Until bits and dirty mark are stored, and memory is touched. */
static void
warm_up (bool writing)
{
  static char buffer[BLOCK];

  for (uint64_t offset = 0; offset < SPREAD; offset += BLOCK)
    ck_assert_int_eq (writing
                        ? array_write (array, buffer, BLOCK, offset, 0)
                        : array_read (array, buffer, BLOCK, offset),
                      0);
}

static bool is_md, is_write;
static unsigned requests;

START_TEST (requests_are_counted)
{
  array = is_md ? make_md () : make_plain ();
  warm_up (is_write);
  /* Nothing is among the slowest: that depends on what else the machine does. */
  atomic_store (&array->slowest.floor_ns, UINT64_MAX);
  atomic_store (&array->slowest.expires_ns, UINT64_MAX);
  counting = true;
  measured (is_write, requests);
  counting = false;
  printf ("counted: %.2f %.2f\n", (double)locked / requests,
          (double)locked_shared / requests);
  array_quiesce (array, ground_now () + GROUND_S);
  array_close (array);
}
END_TEST

static void
add (TCase *tcase)
{
  tcase_add_test (tcase, requests_are_counted);
}

int
main (int argc, char **argv)
{
  if (argc != 4) {
    fprintf (stderr, "usage: count-requests plain|md read|write REQUESTS\n");
    return 1;
  }
  is_md = strcmp (argv[1], "md") == 0;
  is_write = strcmp (argv[2], "write") == 0;
  requests = strtoul (argv[3], NULL, 10);
  /* Callgrind looks at this process, so everything happens in it. */
  setenv ("CK_FORK", "no", 1);
  return unit_main ("count", add);
}
