/* SPDX-License-Identifier: BSD-3-Clause */
/* test-oracle: every rule of the oracle can fail, and good histories pass.
 *
 * Histories are written as short programs, one letter per event on sector 0:
 *
 *   a b c    begin writes a, b, c          A B C   they are answered
 *   z Z      begin, answer zeroing         t T     trim
 *   y Y      another zeroing
 *   r s      begin reads;  R<v> S<v>       they return v: a, b, c, 0 or i
 *   l        a look that may be old; L0    it saw zero
 *   !        before an upper case letter: answered with an error
 *   ?        the same: refused, it must have had no effect
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "ground/util.h"
#include "oracle.h"
#include "sim-stamp.h"

static unsigned number[128]; /* of the operation of a letter */

static uint64_t
value_of (char c)
{
  switch (c) {
  case '0':
    return VALUE_ZERO;
  case 'i':
    return VALUE_INITIAL;
  case 'x':
    return 999;
  default:
    return history_value (number[(int)c]);
  }
}

static void
begin_op (char c)
{
  enum history_kind kind = HISTORY_WRITE;

  if (c == 'r' || c == 's')
    kind = HISTORY_READ;
  if (c == 'l')
    kind = HISTORY_LOOK;
  if (c == 'z' || c == 'y')
    kind = HISTORY_ZERO;
  if (c == 't')
    kind = HISTORY_TRIM;
  number[(int)c] = history_start (kind, 0, 1);
}

static void
play (const char *program, uint64_t initial)
{
  enum history_outcome outcome = HISTORY_DONE;

  history_begin (1, initial);
  for (const char *p = program; *p; p++) {
    if (*p == '!')
      outcome = HISTORY_FAILED;
    else if (*p == '?')
      outcome = HISTORY_NOTHING;
    else if (islower (*p))
      begin_op (*p);
    else if (isupper (*p)) {
      unsigned op = number[tolower (*p)];

      if (strchr ("RSL", *p))
        history_saw (op, 0, value_of (*++p));
      history_finish (op, outcome);
      outcome = HISTORY_DONE;
    }
  }
}

static void
expect (const char *program, bool strict, bool good)
{
  char why[256] = "";

  play (program, VALUE_INITIAL);
  if (oracle_all (strict, why, sizeof why) != good) {
    printf ("%s (%s): %s\n", program, strict ? "strict" : "weak", why);
    assert (!"the oracle is wrong");
  }
  assert (good == (why[0] == '\0'));
}

static void
test_good (void)
{
  static const char *const good[] = {
    "",
    "rRi",
    "aArRa",
    "arRiA", /* concurrent: either */
    "arRaA",
    "abABrRa", /* concurrent writes: any order */
    "abABrRb",
    "a!ArRirRa",   /* failed: later */
    "a!ArRi",      /* or never */
    "a!AbBrRbrRa", /* even after another one */
    "zZrR0",
    "zaZArR0",
    "zaZArRa",
    "tTrRi", /* a trim may do nothing */
    "tTrR0",
    "z!ZrRirR0",
    "z?ZrRi",
    "a?ArRi",
    "aAzZbByYrR0",
    "rasSiARi", /* a long read saw the beginning */
    "rasSaARi", /* and was early, before a took effect */
    "a",        /* never answered */
    "arRarRa",
    "zZarRalL0A", /* a look may be old */
  };

  for (unsigned i = 0; i < ARRAY_LENGTH (good); i++) {
    expect (good[i], true, true);
    expect (good[i], false, true);
  }
}

/* Wrong in both modes. */
static void
test_bad (void)
{
  static const char *const bad[] = {
    "rRx",                         /* from nowhere */
    "aArRi",                       /* lost write */
    "aAbBrRa",                     /* stale */
    "rR0",                         /* zero from nowhere */
    "zZaArR0",                     /* stale zero */
    "z?ZrR0",                      /* refused, and done all the same */
    "a?ArRa",  "tTaArR0", "zZrRi", /* lost zero */
    "aAzZrRa", "zZaAlL0",          /* but not so old */
    "lL0",
  };

  for (unsigned i = 0; i < ARRAY_LENGTH (bad); i++) {
    expect (bad[i], true, false);
    expect (bad[i], false, false);
  }
}

/* Wrong only if it must be linearizable. */
static void
test_not_linearizable (void)
{
  static const char *const bad[] = {
    "arRarRiA",      /* new, then old, while the write runs */
    "a!ArRarRi",     /* the same with one that failed */
    "abABrRarRbrRa", /* back and forth */
    "zrR0rRiZ",      /* the same with zeroes */
    "aAzrR0rRaZ",    "aAz!ZrRarR0rRa", "aAtrR0rRaT",
  };

  for (unsigned i = 0; i < ARRAY_LENGTH (bad); i++) {
    expect (bad[i], true, false);
    expect (bad[i], false, true);
  }
}

static void
test_read_before_write (void)
{
  char why[256];
  unsigned read, write;

  history_begin (1, VALUE_INITIAL);
  read = history_start (HISTORY_READ, 0, 1);
  history_saw (read, 0, VALUE_FIRST + 1);
  history_finish (read, HISTORY_DONE);
  write = history_start (HISTORY_WRITE, 0, 1);
  history_finish (write, HISTORY_DONE);
  assert (!oracle_all (true, why, sizeof why));
  assert (!oracle_all (false, why, sizeof why));
}

static void
expect_durable (const char *program, char value, bool good)
{
  uint64_t covered;

  play (program, VALUE_INITIAL);
  history_covered (&covered);
  assert (history_is_durable (0, value_of (value), covered) == good);
}

static void
test_durable (void)
{
  expect_durable ("", 'i', true);
  expect_durable ("", '0', false);
  expect_durable ("", 'x', false);
  expect_durable ("aA", 'a', true);
  expect_durable ("aA", 'i', false); /* an answered write is missing */
  expect_durable ("a", 'i', true);   /* not answered: either */
  expect_durable ("a", 'a', true);
  expect_durable ("aAbB", 'a', false);
  expect_durable ("abAB", 'a', true); /* concurrent */
  expect_durable ("aAb", 'a', true);
  expect_durable ("aAb", 'b', true);
  expect_durable ("a?A", 'a', false);
  expect_durable ("zZ", 'i', false);
  expect_durable ("zZ", '0', true);
  expect_durable ("zZaA", '0', false);
  expect_durable ("zaZA", '0', true);
  expect_durable ("tT", 'i', true); /* a trim promises nothing */
  expect_durable ("tT", '0', true);
  expect_durable ("z?Z", '0', false);
}

static void
test_stamp (void)
{
  unsigned char sector[STAMP_SECTOR];
  uint64_t value;

  stamp_write (sector, 7, 42);
  assert (stamp_read (sector, 7, &value) && value == 42);
  assert (!stamp_read (sector, 8, &value)); /* misplaced */
  for (unsigned i = 0; i < STAMP_SECTOR; i++) {
    sector[i] ^= 1;
    assert (!stamp_read (sector, 7, &value) || value != 42);
    sector[i] ^= 1;
  }
  memset (sector + 256, 0, 256); /* torn */
  assert (!stamp_read (sector, 7, &value));
  stamp_write (sector, 7, VALUE_ZERO);
  assert (stamp_read (sector, 7, &value) && value == VALUE_ZERO);
  sector[511] = 1;
  assert (!stamp_read (sector, 7, &value));
}

int
main (void)
{
  test_good ();
  test_bad ();
  test_not_linearizable ();
  test_read_before_write ();
  test_durable ();
  test_stamp ();
  puts ("good");
  return 0;
}
