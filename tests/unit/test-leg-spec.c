/* SPDX-License-Identifier: BSD-3-Clause */
/* What a disk= value names, and which values are refused. */
#include <stdbool.h>

#include "ground/util.h"
#include "logic/leg-spec.h"
#include "unit.h"

static const char *const files[] = {
  "disk",
  "./disk",
  "/dev/vda",
  "./a=b",
  "./a:b",
  "a:b",
  "a:/b",
  "nbd",
  "nbd:",
  "nbd:/",
  "nbd:localhost:10809",
  "nbd:unix:/tmp/s",
  "://x",
  "./nbd://localhost",
  "/tmp/nbd://localhost",
  "dir/http://x",
  "a_b://x",
  " nbd://x",
  "[fe80::1]",
  "socket=/tmp/s",
  "?#&;%",
  "\xc3\xa4://x",
};

static const struct {
  const char *value;
  bool tls;
} uris[] = {
  { "nbd://localhost", false },
  { "nbd://localhost/", false },
  { "nbd://localhost:10810/export", false },
  { "nbd://[::1]:10810/export", false },
  { "nbd://", false },
  { "NBD://localhost", false },
  { "nbd://localhost/http://x", false },
  { "nbd+vsock://2", false },
  { "nbd+vsock:///", false },
  { "nbd+unix:///?socket=/tmp/s", false },
  { "nbd+unix://?socket=/tmp/s", false },
  { "nbd+unix:///export?socket=/tmp/s", false },
  { "nbd+unix:///?socket=%2Ftmp/s", false },
  { "nbd+unix:///?socket=%2ftmp%2Fs", false },
  { "nbd+unix:///?a=b&socket=/tmp/s", false },
  { "nbd+unix:///?&&socket=/tmp/s&", false },
  { "nbd+unix:///?socket=/tmp/a=b?c", false },
  { "nbd+unix:///?socket=/tmp/s#fragment;", false },
  { "nbd+unix:///a;b?socket=/tmp/s", false },
  { "nbd+unix:///?socket=/tmp/a%3Bb", false },
  { "Nbd+UNIX:///?socket=/tmp/s", false },
  { "nbd://h?x-socket=s&sockets=s&tls-psk-file2=s&Socket=s", false },

  { "nbds://h?tls-certificates=/etc/pki", true },
  { "nbds://h?tls-psk-file=/etc/psk", true },
  { "nbds://me@h/e?tls-psk-file=/etc/psk", true },
  { "nbds://h?tls-psk-file=/etc/psk&tls-certificates=/etc/pki", true },
  { "nbds://h?tls-certificates=%2Fetc%2Fpki", true },
  { "NBDS://h?tls-psk-file=%2fetc/psk", true },
  { "nbds+vsock://2?tls-psk-file=/etc/psk", true },
  { "nbds+unix:///?socket=/s&tls-psk-file=/etc/psk", true },
  { "nbds+unix:///?tls-psk-file=/etc/psk&socket=/s", true },
  { "nbds+unix://me@/?socket=/s&tls-psk-file=/p&tls-certificates=/c", true },
};

