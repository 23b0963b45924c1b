/* SPDX-License-Identifier: BSD-3-Clause */
/* Remote legs: against nbdkit with its filters, stopped and killed, and
 * against a server that misbehaves in every way (tiny-nbd.h).
 *
 * Everything is done over Unix sockets in a folder of its own.  Without
 * nbdkit in PATH its part is left out.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "legs/leg-nbd-internal.h"
#include "tests/unit/leg-caller.h"
#include "tests/unit/tiny-nbd.h"

#define MIB (UINT64_C (1024) * 1024)
#define SIZE (4 * MIB)
#define HOUR (3600 * GROUND_S)
#define LOADERS 16
#define CONNECTIONS 2

static char root[48]; /* of all tests, so that failed ones leave nothing */
static char folder[64];

static void
make_root (void)
{
  const char *parent = getenv ("TMPDIR");

  /* The name of a socket is at most 107 bytes. */
  folder_make (root, sizeof root,
               parent && strlen (parent) < 30 ? parent : "/tmp");
  ck_assert_int_eq (chmod (root, 0755), 0);
}

static void
remove_root (void)
{
  folder_remove (root);
}

static void
make_folder (void)
{
  folder_make (folder, sizeof folder, root);
}

static void
remove_folder (void)
{
  folder_remove (folder);
}

static const char *
uri_of (const char *path)
{
  static char uri[256];

  snprintf (uri, sizeof uri, "nbd+unix:///?socket=%s", path);
  return uri;
}

static struct leg *
open_patient (const char *uri, uint64_t timeout_ns, uint64_t flush_timeout_ns)
{
  struct leg *leg = NULL;
  char why[MESSAGE_MAX];
  const struct leg_nbd_patience patience
    = { .timeout_ns = timeout_ns, .flush_timeout_ns = flush_timeout_ns };
  int r = leg_nbd_open (uri, &patience, CONNECTIONS, &leg, why);

  ck_assert_msg (r == 0, "%s: %s", uri, why);
  ck_assert_int_eq (leg->rank, LEG_REMOTE);
  return leg;
}

static struct leg *
open_uri (const char *uri, uint64_t timeout_ns)
{
  return open_patient (uri, timeout_ns, timeout_ns);
}

static void
check_refused (const char *uri, uint64_t timeout_ns, const char *phrase)
{
  struct leg *leg = NULL;
  char why[MESSAGE_MAX];
  const struct leg_nbd_patience patience
    = { .timeout_ns = timeout_ns, .flush_timeout_ns = timeout_ns };
  int r = leg_nbd_open (uri, &patience, CONNECTIONS, &leg, why);

  ck_assert_int_lt (r, 0);
  ck_assert_ptr_null (leg);
  ck_assert_msg (strstr (why, phrase) != NULL, "'%s' lacks '%s'", why, phrase);
  ck_assert_ptr_null (strchr (why, '\n'));
  ck_assert_ptr_null (strstr (why, "nbd_aio"));
}

static bool
is_gone (int error)
{
  return error == -ENOTCONN || error == -ETIMEDOUT;
}

/* ------------------------------------------------------------------ nbdkit */

static bool
has_nbdkit (void)
{
  if (system ("nbdkit --version >/dev/null 2>&1") == 0)
    return true;
  printf ("no nbdkit: left out\n");
  return false;
}

/* nbdkit on a socket that listens already, so that nobody has to wait for
 * it.  Ends with this process at the latest.
 */
static pid_t
start_nbdkit (const char *path, const char *const *arguments)
{
  const char *argv[16] = { "nbdkit" };
  int listener = tiny_listen (path);
  unsigned n = 1;
  char number[16];
  pid_t pid;

  for (; *arguments != NULL; arguments++)
    argv[n++] = *arguments;
  ck_assert_uint_lt (n, ARRAY_LENGTH (argv));
  pid = fork ();
  ck_assert_int_ne (pid, -1);
  if (pid == 0) {
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    if (listener == 3)
      fcntl (3, F_SETFD, 0);
    else
      dup2 (listener, 3);
    snprintf (number, sizeof number, "%d", (int)getpid ());
    setenv ("LISTEN_PID", number, 1);
    setenv ("LISTEN_FDS", "1", 1);
    execvp ("nbdkit", (char **)argv);
    _exit (127);
  }
  close (listener);
  return pid;
}

static void
stop_nbdkit (pid_t pid)
{
  kill (pid, SIGKILL);
  ck_assert_int_eq (waitpid (pid, NULL, 0), pid);
}

/* Asked to stop is not stopped. */
static void
freeze_nbdkit (pid_t pid)
{
  int status;

  kill (pid, SIGSTOP);
  ck_assert_int_eq (waitpid (pid, &status, WUNTRACED), pid);
  ck_assert (WIFSTOPPED (status));
}

#define NBDKIT(...) start_nbdkit (socket_path (), ARGUMENTS (__VA_ARGS__))
#define ARGUMENTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const char *
socket_path (void)
{
  static char path[108];

  snprintf (path, sizeof path, "%s/sock", folder);
  return path;
}

static struct leg *
open_started (uint64_t timeout_ns)
{
  struct leg *leg = open_uri (uri_of (socket_path ()), timeout_ns);

  ck_assert_int_eq (leg->ops->start (leg), 0);
  return leg;
}

START_TEST (what_a_server_can_do_is_learned)
{
  struct leg *leg;
  pid_t pid;

  if (!has_nbdkit ())
    return;
  pid = NBDKIT ("memory", "4M");
  leg = open_started (HOUR);
  ck_assert_uint_eq (leg->caps.size, SIZE);
  ck_assert_uint_eq (leg->caps.block_minimum, 1);
  ck_assert_uint_eq (leg->caps.request_max, NBD_REQUEST_DEFAULT_MAX);
  ck_assert_uint_eq (leg->caps.memory_alignment, 1);
  ck_assert (leg->caps.fua && leg->caps.extents && !leg->caps.readonly);
  ck_assert (leg->ops->can_zero (leg, CHILD_FAST));
  leg->ops->close (leg);
  stop_nbdkit (pid);
}
END_TEST

START_TEST (what_a_server_cannot_do_is_learned_too)
{
  struct leg *leg;
  pid_t pid;
  char byte;

  if (!has_nbdkit ())
    return;
  pid = NBDKIT ("-r", "--no-sr", "--filter=nozero", "--filter=blocksize-policy",
                "memory", "4100K", "blocksize-minimum=8192",
                "blocksize-preferred=65536", "blocksize-maximum=1M");
  leg = open_started (HOUR);
  ck_assert_uint_eq (leg->caps.size, SIZE); /* whole blocks */
  ck_assert_uint_eq (leg->caps.block_minimum, 8192);
  ck_assert_uint_eq (leg->caps.block_preferred, 65536);
  ck_assert_uint_eq (leg->caps.request_max, MIB);
  ck_assert (leg->caps.readonly && !leg->caps.extents);
  ck_assert (!leg->ops->can_zero (leg, 0));
  ck_assert_int_eq (call_leg (leg, CHILD_ZERO, 0, NULL, 8192, 0), -EOPNOTSUPP);
  /* Unaligned is our own fault: told here, and the leg lives on. */
  ck_assert_int_eq (call_leg (leg, CHILD_READ, 0, &byte, 1, 0), -EINVAL);
  ck_assert_int_eq (call_leg (leg, CHILD_FLUSH, 0, NULL, 0, 0), 0);
  leg->ops->close (leg);
  stop_nbdkit (pid);
}
END_TEST

START_TEST (random_operations_give_what_a_plain_array_gives)
{
  uint64_t state = unit_seed ("random operations");
  char *model = calloc (1, SIZE), *buffer = malloc (CALL_RANDOM_BYTES);
  struct leg *leg;
  pid_t pid;

  if (has_nbdkit ()) {
    pid = NBDKIT ("memory", "4M");
    leg = open_started (HOUR);
    for (unsigned i = 0; i < 2000; i++)
      call_random (leg, model, SIZE, buffer, &state);
    leg->ops->close (leg);
    stop_nbdkit (pid);
  }
  free (model);
  free (buffer);
}
END_TEST

static uint64_t
number_at (const char *bytes)
{
  uint64_t number;

  memcpy (&number, bytes, sizeof number);
  return be64toh (number);
}

