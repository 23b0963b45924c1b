/* SPDX-License-Identifier: BSD-3-Clause */
/* unit: what every unit test program needs: a main, chance, cheap checks.
 *
 * CK_FORK=no runs a program under a debugger, CK_RUN_CASE and CK_VERBOSITY
 * work as check's manual says.  A random test prints its seed;
 * MIRROR_SEED=N repeats that run.
 */
#ifndef MIRROR_UNIT_H
#define MIRROR_UNIT_H

#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Like ck_assert_msg, but free when all is well: for loops that check
 * millions of things.
 */
#define UNIT_CHECK(expression, ...)                                           \
  do {                                                                        \
    if (!(expression))                                                        \
      ck_abort_msg ("'" #expression "' failed: " __VA_ARGS__);                \
  } while (0)

/* The whole main: run the tests that @add adds.  No time limits: a slow
 * machine is no failure.
 */
static inline int
unit_main (const char *name, void (*add) (TCase *tcase))
{
  Suite *suite = suite_create (name);
  TCase *tcase = tcase_create (name);
  SRunner *runner;
  int failed;

  tcase_set_timeout (tcase, 0);
  add (tcase);
  suite_add_tcase (suite, tcase);
  runner = srunner_create (suite);
  srunner_run_all (runner, CK_ENV);
  failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Add a test that must end in a failed assertion of ours; with CK_FORK=no it
 * would take the others along, so then it is left out.
 */
#define UNIT_ADD_ABORT_TEST(tcase, test)                                      \
  do {                                                                        \
    if (unit_forks ())                                                        \
      tcase_add_test_raise_signal (tcase, test, SIGABRT);                     \
  } while (0)

static inline int
unit_forks (void)
{
  const char *given = getenv ("CK_FORK");

  return given == NULL || strcmp (given, "no") != 0;
}

/* Where a random test starts. */
static inline uint64_t
unit_seed (const char *test)
{
  const char *given = getenv ("MIRROR_SEED");
  uint32_t chance = 0;
  uint64_t seed;

  if (given != NULL)
    seed = strtoull (given, NULL, 0);
  else {
    ck_assert_int_eq (getrandom (&chance, sizeof chance, 0), sizeof chance);
    seed = chance;
  }
  printf ("%s: MIRROR_SEED=%" PRIu64 "\n", test, seed);
  fflush (stdout);
  return seed;
}

/* The next number of the sequence: splitmix64. */
static inline uint64_t
unit_random (uint64_t *state)
{
  uint64_t n = *state += UINT64_C (0x9e3779b97f4a7c15);

  n = (n ^ n >> 30) * UINT64_C (0xbf58476d1ce4e5b9);
  n = (n ^ n >> 27) * UINT64_C (0x94d049bb133111eb);
  return n ^ n >> 31;
}

/* One of 0 ... @limit - 1. */
static inline uint64_t
unit_below (uint64_t *state, uint64_t limit)
{
  return unit_random (state) % limit;
}

#endif /* MIRROR_UNIT_H */
