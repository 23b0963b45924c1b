/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages reach the sink whole, and leave errno alone. */
#include <errno.h>
#include <unistd.h>

#include "ground/limits.h"
#include "ground/log.h"
#include "unit.h"

static enum log_level seen_level;
static char seen[2 * MESSAGE_MAX];
static unsigned seen_count;

static void
note_message (enum log_level level, const char *message)
{
  seen_level = level;
  snprintf (seen, sizeof seen, "%s", message);
  seen_count++;
  errno = ENOTTY;
}

static void
setup (void)
{
  seen_count = 0;
  log_set_sink (note_message);
}

static void
teardown (void)
{
  log_set_sink (NULL);
}

START_TEST (the_sink_gets_level_and_text)
{
  log_error ("disk %d: %s", 7, "gone");
  ck_assert_uint_eq (seen_count, 1);
  ck_assert_int_eq (seen_level, LOG_LEVEL_ERROR);
  ck_assert_str_eq (seen, "disk 7: gone");

  log_notice ("%d disks", 2);
  ck_assert_uint_eq (seen_count, 2);
  ck_assert_int_eq (seen_level, LOG_LEVEL_NOTICE);
  ck_assert_str_eq (seen, "2 disks");

  log_debug ("%s", "100% sure");
  ck_assert_uint_eq (seen_count, 3);
  ck_assert_int_eq (seen_level, LOG_LEVEL_DEBUG);
  ck_assert_str_eq (seen, "100% sure");
}
END_TEST

/* However often it comes in a day, it is said at once and then less and less
 * often; another reason is said at once, too.
 */
START_TEST (what_is_repeated_is_said_with_pauses)
{
  const uint64_t second = 1000000000;
  struct log_repeats repeats = { 0 };
  unsigned hour;

  ck_assert (log_error_repeats (&repeats, 5, -EIO, "write: %d", 5));
  ck_assert_str_eq (seen, "write: 5");
  ck_assert (!log_error_repeats (&repeats, 6, -EIO, "write: %d", 5));
  ck_assert (log_error_repeats (&repeats, 6, -ENOSPC, "write: full"));
  ck_assert_uint_eq (seen_count, 2);

  ck_assert (log_error_repeats (&repeats, 60 * second + 5, -EIO, "write"));
  ck_assert_str_eq (seen, "write; and 1 times more since this was last reported");
  for (uint64_t at = 61; at < 24 * 3600; at++)
    log_error_repeats (&repeats, at * second, -EIO, "write");
  ck_assert_uint_le (seen_count, 3 + 6 + 24);
  hour = seen_count;
  for (uint64_t at = 24 * 3600; at < 25 * 3600; at++)
    log_error_repeats (&repeats, at * second, -EIO, "write");
  ck_assert_uint_eq (seen_count, hour + 1);
}
END_TEST

START_TEST (errno_stays)
{
  errno = EXDEV;
  log_error ("something");
  ck_assert_int_eq (errno, EXDEV);
  log_debug ("something");
  ck_assert_int_eq (errno, EXDEV);
}
END_TEST

START_TEST (a_message_is_one_line_that_no_terminal_obeys)
{
  log_error ("disk %s: %s", "a\nb\x1b[m\xff", "\u00fc");
  ck_assert_str_eq (seen, "disk a\\nb\\x1b[m\\xff: \u00fc");
}
END_TEST

START_TEST (a_long_message_is_cut)
{
  char text[2 * MESSAGE_MAX];

  memset (text, 'x', sizeof text);
  text[sizeof text - 1] = '\0';
  log_error ("%s", text);
  ck_assert_uint_eq (strlen (seen), MESSAGE_MAX - 1);

  text[MESSAGE_MAX - 1] = '\0';
  log_error ("%s", text);
  ck_assert_str_eq (seen, text);
}
END_TEST

/* What arrives on stderr while @tell runs. */
static void
capture_stderr (void (*tell) (void), char *ret, size_t size)
{
  int saved = dup (STDERR_FILENO);
  FILE *file = tmpfile ();
  size_t length;

  ck_assert_int_ge (saved, 0);
  ck_assert_ptr_nonnull (file);
  fflush (stderr);
  ck_assert_int_ge (dup2 (fileno (file), STDERR_FILENO), 0);
  tell ();
  fflush (stderr);
  dup2 (saved, STDERR_FILENO);
  close (saved);
  rewind (file);
  length = fread (ret, 1, size - 1, file);
  ret[length] = '\0';
  fclose (file);
}

static void
tell_two (void)
{
  log_error ("first %d", 1);
  log_debug ("second %d", 2);
}

START_TEST (without_a_sink_messages_go_to_stderr)
{
  char text[200];

  log_set_sink (NULL);
  capture_stderr (tell_two, text, sizeof text);
  ck_assert_str_eq (text, "mirror: first 1\nmirror: debug: second 2\n");
  ck_assert_uint_eq (seen_count, 0);
}
END_TEST

START_TEST (errors_have_words)
{
  ck_assert_str_eq (log_strerror (-EIO), "Input/output error");
  ck_assert_str_eq (log_strerror (-ENOSPC), "No space left on device");
  ck_assert_str_eq (log_strerror (-99999), "unknown error");
  ck_assert_str_eq (log_strerror (99999), "unknown error");
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_checked_fixture (tcase, setup, teardown);
  tcase_add_test (tcase, the_sink_gets_level_and_text);
  tcase_add_test (tcase, what_is_repeated_is_said_with_pauses);
  tcase_add_test (tcase, errno_stays);
  tcase_add_test (tcase, a_message_is_one_line_that_no_terminal_obeys);
  tcase_add_test (tcase, a_long_message_is_cut);
  tcase_add_test (tcase, without_a_sink_messages_go_to_stderr);
  tcase_add_test (tcase, errors_have_words);
}

int
main (void)
{
  return unit_main ("log", add_tests);
}