START_TEST (reading_before_the_start_takes_any_alignment)
{
  char *bytes = malloc (SIZE);
  struct leg *leg;
  pid_t pid;

  if (has_nbdkit ()) {
    pid = NBDKIT ("--filter=blocksize-policy", "pattern", "4M",
                  "blocksize-minimum=4096", "blocksize-maximum=65536",
                  "blocksize-error-policy=error");
    leg = open_uri (uri_of (socket_path ()), HOUR);
    ck_assert_int_eq (leg->ops->read_now (leg, bytes, SIZE, 0), 0);
    for (uint64_t i = 0; i < SIZE; i += 8)
      UNIT_CHECK (number_at (bytes + i) == i, "at %" PRIu64, i);
    /* Also across the largest request. */
    ck_assert_int_eq (leg->ops->read_now (leg, bytes, 131000, 8191), 0);
    ck_assert_uint_eq (number_at (bytes + 1), 8192);
    ck_assert_int_eq (leg->ops->read_now (leg, bytes, 8, SIZE - 8), 0);
    ck_assert_uint_eq (number_at (bytes), SIZE - 8);
    ck_assert_int_eq (leg->ops->read_now (leg, bytes, 8, SIZE - 7), -EINVAL);
    leg->ops->close (leg);
    stop_nbdkit (pid);
  }
  free (bytes);
}
END_TEST

START_TEST (extents_come_in_order_and_within_the_range)
{
  struct extent extents[4];
  struct leg *leg;
  unsigned count;
  char *data = malloc (65536);
  pid_t pid;

  memset (data, 'x', 65536);
  if (has_nbdkit ()) {
    pid = NBDKIT ("memory", "4M");
    leg = open_started (HOUR);
    ck_assert_int_eq (call_leg (leg, CHILD_WRITE, 0, data, 65536, MIB), 0);
    ck_assert_int_eq (call_extents (leg, SIZE, 0, extents, 4, &count), 0);
    ck_assert_uint_eq (count, 3);
    ck_assert_uint_eq (extents[0].length, MIB);
    ck_assert_uint_eq (extents[0].flags, EXTENT_HOLE | EXTENT_ZERO);
    ck_assert_uint_eq (extents[1].length, 65536);
    ck_assert_uint_eq (extents[1].flags, 0);
    ck_assert_int_eq (call_extents (leg, SIZE, 0, extents, 1, &count), 0);
    ck_assert_uint_eq (count, 1);
    /* The server says more than was asked. */
    ck_assert_int_eq (call_extents (leg, 100, MIB + 7, extents, 4, &count), 0);
    ck_assert_uint_eq (count, 1);
    ck_assert_uint_eq (extents[0].length, 100);
    ck_assert_uint_eq (extents[0].flags, 0);
    leg->ops->close (leg);
    stop_nbdkit (pid);
  }
  free (data);
}
END_TEST

START_TEST (an_error_of_the_server_is_passed_on_and_the_leg_lives)
{
  char data[512] = "";
  struct leg *leg;
  pid_t pid;

  if (!has_nbdkit ())
    return;
  pid = NBDKIT ("--filter=error", "memory", "4M", "error-pwrite=ENOSPC",
                "error-pwrite-rate=100%", "error-zero=EIO",
                "error-zero-rate=100%");
  leg = open_started (HOUR);
  ck_assert_int_eq (call_leg (leg, CHILD_WRITE, 0, data, 512, 0), -ENOSPC);
  ck_assert_int_eq (call_leg (leg, CHILD_ZERO, 0, NULL, 512, 0), -EIO);
  ck_assert (leg->ops->can_zero (leg, 0));
  ck_assert_int_eq (call_leg (leg, CHILD_READ, 0, data, 512, 0), 0);
  ck_assert_uint_eq (leg->generation, 0);
  leg->ops->close (leg);
  stop_nbdkit (pid);
}
END_TEST

START_TEST (the_server_refuses_the_export)
{
  char uri[256];
  pid_t pid;

  if (!has_nbdkit ())
    return;
  pid = NBDKIT ("eval", "open=[ \"$3\" = yes ] || { echo ENOENT >&2; exit 1; }",
                "get_size=echo 1024");
  snprintf (uri, sizeof uri, "nbd+unix:///no?socket=%s", socket_path ());
  check_refused (uri, HOUR, "check the export name");
  stop_nbdkit (pid);
}
END_TEST

START_TEST (an_encrypted_leg_works_and_dies_like_a_plain_one)
{
  char keys[128], uri[512], option[160], data[4096] = "secret", back[4096];
  struct leg *leg;
  FILE *stream;
  pid_t pid;

  if (!has_nbdkit () || !leg_nbd_library_has_tls ()
      || system ("nbdkit --dump-config | grep -q ^tls=yes") != 0)
    return;
  snprintf (keys, sizeof keys, "%s/keys", folder);
  stream = fopen (keys, "we");
  fputs ("alice:00112233445566778899aabbccddeeff"
         "00112233445566778899aabbccddeeff\n",
         stream);
  fclose (stream);
  snprintf (option, sizeof option, "--tls-psk=%s", keys);
  pid = NBDKIT ("--tls=require", option, "memory", "4M");
  snprintf (uri, sizeof uri, "nbds+unix://alice@/?socket=%s&tls-psk-file=%s",
            socket_path (), keys);
  leg = open_uri (uri, GROUND_S);
  ck_assert_int_eq (leg->ops->start (leg), 0);
  ck_assert_int_eq (call_leg (leg, CHILD_WRITE, CHILD_FUA, data, 4096, 0), 0);
  ck_assert_int_eq (call_leg (leg, CHILD_READ, 0, back, 4096, 0), 0);
  ck_assert_mem_eq (data, back, 4096);
  freeze_nbdkit (pid);
  ck_assert_int_eq (call_leg (leg, CHILD_READ, 0, back, 4096, 0), -ETIMEDOUT);
  ck_assert_int_eq (call_leg (leg, CHILD_READ, 0, back, 4096, 0), -ENOTCONN);
  leg->ops->close (leg);
  stop_nbdkit (pid);
}
END_TEST

/* The server's way: opened by one process, used by its child. */
START_TEST (a_leg_opened_before_a_fork_serves_after_it)
{
  char data[512] = "";
  struct leg *leg;
  int status;
  pid_t pid, daemon;

  if (!has_nbdkit ())
    return;
  pid = NBDKIT ("memory", "4M");
  leg = open_uri (uri_of (socket_path ()), HOUR);
  ck_assert_int_eq (leg->ops->read_now (leg, data, 512, 0), 0);
  daemon = fork ();
  if (daemon == 0) {
    bool good = leg->ops->start (leg) == 0
                && call_leg (leg, CHILD_WRITE, 0, data, 512, 0) == 0;

    leg->ops->close (leg);
    _exit (good ? 0 : 1);
  }
  ck_assert_int_eq (waitpid (daemon, &status, 0), daemon);
  ck_assert_int_eq (status, 0);
  /* The child's goodbye ends the connection here as well. */
  leg->ops->close (leg);
  stop_nbdkit (pid);
}
END_TEST

/* -------------------------------------------------------- dying under load */

struct load {
  struct ground_thread thread;
  struct leg *leg;
  uint64_t seed;
  _Atomic uint64_t *done;
  int error;
};

static void
load_main (void *argument)
{
  struct load *load = argument;
  char *buffer = calloc (1, 65536);

  while (load->error == 0) {
    bool is_big = unit_below (&load->seed, 8) == 0;
    uint64_t length = is_big ? 65536 : 4096;

    load->error = call_leg (
      load->leg, unit_below (&load->seed, 2) ? CHILD_WRITE : CHILD_READ, 0,
      buffer, length, unit_below (&load->seed, SIZE / length) * length);
    atomic_fetch_add (load->done, 1);
  }
  free (buffer);
}

static void
load_start (struct load *load, struct leg *leg, _Atomic uint64_t *done)
{
  uint64_t seed = unit_seed ("load");

  for (unsigned i = 0; i < LOADERS; i++) {
    load[i] = (struct load){ .leg = leg, .seed = seed + i, .done = done };
    ck_assert_int_eq (
      ground_thread_start (&load[i].thread, "load", load_main, &load[i]), 0);
  }
  /* Not waiting for a moment, but for them to be in the middle. */
  while (atomic_load (done) < 500)
    sched_yield ();
}

static unsigned
load_join (struct load *load, int error)
{
  unsigned count = 0;

  for (unsigned i = 0; i < LOADERS; i++) {
    ground_thread_join (&load[i].thread);
    ck_assert_msg (is_gone (load[i].error), "%s", strerror (-load[i].error));
    count += load[i].error == error;
  }
  return count;
}

