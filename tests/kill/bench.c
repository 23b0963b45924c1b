/* SPDX-License-Identifier: BSD-3-Clause */
/* bench: the recorder, and what else all rounds of one process share. */

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "round.h"

static void
start_recorder (struct bench *bench, int fd)
{
  char log[64], uri[128];
  const char *argv[] = { bench->tools->nbdkit, bench->tools->reclegs, log,
                         NULL };

  snprintf (log, sizeof log, "log=/proc/self/fd/%d", fd);
  setenv ("LD_PRELOAD", bench->tools->reclegs, 1); /* sockets.c says why */
  server_prepare (&bench->recorder, (char *const *)argv,
                  bench->recorder_socket, bench->messages);
  unsetenv ("LD_PRELOAD");
  server_go (&bench->recorder);
  bench->ctl = nbd_create ();
  snprintf (uri, sizeof uri, "nbd+unix:///ctl?socket=%s",
            bench->recorder_socket);
  if (bench->ctl == NULL || nbd_connect_uri (bench->ctl, uri) == -1) {
    fprintf (stderr, "reclegs: %s\n", nbd_get_error ());
    exit (1);
  }
}

void
bench_open (struct bench *bench, const struct tools *tools)
{
  int fd, low;

  memset (bench, 0, sizeof *bench);
  bench->tools = tools;
  snprintf (bench->folder, sizeof bench->folder, "%s/mirror-crash.XXXXXX",
            getenv ("TMPDIR") == NULL ? "/tmp" : getenv ("TMPDIR"));
  if (mkdtemp (bench->folder) == NULL) {
    perror (bench->folder);
    exit (1);
  }
  snprintf (bench->recorder_socket, sizeof bench->recorder_socket,
            "%s/legs.sock", bench->folder);
  snprintf (bench->mirror_socket, sizeof bench->mirror_socket,
            "%s/mirror.sock", bench->folder);
  snprintf (bench->messages, sizeof bench->messages, "%s/messages",
            bench->folder);
  /* In memory, and inherited by the recorder, where 3 is the socket. */
  low = memfd_create ("reclog", 0);
  fd = fcntl (low, F_DUPFD, 10);
  close (low);
  if (fd == -1 || ftruncate (fd, RECLOG_SIZE) == -1) {
    perror ("memfd");
    exit (1);
  }
  bench->log = mmap (NULL, RECLOG_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                     0);
  assert (bench->log != MAP_FAILED);
  reclog_init (bench->log);
  start_recorder (bench, fd);
  close (fd);
  for (unsigned i = 0; i < setup_count; i++)
    setup_make (&setups[i], bench->folder, tools->nbdmirror);
}

void
bench_close (struct bench *bench)
{
  nbd_shutdown (bench->ctl, 0);
  nbd_close (bench->ctl);
  kill (bench->recorder.pid, SIGTERM);
  server_wait (&bench->recorder);
  for (unsigned i = 0; i < setup_count; i++)
    setup_free (&setups[i]);
  munmap (bench->log, RECLOG_SIZE);
  unlink (bench->recorder_socket);
  unlink (bench->mirror_socket);
  unlink (bench->messages);
  rmdir (bench->folder);
}

void
bench_tell (struct bench *bench, const char *format, ...)
{
  char text[2048];
  va_list ap;

  va_start (ap, format);
  vsnprintf (text, sizeof text, format, ap);
  va_end (ap);
  if (nbd_pwrite (bench->ctl, text, strlen (text), 0, 0) == -1) {
    fprintf (stderr, "reclegs: %s: %s\n", text, nbd_get_error ());
    exit (1);
  }
}

/* ---------------------------------------------------------- the log for people */

static void
print_event (const struct event *event)
{
  static const char *const kinds[EVENT_KINDS] = {
    "read", "write", "zero", "trim", "flush",
    "BEGIN", "KILL", "set", "CRASH", "END",
  };
  static const char *const phases[]
      = { "", "submit", "complete", "invoke", "return" };
  bool is_client = event->phase >= PHASE_INVOKE;

  printf ("%8" PRIu64 " %s %u %-5s %-8s", event->sequence,
          is_client ? "client" : "   leg", event->leg, kinds[event->kind],
          phases[event->phase]);
  printf (" %8" PRIu64 "+%-7" PRIu32 " request %-6" PRIu64 "%s%s%s",
          event->offset, event->length, event->request,
          event->flags & EVENT_FUA ? " fua" : "",
          event->flags & EVENT_POWER ? " power" : "",
          event->error != 0 ? " ERROR" : "");
  printf ("\n");
}

void
bench_print_log (const struct bench *bench, uint64_t last, unsigned count)
{
  const uint8_t *end
      = (const uint8_t *)reclog_first (bench->log) + bench->log->used;

  for (const struct event *event = reclog_first (bench->log);
       (const uint8_t *)event < end; event = event_next (event))
    if (event->sequence + count > last && event->sequence <= last)
      print_event (event);
}
