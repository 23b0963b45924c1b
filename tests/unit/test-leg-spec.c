/* SPDX-License-Identifier: BSD-3-Clause */
/* What a disk= value names, and which values are refused. */
#include <stdbool.h>

#include "ground/util.h"
#include "logic/leg-spec.h"
#include "logic/leg-uri.h"
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
  "./nbd:localhost:10809",
  "nbd-localhost:10809",
  "nbd0:1",
  "filename:x",
  "jsonx:{}",
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
  { "nbd+unix:///?socket=tmp/s", false },
  { "nbd+unix:///?socket=./s", false },
  { "nbd+unix:///?socket=%2Etmp", false },
  { "nbd+unix:///?socket=2Ftmp", false },
  { "nbd+unix:///?socket=/s&socket=s", false },
  { "nbd:///", false },
  { "nbd://h?x-socket=s&sockets=s&tls-psk-file2=s&Socket=s", false },

  { "nbds://h?tls-certificates=/etc/pki", true },
  { "nbds://h?tls-psk-file=/etc/psk", true },
  { "nbds://me@h/e?tls-psk-file=/etc/psk", true },
  { "nbds://h?tls-certificates=c", true },
  { "nbds://h?tls-psk-file=p&tls-certificates=/c", true },
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

  /* As qemu writes it, and other mistakes. */
  { "nbd:", "nbd://HOST:PORT/EXPORT" },
  { "nbd:/host", "nbd://HOST:PORT/EXPORT" },
  { "nbd:localhost:10809", "nbd://HOST:PORT/EXPORT" },
  { "NBD:localhost:10809:exportname=e", "nbd://HOST:PORT/EXPORT" },
  { "nbds:localhost:10809", "nbd://HOST:PORT/EXPORT" },
  { "nbd:unix:/tmp/s", "nbd+unix:///EXPORT?socket=PATH" },
  { "Nbd:Unix:/tmp/s:exportname=e", "nbd+unix:///EXPORT?socket=PATH" },
  { "nbd+unix:/tmp/s", "nbd+unix:///EXPORT?socket=PATH" },
  { "nbds+unix:tmp/s", "nbd+unix:///EXPORT?socket=PATH" },
  { "nbd+vsock:2:10809", "nbd+vsock://CID:PORT/EXPORT" },
  { "nbd:///host", "names no host" },
  { "nbd:///host:10809/export", "names no host" },
  { "nbds:////x?tls-psk-file=/p", "names no host" },
  { "nbd:///?socket=/tmp/s", "nbd+unix:///EXPORT?socket=PATH" },
  { "nbd://h/e?a=b&socket=/tmp/s", "nbd+unix:///EXPORT?socket=PATH" },
  { "nbd+vsock://2?socket=/tmp/s", "nbd+unix:///EXPORT?socket=PATH" },
  { "tcp:localhost:10809", "nbd://HOST:PORT/EXPORT" },
  { "TCP://localhost:10809", "nbd://HOST:PORT/EXPORT" },
  { "nbd+tcp://localhost:10809", "nbd://HOST:PORT/EXPORT" },
  { "unix:/tmp/s", "nbd+unix:///EXPORT?socket=PATH" },
  { "unix:///tmp/s", "nbd+unix:///EXPORT?socket=PATH" },
  { "vsock://2", "nbd+vsock://CID:PORT/EXPORT" },
  { "file:/tmp/disk", "the path alone" },
  { "FILE:///tmp/disk", "the path alone" },
  { "json:{\"driver\":\"nbd\"}", "a path or an NBD URI" },
  { "ssh:host:/disk", "serve it over NBD" },
  { "https:x", "serve it over NBD" },

  { "nbd+unix:///?socket=", "socket= path is empty" },
  { "nbd+unix:///?socket=&/x", "socket= path is empty" },
  { "nbd+unix:///?socket=#/x", "socket= path is empty" },
  { "nbd+unix:///?socket=%", "socket= path has a %" },
  { "nbd+unix:///?socket=%2", "socket= path has a %" },
  { "nbd+unix:///?socket=a%zz", "socket= path has a %" },
  { "nbd+unix:///?socket=/a%00b", "socket= path has a %" },
  { "nbd+unix:///?socket=/s&socket=", "socket= path is empty" },

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

  { "nbds://h?tls-certificates=", "tls-certificates= path is empty" },
  { "nbds://h?tls-certificates=/%", "tls-certificates= path has a %" },
  { "nbds://h?tls-psk-file=", "tls-psk-file= path is empty" },
  { "nbds://h?tls-psk-file=%0&tls-certificates=/c",
    "tls-psk-file= path has a %" },

  { "nbds://h?tls-certificates=/c&tls-verify-peer=false", "verify-peer" },
  { "nbds://h?tls-verify-peer=0&tls-psk-file=/p", "verify-peer" },

  { "nbds://h?a=b;tls-certificates=/c&d=e", "%3B" },
  { "nbd+unix:///?socket=/a;b", "%3B" },
  { "nbd+unix:///?;", "%3B" },
};