enum end { END_KILL, END_STOP, END_ABORT, ENDS };

START_TEST (whatever_ends_it_everything_in_flight_comes_back_once)
{
  struct load load[LOADERS];
  _Atomic uint64_t done = 0;
  struct leg *leg;
  char byte;
  pid_t pid;

  if (!has_nbdkit ())
    return;
  pid = NBDKIT ("memory", "4M");
  leg = open_started (_i == END_STOP ? GROUND_S : HOUR);
  load_start (load, leg, &done);
  if (_i == END_KILL)
    kill (pid, SIGKILL);
  else if (_i == END_STOP)
    freeze_nbdkit (pid);
  else
    leg->ops->abort (leg);
  if (_i == END_STOP)
    ck_assert_uint_ge (load_join (load, -ETIMEDOUT), 1);
  else
    ck_assert_uint_eq (load_join (load, -ENOTCONN), LOADERS);

  ck_assert_uint_eq (leg->generation, 1);
  ck_assert_int_eq (call_leg (leg, CHILD_READ, 0, &byte, 1, 0), -ENOTCONN);
  ck_assert_int_eq (call_leg (leg, CHILD_FLUSH, 0, NULL, 0, 0), -ENOTCONN);
  leg->ops->abort (leg);
  leg->ops->close (leg);
  stop_nbdkit (pid);
}
END_TEST

START_TEST (an_idle_leg_notices_a_frozen_server_at_the_next_command)
{
  struct leg *leg;
  char byte;
  pid_t pid;

  if (!has_nbdkit ())
    return;
  pid = NBDKIT ("memory", "4M");
  leg = open_started (GROUND_S);
  ck_assert_int_eq (call_leg (leg, CHILD_READ, 0, &byte, 1, 0), 0);
  freeze_nbdkit (pid);
  ck_assert_int_eq (call_leg (leg, CHILD_WRITE, 0, &byte, 1, 0), -ETIMEDOUT);
  leg->ops->close (leg);
  stop_nbdkit (pid);
}
END_TEST

START_TEST (a_big_write_to_a_frozen_server_comes_back_too)
{
  char *data = calloc (1, 32 * MIB);
  struct leg *leg;
  pid_t pid;

  if (has_nbdkit ()) {
    pid = NBDKIT ("memory", "64M");
    leg = open_started (GROUND_S);
    freeze_nbdkit (pid);
    /* More than a socket holds: part of it was never sent. */
    ck_assert_int_eq (call_leg (leg, CHILD_WRITE, 0, data, 32 * MIB, 0),
                      -ETIMEDOUT);
    leg->ops->close (leg);
    stop_nbdkit (pid);
  }
  free (data);
}
END_TEST

/* More than a socket holds: the poller sends the rest. */
START_TEST (the_largest_request_goes_through)
{
  char *data = malloc (32 * MIB), *back = calloc (1, 32 * MIB);
  struct leg *leg;
  pid_t pid;

  memset (data, 'x', 32 * MIB);
  if (has_nbdkit ()) {
    pid = NBDKIT ("memory", "64M");
    leg = open_started (HOUR);
    /* Whatever the poller is doing at that moment. */
    for (unsigned i = 0; i < 50; i++) {
      ck_assert_int_eq (call_leg (leg, CHILD_READ, 0, back, 1, 0), 0);
      sched_yield ();
      ck_assert_int_eq (call_leg (leg, CHILD_WRITE, 0, data, MIB, 0), 0);
    }
    ck_assert_int_eq (call_leg (leg, CHILD_WRITE, 0, data, 32 * MIB, MIB), 0);
    ck_assert_int_eq (call_leg (leg, CHILD_READ, 0, back, 32 * MIB, MIB), 0);
    ck_assert_mem_eq (data, back, 32 * MIB);
    leg->ops->close (leg);
    stop_nbdkit (pid);
  }
  free (data);
  free (back);
}
END_TEST

/* ------------------------------------------------------------ misbehaviour */

static struct tiny
make_tiny (enum tiny_manner manner)
{
  return (struct tiny){ .manner = manner,
                        .size = SIZE,
                        .flags = TINY_FLUSH | TINY_FUA | TINY_ZERO };
}

START_TEST (who_is_not_there_is_reported_as_such)
{
  char path[128];
  int listener;

  check_refused ("nbd+unix:///?socket=/nonexistent/socket", HOUR,
                 "is the server running?");
  snprintf (path, sizeof path, "%s/sock", folder);
  listener = tiny_listen (path);
  close (listener);
  check_refused (uri_of (path), HOUR, "is the server running?");
  check_refused ("http://localhost/", HOUR, "unknown NBD URI scheme");
  check_refused ("nbd+unix:///", HOUR, "cannot connect");
}
END_TEST

START_TEST (a_server_that_fails_to_greet_is_refused)
{
  static const struct {
    enum tiny_manner manner;
    uint64_t timeout_ns;
    const char *phrase;
  } cases[] = {
    { TINY_CLOSES, HOUR, "is this an NBD server, and free?" },
    { TINY_CLOSES_LATER, HOUR, "cannot connect" },
    { TINY_WRONG_MAGIC, HOUR, "magic" },
    { TINY_SILENT, GROUND_S, "no answer within 1 s" },
    { TINY_BABBLES, GROUND_S, "" },
  };

  for (unsigned i = 0; i < ARRAY_LENGTH (cases); i++) {
    struct tiny tiny = make_tiny (cases[i].manner);

    tiny_start (&tiny, folder);
    check_refused (tiny.uri, cases[i].timeout_ns, cases[i].phrase);
    tiny_stop (&tiny);
  }
}
END_TEST

START_TEST (a_size_or_block_size_that_cannot_be_is_refused)
{
  static const struct {
    uint64_t size;
    uint32_t blocks[3];
  } cases[] = {
    { 0, { 0, 0, 0 } },
    { UINT64_MAX, { 0, 0, 0 } },
    { UINT64_MAX - 1, { 0, 0, 0 } },
    { UINT64_C (1) << 63, { 0, 0, 0 } },
    { 4095, { 4096, 4096, 65536 } },
    { SIZE, { 1, 512, 1024 } },
  };

  for (unsigned i = 0; i < ARRAY_LENGTH (cases); i++) {
    struct tiny tiny = make_tiny (TINY_GOOD);

    tiny.size = cases[i].size;
    memcpy (tiny.blocks, cases[i].blocks, sizeof tiny.blocks);
    tiny_start (&tiny, folder);
    check_refused (tiny.uri, HOUR, "");
    tiny_stop (&tiny);
  }
}
END_TEST

/* Whatever it says, the limits that we go by are sane. */
START_TEST (odd_block_sizes_never_reach_the_engine)
{
  uint64_t state = unit_seed ("block sizes");

  for (unsigned i = 0; i < 100; i++) {
    const struct leg_nbd_patience patience
      = { .timeout_ns = HOUR, .flush_timeout_ns = HOUR };
    struct tiny tiny = make_tiny (TINY_GOOD);
    char why[MESSAGE_MAX];
    struct leg *leg;

    for (unsigned j = 0; j < 3; j++)
      tiny.blocks[j] = UINT64_C (1) << unit_below (&state, 32);
    tiny.blocks[unit_below (&state, 3)] += unit_below (&state, 3) - 1;
    tiny_start (&tiny, folder);
    if (leg_nbd_open (tiny.uri, &patience, CONNECTIONS, &leg, why) == 0) {
      const struct leg_caps *caps = &leg->caps;

      ck_assert (is_power_of_2 (caps->block_minimum));
      ck_assert (is_power_of_2 (caps->block_preferred));
      ck_assert_uint_le (caps->block_minimum, 65536);
      ck_assert_uint_le (caps->block_minimum, caps->block_preferred);
      ck_assert_uint_ge (caps->request_max, 4096);
      ck_assert_uint_le (caps->request_max, NBD_REQUEST_DEFAULT_MAX);
      ck_assert (is_aligned (caps->request_max, caps->block_minimum));
      ck_assert (is_aligned (caps->size, caps->block_minimum));
      ck_assert (caps->size > 0 && caps->size <= SIZE);
      leg->ops->close (leg);
    }
    tiny_stop (&tiny);
  }
}
END_TEST

/* Each manner when asked: an answer comes, once; what says "good" is sane;
 * and afterwards the leg can be closed.
 */