/* The message must contain @about. */
static const struct {
  const char *value;
  const char *about;
} bad[] = {
  { "", "empty" },

  { "http://localhost", "scheme" },
  { "HTTPS://localhost", "scheme" },
  { "ssh://localhost", "scheme" },
  { "nbd+ssh://localhost", "scheme" },
  { "nbd+tcp://localhost", "scheme" },
  { "nbdx://localhost", "scheme" },
  { "nb://localhost", "scheme" },
  { "nbd+://localhost", "scheme" },
  { "nbds+uni://x?socket=/s", "scheme" },
  { "file:///tmp/disk", "scheme" },
  { "9p://x", "scheme" },
  { "a-b.c+d://x", "scheme" },

  { "nbd+unix:///?socket=tmp/s", "socket= path" },
  { "nbd+unix:///?socket=./s", "socket= path" },
  { "nbd+unix:///?socket=", "socket= path" },
  { "nbd+unix:///?socket=%2Etmp", "socket= path" },
  { "nbd+unix:///?socket=%", "socket= path" },
  { "nbd+unix:///?socket=%2", "socket= path" },
  { "nbd+unix:///?socket=2Ftmp", "socket= path" },
  { "nbd+unix:///?socket=&/x", "socket= path" },
  { "nbd+unix:///?socket=/s&socket=s", "socket= path" },

  { "nbd+unix:///", "needs socket=" },
  { "nbd+unix:///?", "needs socket=" },
  { "nbd+unix:///tmp/s", "needs socket=" },
  { "nbd+unix:///socket=/tmp/s", "needs socket=" },
  { "nbd+unix:///?socket", "needs socket=" },
  { "nbd+unix:///?xsocket=/s", "needs socket=" },
  { "nbd+unix:///#?socket=/s", "needs socket=" },
  { "nbd+unix:///?a#&socket=/s", "needs socket=" },
  { "nbds+unix:///?tls-psk-file=/etc/psk", "needs socket=" },

  { "nbds://h", "tls-certificates= or tls-psk-file=" },
  { "nbds://h/tls-psk-file=/etc/psk", "tls-certificates= or tls-psk-file=" },
  { "nbds://h?tls-psk-file", "tls-certificates= or tls-psk-file=" },
  { "nbds://h#?tls-psk-file=/p", "tls-certificates= or tls-psk-file=" },
  { "nbds://h?x=tls-psk-file=/p", "tls-certificates= or tls-psk-file=" },
  { "NBDS://h", "tls-certificates= or tls-psk-file=" },
  { "nbds+vsock://2", "TLS needs tls-psk-file=" },
  { "nbds+unix:///?socket=/s", "TLS needs tls-psk-file=" },
  { "nbds+vsock://2?tls-certificates=/c", "over TCP only" },
  { "nbds+unix:///?socket=/s&tls-certificates=/c", "over TCP only" },

  { "nbds://h?tls-certificates=c", "tls-certificates= path" },
  { "nbds://h?tls-certificates=", "tls-certificates= path" },
  { "nbds://h?tls-psk-file=p", "tls-psk-file= path" },
  { "nbds://h?tls-psk-file=", "tls-psk-file= path" },
  { "nbds://h?tls-psk-file=p&tls-certificates=/c", "tls-psk-file= path" },
  { "nbds://h?tls-psk-file=/p&tls-certificates=c", "tls-certificates= path" },

  { "nbds://h?tls-certificates=/c&tls-verify-peer=false", "verify-peer" },
  { "nbds://h?tls-verify-peer=0&tls-psk-file=/p", "verify-peer" },

  { "nbds://h?a=b;tls-certificates=/c&d=e", "%3B" },
  { "nbd+unix:///?socket=/a;b", "%3B" },
  { "nbd+unix:///?;", "%3B" },
};

START_TEST (paths_are_files)
{
  struct leg_spec spec = { .kind = LEG_KIND_NBD, .tls = true };

  ck_assert_pstr_eq (leg_spec_parse (files[_i], &spec), NULL);
  ck_assert_int_eq (spec.kind, LEG_KIND_FILE);
  ck_assert (!spec.tls);
}
END_TEST

START_TEST (uris_are_nbd)
{
  struct leg_spec spec = { .kind = LEG_KIND_FILE, .tls = !uris[_i].tls };

  ck_assert_pstr_eq (leg_spec_parse (uris[_i].value, &spec), NULL);
  ck_assert_int_eq (spec.kind, LEG_KIND_NBD);
  ck_assert_int_eq (spec.tls, uris[_i].tls);
}
END_TEST

START_TEST (what_cannot_work_is_refused_with_its_reason)
{
  struct leg_spec spec = { .kind = LEG_KIND_FILE, .tls = true };
  const char *wrong = leg_spec_parse (bad[_i].value, &spec);

  ck_assert_msg (wrong != NULL, "%s is accepted", bad[_i].value);
  ck_assert_msg (strstr (wrong, bad[_i].about) != NULL, "%s: %s",
                 bad[_i].value, wrong);
  ck_assert_int_eq (spec.kind, LEG_KIND_FILE);
  ck_assert (spec.tls);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_loop_test (tcase, paths_are_files, 0, ARRAY_LENGTH (files));
  tcase_add_loop_test (tcase, uris_are_nbd, 0, ARRAY_LENGTH (uris));
  tcase_add_loop_test (tcase, what_cannot_work_is_refused_with_its_reason, 0,
                       ARRAY_LENGTH (bad));
}

int
main (void)
{
  return unit_main ("leg-spec", add_tests);
}
