/* SPDX-License-Identifier: BSD-3-Clause */
/* What the errors of legs mean. */
#include <errno.h>

#include "ground/limits.h"
#include "ground/util.h"
#include "legs/leg-open.h"
#include "unit.h"

static const int nobody_there[] = { ENOENT, ETIMEDOUT, EHOSTDOWN };
static const int dead_device[] = { ENXIO, ENODEV, ENOMEDIUM, EIO, ESTALE };
static const int dead_server[]
  = { ECONNREFUSED, ECONNRESET, EHOSTUNREACH, ENETDOWN,
      ENETUNREACH,  ENOTCONN,   EPIPE,        ESHUTDOWN };

/* In use, no right to it, no disk at all, a mistake in the name, ours. */
static const int somebody_there[]
  = { 0,       EBUSY,  EACCES, EPERM,  EROFS,  EISDIR, EINVAL,
      ENOTDIR, ELOOP,  ENOMEM, EMFILE, EAGAIN, ENOTSUP, ENAMETOOLONG };

START_TEST (who_is_not_there_is_missing)
{
  for (size_t i = 0; i < ARRAY_LENGTH (nobody_there); i++) {
    ck_assert (leg_error_is_missing_file (-nobody_there[i]));
    ck_assert (leg_error_is_missing_server (-nobody_there[i], false));
    ck_assert (leg_error_is_missing_server (-nobody_there[i], true));
  }
}
END_TEST

START_TEST (a_device_and_a_server_die_in_different_ways)
{
  for (size_t i = 0; i < ARRAY_LENGTH (dead_device); i++) {
    ck_assert (leg_error_is_missing_file (-dead_device[i]));
    ck_assert (!leg_error_is_missing_server (-dead_device[i], false));
  }
  for (size_t i = 0; i < ARRAY_LENGTH (dead_server); i++) {
    ck_assert (!leg_error_is_missing_file (-dead_server[i]));
    ck_assert (leg_error_is_missing_server (-dead_server[i], true));
  }
}
END_TEST

START_TEST (who_cannot_be_used_is_not_missing)
{
  for (size_t i = 0; i < ARRAY_LENGTH (somebody_there); i++) {
    ck_assert (!leg_error_is_missing_file (-somebody_there[i]));
    ck_assert (!leg_error_is_missing_server (-somebody_there[i], false));
    ck_assert (!leg_error_is_missing_server (-somebody_there[i], true));
  }
}
END_TEST

START_TEST (who_did_not_prove_who_it_is_is_not_missing)
{
  ck_assert (leg_error_is_missing_server (-EPROTO, false));
  ck_assert (!leg_error_is_missing_server (-EPROTO, true));
  ck_assert (!leg_error_is_missing_file (-EPROTO));
}
END_TEST

START_TEST (the_text_decides_which_errors_are_missing)
{
  const char *tls = "nbds+unix://a@/?socket=s&tls-psk-file=k";

  ck_assert (leg_open_is_missing ("/dev/sdz", -EIO));
  ck_assert (!leg_open_is_missing ("/dev/sdz", -ECONNREFUSED));
  ck_assert (leg_open_is_missing ("nbd://host", -ECONNREFUSED));
  ck_assert (!leg_open_is_missing ("nbd://host", -EIO));
  ck_assert (leg_open_is_missing ("nbd://host", -EPROTO));
  ck_assert (!leg_open_is_missing (tls, -EPROTO));
  ck_assert (!leg_open_is_missing ("http://host", -ENOENT));
}
END_TEST

/* It may come from a socket, long after the start. */
START_TEST (a_text_that_names_no_disk_is_refused)
{
  static const char *const texts[]
    = { "", "disk.img", "http://host/disk", "nbd:host:10809", "/" };
  const struct leg_open_ways ways
    = { .patience = { .timeout_ns = 1, .flush_timeout_ns = 1 } };

  for (size_t i = 0; i < ARRAY_LENGTH (texts); i++) {
    char why[MESSAGE_MAX];
    struct leg *leg = NULL;
    int r = leg_open (texts[i], &ways, &leg, why);

    ck_assert_msg (r < 0 && why[0] != '\0', "%s", texts[i]);
    ck_assert_ptr_null (leg);
    ck_assert (!leg_open_is_missing (texts[i], r));
  }
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, who_is_not_there_is_missing);
  tcase_add_test (tcase, a_device_and_a_server_die_in_different_ways);
  tcase_add_test (tcase, who_cannot_be_used_is_not_missing);
  tcase_add_test (tcase, who_did_not_prove_who_it_is_is_not_missing);
  tcase_add_test (tcase, the_text_decides_which_errors_are_missing);
  tcase_add_test (tcase, a_text_that_names_no_disk_is_refused);
}

int
main (void)
{
  return unit_main ("leg", add_tests);
}