START_TEST (no_answer_of_a_server_does_harm)
{
  struct tiny tiny = make_tiny (_i);
  struct extent extents[8];
  char data[8192];
  struct leg *leg;
  uint64_t sum = 0;
  unsigned count = 0;
  int r;

  tiny_start (&tiny, folder);
  leg = open_uri (tiny.uri, GROUND_S);
  ck_assert_int_eq (leg->ops->start (leg), 0);

  r = call_extents (leg, 65536, 4096, extents, 8, &count);
  ck_assert_int_le (r, 0);
  for (unsigned i = 0; r == 0 && i < count; i++) {
    ck_assert_uint_gt (extents[i].length, 0);
    ck_assert_uint_le (extents[i].flags, EXTENT_HOLE | EXTENT_ZERO);
    sum += extents[i].length;
  }
  ck_assert (r != 0 || (count >= 1 && sum <= 65536));

  memset (data, 'x', sizeof data);
  r = call_leg (leg, CHILD_READ, 0, data, sizeof data, 4096);
  ck_assert_int_le (r, 0);
  for (unsigned i = 0; r == 0 && i < sizeof data; i++)
    UNIT_CHECK (data[i] == 0, "old memory at %u", i);

  r = call_leg (leg, CHILD_WRITE, CHILD_FUA, data, sizeof data, 0);
  ck_assert_int_le (r, 0);
  r = call_leg (leg, CHILD_ZERO, 0, NULL, 4096, 0);
  ck_assert_int_le (r, 0);
  leg->ops->close (leg);
  tiny_stop (&tiny);
}
END_TEST

START_TEST (random_bytes_do_no_harm)
{
  uint64_t seed = unit_seed ("random bytes");

  for (unsigned i = 0; i < 100; i++) {
    struct tiny tiny = make_tiny (TINY_GARBAGE);
    char data[8192];
    struct leg *leg;

    tiny.chance = unit_random (&seed);
    tiny_start (&tiny, folder);
    leg = open_uri (tiny.uri, HOUR);
    ck_assert_int_eq (leg->ops->start (leg), 0);
    ck_assert (is_gone (call_leg (leg, CHILD_READ, 0, data, 8192, 0)));
    leg->ops->close (leg);
    tiny_stop (&tiny);
  }
}
END_TEST

START_TEST (reading_before_the_start_has_a_deadline)
{
  struct tiny tiny = make_tiny (TINY_IGNORES);
  struct leg *leg;
  char data[512];

  tiny_start (&tiny, folder);
  leg = open_uri (tiny.uri, GROUND_S);
  ck_assert_int_eq (leg->ops->read_now (leg, data, 512, 0), -ETIMEDOUT);
  ck_assert_int_eq (leg->ops->read_now (leg, data, 512, 0), -ENOTCONN);
  leg->ops->close (leg);
  tiny_stop (&tiny);
}
END_TEST

static const struct {
  enum child_op op;
  uint32_t flags;
  bool is_patient;
} asked[] = {
  { CHILD_READ, 0, false },
  { CHILD_WRITE, 0, false },
  { CHILD_CACHE, 0, false },
  { CHILD_FLUSH, 0, true },
  { CHILD_ZERO, 0, true },
  { CHILD_WRITE, CHILD_FUA, true },
};

/* Not before it has passed, and by itself. */
START_TEST (what_makes_data_stable_or_zeroes_has_a_longer_deadline)
{
  struct tiny tiny = make_tiny (TINY_IGNORES);
  uint64_t longer = asked[_i].is_patient ? 2 * GROUND_S : HOUR, before;
  struct leg *leg;
  char data[512] = "";

  tiny.flags |= TINY_CACHE;
  tiny_start (&tiny, folder);
  leg = open_patient (tiny.uri, GROUND_S, longer);
  ck_assert_int_eq (leg->ops->start (leg), 0);
  before = ground_now ();
  ck_assert_int_eq (
    call_leg (leg, asked[_i].op, asked[_i].flags, data, 512, 0), -ETIMEDOUT);
  if (asked[_i].is_patient)
    ck_assert_uint_ge (ground_now () - before, longer);
  leg->ops->close (leg);
  tiny_stop (&tiny);
}
END_TEST

/* The later of the two has the earlier deadline. */
START_TEST (who_waits_for_a_flush_does_not_hold_up_a_read)
{
  struct tiny tiny = make_tiny (TINY_IGNORES);
  struct call flush = { .child = { .op = CHILD_FLUSH } };
  struct leg *leg;
  char data[512];

  tiny_start (&tiny, folder);
  leg = open_patient (tiny.uri, GROUND_S, HOUR);
  ck_assert_int_eq (leg->ops->start (leg), 0);
  call_begin (&flush, leg);
  ck_assert_int_eq (call_leg (leg, CHILD_READ, 0, data, 512, 0), -ETIMEDOUT);
  ck_assert_int_eq (call_wait (&flush), -ETIMEDOUT);
  leg->ops->close (leg);
  tiny_stop (&tiny);
}
END_TEST

/* Each answer comes within its own deadline, and there may be many. */
START_TEST (the_end_of_the_data_is_asked_for_until_the_deadline)
{
  struct tiny quick = make_tiny (TINY_GOOD),
              late = make_tiny (TINY_LATE_STATUS);
  struct leg *leg;
  uint64_t end;

  tiny_start (&quick, folder);
  leg = open_uri (quick.uri, HOUR);
  ck_assert_uint_eq (leg->ops->data_end_now (leg, GROUND_NEVER), 0);
  ck_assert_uint_gt (quick.asked, 0);
  leg->ops->close (leg);
  tiny_stop (&quick);

  late.late_ns = ground_now () + 50 * GROUND_MS;
  tiny_start (&late, folder);
  leg = open_uri (late.uri, HOUR);
  end = leg->ops->data_end_now (leg, late.late_ns);
  ck_assert_uint_eq (end, leg->caps.size);
  UNIT_CHECK (late.asked <= 1, "asked %u times", late.asked);
  leg->ops->close (leg);
  tiny_stop (&late);
}
END_TEST

START_TEST (abort_completes_what_a_silent_server_keeps)
{
  struct tiny tiny = make_tiny (TINY_IGNORES);
  struct call calls[64];
  struct leg *leg;
  char data[512];

  tiny_start (&tiny, folder);
  leg = open_uri (tiny.uri, HOUR);
  ck_assert_int_eq (leg->ops->start (leg), 0);
  for (unsigned i = 0; i < ARRAY_LENGTH (calls); i++) {
    calls[i]
      = (struct call){ .child
                       = { .op = CHILD_READ, .buffer = data, .length = 512 } };
    call_begin (&calls[i], leg);
  }
  leg->ops->abort (leg);
  leg->ops->abort (leg);
  for (unsigned i = 0; i < ARRAY_LENGTH (calls); i++)
    ck_assert_int_eq (call_wait (&calls[i]), -ENOTCONN);
  leg->ops->close (leg);
  ck_assert_uint_eq (tiny.goodbyes, 0);
  tiny_stop (&tiny);
}
END_TEST

START_TEST (abort_and_close_work_without_start)
{
  struct tiny tiny = make_tiny (TINY_GOOD);
  struct leg *leg;

  tiny_start (&tiny, folder);
  leg = open_uri (tiny.uri, HOUR);
  leg->ops->abort (leg);
  leg->ops->close (leg);
  leg = open_uri (tiny.uri, HOUR);
  leg->ops->close (leg);
  tiny_stop (&tiny);
  ck_assert_uint_eq (tiny.goodbyes, 1);
}
END_TEST

START_TEST (a_healthy_server_is_told_goodbye)
{
  struct tiny tiny = make_tiny (TINY_GOOD);
  struct leg *leg;

  tiny_start (&tiny, folder);
  leg = open_uri (tiny.uri, HOUR);
  ck_assert_int_eq (leg->ops->start (leg), 0);
  ck_assert_int_eq (call_leg (leg, CHILD_FLUSH, 0, NULL, 0, 0), 0);
  leg->ops->close (leg);
  tiny_stop (&tiny);
  ck_assert_uint_eq (tiny.accepted, 1);
  ck_assert_uint_eq (tiny.goodbyes, 1);
}
END_TEST