/* With /d as directory. */
static const struct {
  const char *value;
  const char *absolute;
} relative[] = {
  { "nbd://h/e", NULL },
  { "nbd+unix:///?socket=/s", NULL },
  { "nbd+unix:///?socket=%2fs#socket=x", NULL },
  { "nbd+unix:///?xsocket=s&socket=/s", NULL },
  { "nbd+unix:///?socket=s", "nbd+unix:///?socket=/d/s" },
  { "nbd+unix:///?socket=./s", "nbd+unix:///?socket=/d/./s" },
  { "nbd+unix:///?socket=%2e%2Fs", "nbd+unix:///?socket=/d/%2e%2Fs" },
  { "nbd+unix:///?socket=a?b#c", "nbd+unix:///?socket=/d/a?b#c" },
  { "nbd+unix:///e?a=b&socket=s&c=d", "nbd+unix:///e?a=b&socket=/d/s&c=d" },
  { "nbd+unix://?socket=s&socket=t", "nbd+unix://?socket=/d/s&socket=/d/t" },
  { "nbds://h?tls-psk-file=p", "nbds://h?tls-psk-file=/d/p" },
  { "nbds://h?tls-certificates=c&tls-psk-file=/p",
    "nbds://h?tls-certificates=/d/c&tls-psk-file=/p" },
};

START_TEST (relative_paths_become_absolute)
{
  const char *value = relative[_i].value;
  const char *wanted
    = relative[_i].absolute != NULL ? relative[_i].absolute : value;
  char text[80];

  ck_assert_uint_eq (uri_absolute (value, "/d", text, sizeof text),
                     strlen (wanted));
  ck_assert_str_eq (text, wanted);
  /* And where there is no room. */
  memset (text, 'x', sizeof text);
  ck_assert_uint_eq (uri_absolute (value, "/d", text, 6), strlen (wanted));
  ck_assert_int_eq (strncmp (text, wanted, 5), 0);
  ck_assert_int_eq (text[5], '\0');
  ck_assert_int_eq (text[6], 'x');
  ck_assert_uint_eq (uri_absolute (value, "/d", NULL, 0), strlen (wanted));
}
END_TEST

/* Whatever the directory is called, it comes back. */
START_TEST (directories_are_encoded)
{
  static const char directory[] = "/a b/&c=d/#?;%41+\xc3\xa4\"'";
  char text[200], path[200];
  struct leg_spec spec;

  uri_absolute ("nbd+unix:///?socket=s%20t", directory, text, sizeof text);
  ck_assert_pstr_eq (leg_spec_parse (text, &spec), NULL);
  ck_assert (uri_path (text, "socket", path, sizeof path));
  ck_assert_int_eq (strncmp (path, directory, strlen (directory)), 0);
  ck_assert_str_eq (path + strlen (directory), "/s t");
  ck_assert (!uri_path (text, "socket", path, strlen (path)));
  ck_assert (!uri_path (text, "tls-psk-file", path, sizeof path));
}
END_TEST

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
  tcase_add_loop_test (tcase, relative_paths_become_absolute, 0,
                       ARRAY_LENGTH (relative));
  tcase_add_test (tcase, directories_are_encoded);
  tcase_add_loop_test (tcase, what_cannot_work_is_refused_with_its_reason, 0,
                       ARRAY_LENGTH (bad));
}

int
main (void)
{
  return unit_main ("leg-spec", add_tests);
}