START_TEST (what_a_server_lacks_is_not_sent)
{
  struct tiny tiny = make_tiny (TINY_HANGS_UP);
  struct leg *leg;

  tiny.flags = 0;
  tiny_start (&tiny, folder);
  leg = open_uri (tiny.uri, HOUR);
  ck_assert_int_eq (leg->ops->start (leg), 0);
  ck_assert (!leg->caps.fua);
  ck_assert_int_eq (call_leg (leg, CHILD_FLUSH, 0, NULL, 0, 0), 0);
  ck_assert_int_eq (call_leg (leg, CHILD_CACHE, 0, NULL, 512, 0), 0);
  ck_assert_int_eq (call_leg (leg, CHILD_ZERO, 0, NULL, 512, 0), -EOPNOTSUPP);
  ck_assert_uint_eq (tiny.asked, 0);
  leg->ops->close (leg);
  tiny_stop (&tiny);
}
END_TEST

START_TEST (a_refused_zero_is_remembered_by_its_kind)
{
  struct tiny tiny = make_tiny (TINY_UNSUPPORTED);
  struct leg *leg;

  tiny.flags |= TINY_FAST_ZERO | TINY_TRIM;
  tiny_start (&tiny, folder);
  leg = open_uri (tiny.uri, HOUR);
  ck_assert_int_eq (leg->ops->start (leg), 0);
  ck_assert (leg->ops->can_zero (leg, CHILD_FAST));
  ck_assert_int_eq (call_leg (leg, CHILD_ZERO, CHILD_FAST, NULL, 512, 0),
                    -EOPNOTSUPP);
  ck_assert (!leg->ops->can_zero (leg, CHILD_FAST));
  ck_assert (leg->ops->can_zero (leg, CHILD_MAY_TRIM | CHILD_FAST));
  ck_assert (leg->ops->can_zero (leg, 0));
  ck_assert_int_eq (call_leg (leg, CHILD_ZERO, 0, NULL, 512, 0), -EOPNOTSUPP);
  ck_assert (!leg->ops->can_zero (leg, 0));
  leg->ops->close (leg);
  tiny_stop (&tiny);
}
END_TEST

START_TEST (several_connections_live_and_die_together)
{
  struct tiny tiny = make_tiny (TINY_HANGS_UP_SECOND);
  struct call calls[2];
  struct leg *leg;
  char data[2][512];

  tiny.flags |= TINY_MULTI_CONN;
  tiny_start (&tiny, folder);
  leg = open_uri (tiny.uri, HOUR);
  ck_assert_int_eq (leg->ops->start (leg), 0);
  ck_assert_uint_eq (tiny.accepted, CONNECTIONS);
  for (unsigned i = 0; i < 2; i++) {
    calls[i] = (struct call){
      .child = { .op = CHILD_READ, .buffer = data[i], .length = 512 }
    };
    call_begin (&calls[i], leg);
  }
  for (unsigned i = 0; i < 2; i++)
    ck_assert_int_eq (call_wait (&calls[i]), -ENOTCONN);
  leg->ops->close (leg);
  tiny_stop (&tiny);
}
END_TEST

START_TEST (the_loss_of_an_idle_connection_is_noticed)
{
  struct tiny tiny = make_tiny (_i);
  struct leg *leg;
  char data[512];

  tiny.flags |= TINY_MULTI_CONN;
  tiny_start (&tiny, folder);
  leg = open_uri (tiny.uri, HOUR);
  ck_assert_int_eq (leg->ops->start (leg), 0);
  /* Not a moment, but the poller. */
  while (atomic_load (&leg->generation) == 0)
    sched_yield ();
  ck_assert_int_eq (call_leg (leg, CHILD_READ, 0, data, 512, 0), -ENOTCONN);
  leg->ops->close (leg);
  tiny_stop (&tiny);
}
END_TEST

/* What a leg tells its watcher. */
struct watcher {
  struct ground_mutex mutex;
  struct ground_cond told;
  unsigned count;
  int error;
};

static void
hear (struct leg *leg, int error)
{
  struct watcher *watcher = leg->watcher;

  ground_mutex_lock (&watcher->mutex);
  watcher->count++;
  watcher->error = error;
  ground_cond_signal (&watcher->told);
  ground_mutex_unlock (&watcher->mutex);
}

static void
watch (struct watcher *watcher, struct leg *leg)
{
  *watcher = (struct watcher){ .count = 0 };
  ground_mutex_init (&watcher->mutex);
  ground_cond_init (&watcher->told);
  leg->gone = hear;
  leg->watcher = watcher;
}

/* Started, and with a watcher. */
static struct leg *
open_watched (struct watcher *watcher, const char *uri, uint64_t timeout_ns)
{
  struct leg *leg = open_uri (uri, timeout_ns);

  watch (watcher, leg);
  ck_assert_int_eq (leg->ops->start (leg), 0);
  return leg;
}

/* Until it has heard something. */
static int
heard (struct watcher *watcher)
{
  ground_mutex_lock (&watcher->mutex);
  while (watcher->count == 0)
    ground_cond_wait (&watcher->told, &watcher->mutex, GROUND_NEVER);
  ground_mutex_unlock (&watcher->mutex);
  return watcher->error;
}

/* Nothing is asked of it; @_i: before the start, or after. */
START_TEST (a_server_that_ends_is_told_of_once)
{
  struct watcher watcher;
  struct leg *leg;
  char data[512];
  pid_t pid;

  if (!has_nbdkit ())
    return;
  pid = NBDKIT ("memory", "4M");
  leg = open_uri (uri_of (socket_path ()), HOUR);
  watch (&watcher, leg);
  if (_i == 0)
    stop_nbdkit (pid);
  ck_assert_int_eq (leg->ops->start (leg), 0);
  if (_i == 1) {
    ck_assert_int_eq (call_leg (leg, CHILD_READ, 0, data, 512, 0), 0);
    stop_nbdkit (pid);
  }
  ck_assert_int_eq (heard (&watcher), -ENOTCONN);
  ck_assert_int_eq (call_leg (leg, CHILD_READ, 0, data, 512, 0), -ENOTCONN);
  ck_assert_uint_eq (leg->generation, 1);
  leg->ops->close (leg);
  ck_assert_uint_eq (watcher.count, 1);
}
END_TEST

START_TEST (a_server_that_is_silent_is_told_of_at_the_deadline)
{
  struct tiny tiny = make_tiny (TINY_IGNORES);
  struct watcher watcher;
  struct leg *leg;
  char data[512];

  tiny_start (&tiny, folder);
  leg = open_watched (&watcher, tiny.uri, GROUND_S);
  ck_assert_int_eq (call_leg (leg, CHILD_READ, 0, data, 512, 0), -ETIMEDOUT);
  ck_assert_int_eq (heard (&watcher), -ETIMEDOUT);
  leg->ops->close (leg);
  ck_assert_uint_eq (watcher.count, 1);
  tiny_stop (&tiny);
}
END_TEST

/* Nothing is asked of it. */
START_TEST (a_frozen_server_of_an_idle_leg_is_told_of)
{
  struct watcher watcher;
  struct leg *leg;
  char byte;
  pid_t pid;

  if (!has_nbdkit ())
    return;
  pid = NBDKIT ("memory", "4M");
  leg = open_watched (&watcher, uri_of (socket_path ()), GROUND_S);
  ck_assert_int_eq (call_leg (leg, CHILD_READ, 0, &byte, 1, 0), 0);
  freeze_nbdkit (pid);
  ck_assert_int_eq (heard (&watcher), -ETIMEDOUT);
  ck_assert (!leg->end.by_peer && !leg->end.writes_in_flight);
  leg->ops->close (leg);
  ck_assert_uint_eq (watcher.count, 1);
  stop_nbdkit (pid);
}
END_TEST

static void
wait_asked (struct tiny *tiny, unsigned count)
{
  while (tiny->asked < count)
    poll (NULL, 0, 10);
}

/* Each connection is asked, again and again, whatever the answer is. */
START_TEST (an_idle_server_that_answers_stays)
{
  struct tiny tiny = make_tiny (_i == 0 ? TINY_GOOD : TINY_ODD_ERROR);
  struct watcher watcher;
  struct leg *leg;

  tiny.flags |= TINY_MULTI_CONN;
  tiny_start (&tiny, folder);
  leg = open_watched (&watcher, tiny.uri, GROUND_S);
  wait_asked (&tiny, 3 * CONNECTIONS);
  ck_assert_uint_eq (leg->generation, 0);
  leg->ops->close (leg);
  ck_assert_uint_eq (watcher.count, 0);
  tiny_stop (&tiny);
}
END_TEST

/* The other one's silence does not matter then. */
START_TEST (each_connection_of_an_idle_leg_is_asked)
{
  struct tiny tiny = make_tiny (TINY_HANGS_UP_SECOND);
  struct watcher watcher;
  struct leg *leg;

  tiny.flags |= TINY_MULTI_CONN;
  tiny_start (&tiny, folder);
  leg = open_watched (&watcher, tiny.uri, GROUND_S);
  ck_assert_int_eq (heard (&watcher), -ENOTCONN);
  leg->ops->close (leg);
  tiny_stop (&tiny);
}
END_TEST

/* While somebody waits for a flush, a server may do nothing else. */
START_TEST (who_owes_a_flush_is_not_asked)
{
  struct tiny tiny = make_tiny (TINY_IGNORES);
  struct leg *leg;

  tiny_start (&tiny, folder);
  leg = open_patient (tiny.uri, GROUND_S, 4 * GROUND_S);
  ck_assert_int_eq (leg->ops->start (leg), 0);
  ck_assert_int_eq (call_leg (leg, CHILD_FLUSH, 0, NULL, 0, 0), -ETIMEDOUT);
  leg->ops->close (leg);
  tiny_stop (&tiny);
  ck_assert_uint_eq (tiny.asked, 1);
}
END_TEST

/* @_i: closed, or aborted before; then nobody is told. */
START_TEST (a_heartbeat_in_flight_holds_up_no_end)
{
  struct tiny tiny = make_tiny (TINY_IGNORES);
  struct watcher watcher;
  struct leg *leg;

  tiny_start (&tiny, folder);
  leg = open_watched (&watcher, tiny.uri, 2 * GROUND_S);
  wait_asked (&tiny, 1);
  if (_i == 1)
    leg->ops->abort (leg);
  leg->ops->close (leg);
  UNIT_CHECK (watcher.count == 0 || watcher.error == -ETIMEDOUT, "%s",
              strerror (-watcher.error));
  tiny_stop (&tiny);
}
END_TEST

/* @_i: closed at once, or aborted before. */
START_TEST (an_end_that_was_asked_for_is_no_news)
{
  struct watcher watcher;
  struct leg *leg;
  pid_t pid;

  if (!has_nbdkit ())
    return;
  pid = NBDKIT ("memory", "4M");
  leg = open_watched (&watcher, uri_of (socket_path ()), HOUR);
  if (_i == 1)
    leg->ops->abort (leg);
  leg->ops->close (leg);
  ck_assert_uint_eq (watcher.count, 0);
  stop_nbdkit (pid);
}
END_TEST

/* Who ended it, and was a write under way?  A loop over what is asked, if
 * anything, and how the server answers it.
 */
static const struct {
  enum tiny_manner manner;
  bool tcp, several;
  int ask; /* a child's op; -1: nothing */
  struct leg_end end;
} ends[] = {
  { TINY_LEAVES, false, false, -1, { .by_peer = true } },
  { TINY_LEAVES, true, false, -1, { .by_peer = true } },
  { TINY_HANGS_UP, false, false, CHILD_READ, { .by_peer = true } },
  { TINY_HANGS_UP, true, false, CHILD_READ, { .by_peer = true } },
  { TINY_HANGS_UP, true, false, CHILD_WRITE, { true, true } },
  { TINY_HANGS_UP, false, false, CHILD_ZERO, { true, true } },
  { TINY_HALF, true, false, CHILD_READ, { .by_peer = true } },
  { TINY_RESETS, true, false, CHILD_READ, { .by_peer = false } },
  { TINY_RESETS, true, false, CHILD_WRITE, { .writes_in_flight = true } },
  { TINY_IGNORES, false, false, CHILD_WRITE, { .writes_in_flight = true } },
  { TINY_IGNORES, true, false, CHILD_FLUSH, { .by_peer = false } },
  /* The other one stays. */
  { TINY_LEAVES_SECOND, true, true, -1, { .by_peer = false } },
};

START_TEST (how_it_ended_is_on_record_when_it_is_told)
{
  struct tiny tiny = make_tiny (ends[_i].manner);
  bool is_silent = ends[_i].manner == TINY_IGNORES;
  struct watcher watcher;
  struct leg *leg;
  char data[512] = "";

  tiny.tcp = ends[_i].tcp;
  if (ends[_i].several)
    tiny.flags |= TINY_MULTI_CONN;
  tiny_start (&tiny, folder);
  leg = open_uri (tiny.uri, is_silent ? GROUND_S : HOUR);
  watch (&watcher, leg);
  ck_assert_int_eq (leg->ops->start (leg), 0);
  if (ends[_i].ask != -1) {
    ck_assert (is_gone (call_leg (leg, ends[_i].ask, 0, data, 512, 0)));
    ck_assert_int_eq (leg->end.by_peer, ends[_i].end.by_peer);
    ck_assert_int_eq (leg->end.writes_in_flight, ends[_i].end.writes_in_flight);
  }
  heard (&watcher);
  ck_assert_int_eq (leg->end.by_peer, ends[_i].end.by_peer);
  ck_assert_int_eq (leg->end.writes_in_flight, ends[_i].end.writes_in_flight);
  leg->ops->close (leg);
  tiny_stop (&tiny);
}
END_TEST

/* Then it was our wish, whatever the server does about it. */
START_TEST (an_abort_is_no_end_by_the_other_side)
{
  struct tiny tiny = make_tiny (TINY_IGNORES);
  struct call call = { .child = { .op = CHILD_WRITE, .length = 512 } };
  struct leg *leg;
  char data[512] = "";

  tiny_start (&tiny, folder);
  leg = open_uri (tiny.uri, HOUR);
  ck_assert_int_eq (leg->ops->start (leg), 0);
  call.child.buffer = data;
  call_begin (&call, leg);
  leg->ops->abort (leg);
  ck_assert_int_eq (call_wait (&call), -ENOTCONN);
  ck_assert (!leg->end.by_peer);
  ck_assert (leg->end.writes_in_flight);
  leg->ops->close (leg);
  tiny_stop (&tiny);
}
END_TEST

/* ------------------------------------------------------------------ who reads */

static void
wait_until_nobody_reads (struct leg *leg)
{
  while (atomic_load (&leg_nbd_of (leg)->reader) != NBD_NOBODY)
    sched_yield ();
}

/* What a thread waits for by itself: some children, to several legs. */
struct attended {
  struct {
    struct child child;
    struct attended *of;
    pthread_t by; /* who called done */
    _Atomic unsigned times;
    int error;
    char data[512];
  } each[8];
  _Atomic unsigned remaining;
};

static void
attended_done (struct child *child, int error)
{
  struct attended *attended = child->owner;

  attended->each[child->tag].by = pthread_self ();
  attended->each[child->tag].times++;
  attended->each[child->tag].error = error;
  atomic_fetch_sub (&attended->remaining, 1);
}

static void
attend (struct attended *attended, struct leg *const *legs, unsigned count)
{
  memset (attended, 0, sizeof *attended);
  attended->remaining = count;
  for (unsigned i = 0; i < count; i++) {
    struct child *child = &attended->each[i].child;

    *child = (struct child){ .op = CHILD_READ, .length = 512, .tag = i,
                             .buffer = attended->each[i].data,
                             .owner = attended, .done = attended_done };
    leg_issue (legs[i], child);
  }
  legs[0]->ops->attend (legs, count, &attended->remaining);
  /* The rest comes without us. */
  while (atomic_load (&attended->remaining) > 0)
    sched_yield ();
  for (unsigned i = 0; i < count; i++)
    ck_assert_uint_eq (attended->each[i].times, 1);
}

static struct leg *
open_tiny (struct tiny *tiny, uint64_t timeout_ns)
{
  struct leg *leg;

  tiny_start (tiny, folder);
  leg = open_uri (tiny->uri, timeout_ns);
  ck_assert_int_eq (leg->ops->start (leg), 0);
  wait_until_nobody_reads (leg);
  return leg;
}

/* @_i: so many at once. */
START_TEST (who_waits_alone_reads_the_answers)
{
  struct tiny tiny[4];
  struct leg *legs[4];
  struct attended attended;

  for (int i = 0; i < _i; i++) {
    tiny[i] = make_tiny (TINY_GOOD);
    legs[i] = open_tiny (&tiny[i], HOUR);
  }
  for (unsigned round = 0; round < 100; round++) {
    attend (&attended, legs, _i);
    for (int i = 0; i < _i; i++) {
      ck_assert_int_eq (attended.each[i].error, 0);
      ck_assert (pthread_equal (attended.each[i].by, pthread_self ()));
    }
  }
  for (int i = 0; i < _i; i++) {
    legs[i]->ops->close (legs[i]);
    tiny_stop (&tiny[i]);
  }
}
END_TEST

START_TEST (more_legs_than_one_thread_reads_are_read_by_others)
{
  struct tiny tiny[5];
  struct leg *legs[5];
  struct attended attended;

  for (unsigned i = 0; i < 5; i++) {
    tiny[i] = make_tiny (TINY_GOOD);
    legs[i] = open_tiny (&tiny[i], HOUR);
  }
  attend (&attended, legs, 5);
  for (unsigned i = 0; i < 5; i++) {
    ck_assert_int_eq (attended.each[i].error, 0);
    legs[i]->ops->close (legs[i]);
    tiny_stop (&tiny[i]);
  }
}
END_TEST

/* A write that takes long, and a read that does not: who waits for the read
 * leaves the write to the poller.
 */
START_TEST (what_is_left_when_an_issuer_has_its_answer_is_read)
{
  struct attended attended;
  struct call call;
  struct leg *leg;
  char data[512] = "";
  pid_t pid;

  if (!has_nbdkit ())
    return;
  pid = NBDKIT ("--filter=delay", "memory", "4M", "wdelay=200ms");
  leg = open_started (HOUR);
  for (unsigned i = 0; i < 3; i++) {
    wait_until_nobody_reads (leg);
    call = (struct call){
      .child = { .op = CHILD_WRITE, .length = 512, .buffer = data }
    };
    call_begin (&call, leg);
    attend (&attended, &leg, 1);
    ck_assert_int_eq (attended.each[0].error, 0);
    ck_assert (pthread_equal (attended.each[0].by, pthread_self ()));
    ck_assert_int_eq (call_wait (&call), 0);
    /* Two at once: the poller stays, until one comes after the other. */
    call_leg (leg, CHILD_READ, 0, data, 512, 0);
    call_leg (leg, CHILD_READ, 0, data, 512, 0);
  }
  leg->ops->close (leg);
  stop_nbdkit (pid);
}
END_TEST

static const enum tiny_manner ends_attended[]
  = { TINY_IGNORES, TINY_HANGS_UP, TINY_RESETS, TINY_HANGS_UP_SECOND,
      TINY_HALF, TINY_GARBAGE, TINY_WRONG_COOKIE };

/* Beside a leg that is well. */
START_TEST (a_leg_that_ends_while_an_issuer_reads_is_given_up_and_told_of)
{
  struct tiny good = make_tiny (TINY_GOOD);
  struct tiny bad = make_tiny (ends_attended[_i]);
  struct watcher watcher;
  struct attended attended;
  struct leg *legs[2];

  good.flags |= TINY_MULTI_CONN;
  bad.flags |= TINY_MULTI_CONN;
  tiny_start (&bad, folder);
  legs[0] = open_watched (&watcher, bad.uri, GROUND_S);
  legs[1] = open_tiny (&good, HOUR);
  wait_until_nobody_reads (legs[0]);
  attend (&attended, legs, 2);
  ck_assert_msg (is_gone (attended.each[0].error), "%s",
                 strerror (-attended.each[0].error));
  ck_assert_int_eq (attended.each[1].error, 0);
  ck_assert (is_gone (heard (&watcher)));

  attend (&attended, legs, 2);
  ck_assert_int_eq (attended.each[0].error, -ENOTCONN);
  ck_assert_int_eq (attended.each[1].error, 0);
  for (unsigned i = 0; i < 2; i++)
    legs[i]->ops->close (legs[i]);
  ck_assert_uint_eq (watcher.count, 1);
  tiny_stop (&good);
  tiny_stop (&bad);
}
END_TEST

/* It has answered, and then says what makes no sense, in an intact socket, while
 * an issuer waits for another one.
 */
START_TEST (a_leg_that_ends_while_only_another_is_waited_for_is_told_of)
{
  struct tiny bad = make_tiny (TINY_TWICE);
  struct watcher watcher;
  struct attended attended;
  struct leg *legs[2];
  pid_t pid;

  if (!has_nbdkit ())
    return;
  tiny_start (&bad, folder);
  legs[0] = open_watched (&watcher, bad.uri, GROUND_S);
  pid = NBDKIT ("--filter=delay", "memory", "4M", "rdelay=200ms");
  legs[1] = open_started (HOUR);
  for (unsigned i = 0; i < 2; i++)
    wait_until_nobody_reads (legs[i]);
  attend (&attended, legs, 2);
  ck_assert_int_eq (heard (&watcher), -ENOTCONN);
  for (unsigned i = 0; i < 2; i++) {
    ck_assert_int_eq (attended.each[i].error, 0);
    legs[i]->ops->close (legs[i]);
  }
  stop_nbdkit (pid);
  tiny_stop (&bad);
}
END_TEST

/* Nobody reads: it is told of all the same. */
START_TEST (a_server_that_ends_while_nobody_reads_is_told_of)
{
  struct watcher watcher;
  struct leg *leg;
  pid_t pid;

  if (!has_nbdkit ())
    return;
  pid = NBDKIT ("memory", "4M");
  leg = open_watched (&watcher, uri_of (socket_path ()), HOUR);
  wait_until_nobody_reads (leg);
  stop_nbdkit (pid);
  ck_assert_int_eq (heard (&watcher), -ENOTCONN);
  leg->ops->close (leg);
}
END_TEST

static void
attend_main (void *argument)
{
  struct leg *leg = argument;
  struct attended attended;

  attend (&attended, &leg, 1);
  ck_assert_int_eq (attended.each[0].error, -ENOTCONN);
}

static struct attended *waited_for;

static void
attend_both (void *argument)
{
  attend (waited_for, argument, 2);
}

START_TEST (abort_ends_what_an_issuer_reads)
{
  struct tiny tiny = make_tiny (TINY_IGNORES);
  struct leg *leg = open_tiny (&tiny, HOUR);
  struct ground_thread thread;

  ck_assert_int_eq (ground_thread_start (&thread, "attend", attend_main, leg),
                    0);
  wait_asked (&tiny, 1);
  leg->ops->abort (leg);
  ground_thread_join (&thread);
  leg->ops->close (leg);
  tiny_stop (&tiny);
}
END_TEST

/* One server owes a flush for long; the other one has answered, and is frozen
 * then: its own poller finds out.
 */
START_TEST (who_waits_long_for_one_leg_does_not_hide_the_end_of_another)
{
  struct tiny slow = make_tiny (TINY_IGNORES);
  struct attended attended = { .remaining = 0 };
  struct watcher watcher;
  struct ground_thread thread;
  struct leg *legs[2];
  pid_t pid;

  if (!has_nbdkit ())
    return;
  tiny_start (&slow, folder);
  legs[0] = open_patient (slow.uri, HOUR, HOUR);
  ck_assert_int_eq (legs[0]->ops->start (legs[0]), 0);
  pid = NBDKIT ("memory", "4M");
  legs[1] = open_watched (&watcher, uri_of (socket_path ()), GROUND_S);
  for (unsigned i = 0; i < 2; i++)
    wait_until_nobody_reads (legs[i]);
  waited_for = &attended;
  ck_assert_int_eq (ground_thread_start (&thread, "attend", attend_both, legs),
                    0);
  while (atomic_load (&attended.each[1].times) == 0)
    sched_yield ();
  freeze_nbdkit (pid);
  ck_assert_int_eq (heard (&watcher), -ETIMEDOUT);
  legs[0]->ops->abort (legs[0]);
  ground_thread_join (&thread);
  for (unsigned i = 0; i < 2; i++)
    legs[i]->ops->close (legs[i]);
  stop_nbdkit (pid);
  tiny_stop (&slow);
}
END_TEST

struct crowd {
  struct ground_thread thread;
  struct leg *const *legs;
  uint64_t seed;
  bool ends; /* only then */
};

static void
crowd_main (void *argument)
{
  struct crowd *crowd = argument;
  struct attended attended = { .each[0].error = 0, .each[1].error = 0 };

  for (unsigned i = 0; crowd->ends || i < 300; i++) {
    unsigned first = unit_below (&crowd->seed, 2);
    unsigned count = 1 + unit_below (&crowd->seed, 2 - first);

    if (unit_below (&crowd->seed, 4) == 0)
      attended.each[0].error = call_leg (crowd->legs[first], CHILD_READ, 0,
                                         attended.each[0].data, 512, 0);
    else
      attend (&attended, crowd->legs + first, count);
    if (attended.each[0].error != 0 || attended.each[1].error != 0)
      break;
  }
  ck_assert (crowd->ends || attended.each[0].error == 0);
}

/* @_i: until an abort. */
START_TEST (many_that_take_turns_in_reading_all_get_their_answers)
{
  struct tiny tiny[2] = { make_tiny (TINY_GOOD), make_tiny (TINY_GOOD) };
  uint64_t seed = unit_seed ("crowd");
  struct crowd crowd[4];
  struct leg *legs[2];

  for (unsigned i = 0; i < 2; i++) {
    tiny[i].flags |= TINY_MULTI_CONN;
    legs[i] = open_tiny (&tiny[i], HOUR);
  }
  for (unsigned i = 0; i < ARRAY_LENGTH (crowd); i++) {
    crowd[i]
      = (struct crowd){ .legs = legs, .seed = seed + i, .ends = _i == 1 };
    ck_assert_int_eq (ground_thread_start (&crowd[i].thread, "crowd",
                                           crowd_main, &crowd[i]), 0);
  }
  if (_i == 1) {
    wait_asked (&tiny[0], 100 + seed % 300);
    for (unsigned i = 0; i < 2; i++)
      legs[i]->ops->abort (legs[i]);
  }
  for (unsigned i = 0; i < ARRAY_LENGTH (crowd); i++)
    ground_thread_join (&crowd[i].thread);
  for (unsigned i = 0; i < 2; i++) {
    legs[i]->ops->close (legs[i]);
    tiny_stop (&tiny[i]);
  }
}
END_TEST

START_TEST (the_same_uri_is_the_same_disk)
{
  struct tiny tiny = make_tiny (TINY_GOOD);
  char uri[600], other[600];
  struct leg *leg[3];

  tiny_start (&tiny, folder);
  /* Longer than an identity, differing only behind its end. */
  snprintf (uri, sizeof uri, "nbd+unix:///%0300d?socket=%s", 1, tiny.path);
  snprintf (other, sizeof other, "nbd+unix:///%0300d?socket=%s", 2, tiny.path);
  leg[0] = open_uri (uri, HOUR);
  leg[1] = open_uri (uri, HOUR);
  leg[2] = open_uri (other, HOUR);
  ck_assert_str_eq (leg[0]->name, uri);
  ck_assert_str_eq (leg[0]->identity, leg[1]->identity);
  ck_assert_str_ne (leg[0]->identity, leg[2]->identity);
  for (unsigned i = 0; i < 3; i++)
    leg[i]->ops->close (leg[i]);
  tiny_stop (&tiny);
}
END_TEST

START_TEST (the_library_tells_about_itself)
{
  ck_assert_int_eq (strncmp (leg_nbd_library_version (), "1.", 2), 0);
  ck_assert (leg_nbd_library_has_uri ());
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_unchecked_fixture (tcase, make_root, remove_root);
  tcase_add_checked_fixture (tcase, make_folder, remove_folder);
  tcase_add_test (tcase, what_a_server_can_do_is_learned);
  tcase_add_test (tcase, what_a_server_cannot_do_is_learned_too);
  tcase_add_test (tcase, random_operations_give_what_a_plain_array_gives);
  tcase_add_test (tcase, reading_before_the_start_takes_any_alignment);
  tcase_add_test (tcase, extents_come_in_order_and_within_the_range);
  tcase_add_test (tcase, an_error_of_the_server_is_passed_on_and_the_leg_lives);
  tcase_add_test (tcase, the_server_refuses_the_export);
  tcase_add_test (tcase, an_encrypted_leg_works_and_dies_like_a_plain_one);
  tcase_add_test (tcase, a_leg_opened_before_a_fork_serves_after_it);
  tcase_add_loop_test (tcase, a_server_that_ends_is_told_of_once, 0, 2);
  tcase_add_test (tcase, a_server_that_is_silent_is_told_of_at_the_deadline);
  tcase_add_test (tcase, a_frozen_server_of_an_idle_leg_is_told_of);
  tcase_add_loop_test (tcase, an_idle_server_that_answers_stays, 0, 2);
  tcase_add_test (tcase, each_connection_of_an_idle_leg_is_asked);
  tcase_add_test (tcase, who_owes_a_flush_is_not_asked);
  tcase_add_loop_test (tcase, a_heartbeat_in_flight_holds_up_no_end, 0, 2);
  tcase_add_loop_test (tcase, an_end_that_was_asked_for_is_no_news, 0, 2);
  tcase_add_loop_test (
    tcase, whatever_ends_it_everything_in_flight_comes_back_once, 0, ENDS);
  tcase_add_test (tcase,
                  an_idle_leg_notices_a_frozen_server_at_the_next_command);
  tcase_add_test (tcase, a_big_write_to_a_frozen_server_comes_back_too);
  tcase_add_test (tcase, the_largest_request_goes_through);
  tcase_add_test (tcase, who_is_not_there_is_reported_as_such);
  tcase_add_test (tcase, a_server_that_fails_to_greet_is_refused);
  tcase_add_test (tcase, a_size_or_block_size_that_cannot_be_is_refused);
  tcase_add_test (tcase, odd_block_sizes_never_reach_the_engine);
  tcase_add_loop_test (tcase, no_answer_of_a_server_does_harm, TINY_IGNORES,
                       TINY_MANNERS);
  tcase_add_test (tcase, random_bytes_do_no_harm);
  tcase_add_test (tcase, reading_before_the_start_has_a_deadline);
  tcase_add_loop_test (tcase,
                       what_makes_data_stable_or_zeroes_has_a_longer_deadline,
                       0, ARRAY_LENGTH (asked));
  tcase_add_test (tcase, who_waits_for_a_flush_does_not_hold_up_a_read);
  tcase_add_test (tcase, the_end_of_the_data_is_asked_for_until_the_deadline);
  tcase_add_test (tcase, abort_completes_what_a_silent_server_keeps);
  tcase_add_test (tcase, abort_and_close_work_without_start);
  tcase_add_test (tcase, a_healthy_server_is_told_goodbye);
  tcase_add_test (tcase, what_a_server_lacks_is_not_sent);
  tcase_add_test (tcase, a_refused_zero_is_remembered_by_its_kind);
  tcase_add_test (tcase, several_connections_live_and_die_together);
  tcase_add_loop_test (tcase, the_loss_of_an_idle_connection_is_noticed,
                       TINY_LEAVES, TINY_LEAVES_SECOND + 1);
  tcase_add_loop_test (tcase, how_it_ended_is_on_record_when_it_is_told, 0,
                       ARRAY_LENGTH (ends));
  tcase_add_test (tcase, an_abort_is_no_end_by_the_other_side);
  tcase_add_test (tcase, the_same_uri_is_the_same_disk);
  tcase_add_test (tcase, the_library_tells_about_itself);
}

static void
add_reader_tests (TCase *tcase)
{
  tcase_add_unchecked_fixture (tcase, make_root, remove_root);
  tcase_add_checked_fixture (tcase, make_folder, remove_folder);
  tcase_add_loop_test (tcase, who_waits_alone_reads_the_answers, 1, 5);
  tcase_add_test (tcase, more_legs_than_one_thread_reads_are_read_by_others);
  tcase_add_test (tcase, what_is_left_when_an_issuer_has_its_answer_is_read);
  tcase_add_loop_test (
    tcase, a_leg_that_ends_while_an_issuer_reads_is_given_up_and_told_of, 0,
    ARRAY_LENGTH (ends_attended));
  tcase_add_test (
    tcase, a_leg_that_ends_while_only_another_is_waited_for_is_told_of);
  tcase_add_test (tcase, a_server_that_ends_while_nobody_reads_is_told_of);
  tcase_add_test (tcase, abort_ends_what_an_issuer_reads);
  tcase_add_test (
    tcase, who_waits_long_for_one_leg_does_not_hide_the_end_of_another);
  tcase_add_loop_test (
    tcase, many_that_take_turns_in_reading_all_get_their_answers, 0, 2);
}

/* All of it in both ways: pollers read, or issuers where they can. */
int
main (void)
{
  bool is_good = unit_main ("leg-nbd", add_tests) == 0;

  calls_attend = true;
  is_good = unit_main ("leg-nbd, attended", add_tests) == 0 && is_good;
  is_good = unit_main ("leg-nbd-reader", add_reader_tests) == 0 && is_good;
  return !is_good;
}
