/* SPDX-License-Identifier: BSD-3-Clause */
/* program: what the user wants called for events, as mdadm --monitor does.
 *
 *   PROGRAM EVENT ARRAY [DISK]
 *
 * One call at a time, each with a time limit; more events wait in a queue that
 * has one, too: what finds it full is not called for, which the log says.
 * The event itself, as JSON, is the program's standard input.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/internal.h"
#include "control/source.h"
#include "ground/util.h"

extern char **environ;

struct call {
  char name[32];
  struct event event;
};

struct program {
  struct control *control;
  char *path;     /* NULL: none is called */
  char *running;  /* the path of the one that runs */
  GQueue waiting; /* struct call */
  pid_t pid;      /* 0: none runs */
  int pidfd;
  GSource *end, *limit;
  bool told_full; /* and not called since */
};

/* ------------------------------------------------------------- one process */

/* The file is gone with its last descriptor. */
static int
event_as_file (const struct program *program, const struct event *event)
{
  JsonBuilder *builder = json_builder_new ();
  int fd = memfd_create ("event", MFD_CLOEXEC);
  g_autofree char *line = NULL;
  size_t length;

  event_build (program->control, builder, event);
  line = render_json_line (builder);
  length = strlen (line);
  if (fd == -1)
    return -1;
  if (write (fd, line, length) != (ssize_t)length
      || write (fd, "\n", 1) != 1 || lseek (fd, 0, SEEK_SET) == -1) {
    close (fd);
    return -1;
  }
  return fd;
}

/* A group of its own, so that all of it can be ended; signals as in a new
 * process; nothing open but its input and two null devices.
 */
static int
spawn (const struct program *program, const struct call *call, int input,
       pid_t *ret)
{
  char *words[] = { program->path, (char *)call->name,
                    program->control->name,
                    call->event.disk[0] == '\0' ? NULL
                                                : (char *)call->event.disk,
                    NULL };
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  sigset_t signals;
  int r;

  posix_spawn_file_actions_init (&files);
  posix_spawn_file_actions_adddup2 (&files, input, STDIN_FILENO);
  posix_spawn_file_actions_addopen (&files, STDOUT_FILENO, "/dev/null",
                                    O_WRONLY, 0);
  posix_spawn_file_actions_addopen (&files, STDERR_FILENO, "/dev/null",
                                    O_WRONLY, 0);
  posix_spawn_file_actions_addclosefrom_np (&files, STDERR_FILENO + 1);
  posix_spawnattr_init (&attributes);
  posix_spawnattr_setflags (&attributes, POSIX_SPAWN_SETPGROUP
                                           | POSIX_SPAWN_SETSIGMASK
                                           | POSIX_SPAWN_SETSIGDEF);
  sigemptyset (&signals);
  posix_spawnattr_setsigmask (&attributes, &signals);
  sigfillset (&signals);
  posix_spawnattr_setsigdefault (&attributes, &signals);
  r = posix_spawn (ret, program->path, &files, &attributes, words, environ);
  posix_spawnattr_destroy (&attributes);
  posix_spawn_file_actions_destroy (&files);
  return -r;
}

/* ----------------------------------------------------------------- in turn */

static void next (struct program *program);

static void
forget (struct program *program)
{
  source_drop (&program->end);
  source_drop (&program->limit);
  close (program->pidfd);
  waitpid (program->pid, NULL, 0);
  program->pid = 0;
}

static gboolean
on_end (G_GNUC_UNUSED int fd, G_GNUC_UNUSED GIOCondition condition,
        void *data)
{
  struct program *program = data;

  forget (program);
  next (program);
  return G_SOURCE_CONTINUE; /* of one that is destroyed by now */
}

static gboolean
on_limit (void *data)
{
  struct program *program = data;

  log_error ("event-program %.300s: did not end within %d seconds and was "
             "killed", program->running, PROGRAM_LIMIT_S);
  kill (-program->pid, SIGKILL);
  source_drop (&program->limit);
  return G_SOURCE_CONTINUE;
}

static void
watch (struct program *program)
{
  GMainContext *context = program->control->context;

  source_watch_fd (&program->end, context, program->pidfd, G_IO_IN, on_end,
                   program);
  source_watch_time (&program->limit, context, PROGRAM_LIMIT_S * 1000, on_limit,
                     program);
}

/* 0, or -errno. */
static int
start (struct program *program, const struct call *call)
{
  int input = event_as_file (program, &call->event);
  int r;

  if (input == -1)
    return -errno;
  r = spawn (program, call, input, &program->pid);
  close (input);
  if (r < 0)
    return r;
  program->pidfd = (int)syscall (SYS_pidfd_open, program->pid, 0);
  if (program->pidfd == -1) {
    r = -errno;
    kill (-program->pid, SIGKILL);
    waitpid (program->pid, NULL, 0);
    program->pid = 0;
    return r;
  }
  g_free (program->running);
  program->running = g_strdup (program->path);
  watch (program);
  return 0;
}

/* Messages of ours say "event-program", and call nobody. */
static void
next (struct program *program)
{
  while (program->pid == 0 && !g_queue_is_empty (&program->waiting)) {
    g_autofree struct call *call = g_queue_pop_head (&program->waiting);
    int r = start (program, call);

    if (r < 0)
      log_error ("event-program %.300s: cannot be called: %s", program->path,
                 log_strerror (r));
  }
  program->told_full &= !g_queue_is_empty (&program->waiting);
}

/* ------------------------------------------------------------------ events */

static void
put (struct program *program, const char *name, const struct event *event)
{
  struct call *call;

  if (program->path == NULL)
    return;
  if (g_queue_get_length (&program->waiting) >= PROGRAM_WAITING_MAX) {
    if (!program->told_full)
      log_error ("event-program %.300s: is not called for all events: too many "
                 "wait", program->path);
    program->told_full = true;
    return;
  }
  call = g_new0 (struct call, 1);
  snprintf (call->name, sizeof call->name, "%s", name);
  call->event = *event;
  g_queue_push_tail (&program->waiting, call);
}

/* mdadm's words, where it has some. */
void
program_tell (struct program *program, const struct event *event)
{
  static const struct {
    const char *kind;
    const char *name[2];
  } names[] = {
    { "RebuildFinished", { "RebuildFinished", "SpareActive" } },
    { "RebuildStopped", { "RebuildFinished", NULL } },
    { "ResyncStarted", { "RebuildStarted", NULL } },
    { "ResyncFinished", { "RebuildFinished", NULL } },
  };
  char name[32];

  if (strcmp (event->kind, "Message") == 0)
    return;
  if (strcmp (event->kind, "RebuildProgress") == 0) {
    snprintf (name, sizeof name, "Rebuild%.2s", event->text);
    put (program, name, event);
    next (program);
    return;
  }
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    if (strcmp (event->kind, names[i].kind) == 0) {
      for (unsigned j = 0; j < 2 && names[i].name[j] != NULL; j++)
        put (program, names[i].name[j], event);
      next (program);
      return;
    }
  put (program, event->kind, event);
  next (program);
}

/* -------------------------------------------------------------------- life */

struct program *
program_new (struct control *control, const char *path)
{
  struct program *program = g_new0 (struct program, 1);

  program->control = control;
  program->path = g_strdup (path);
  g_queue_init (&program->waiting);
  return program;
}

const char *
program_path (const struct program *program)
{
  return program->path;
}

void
program_set_path (struct program *program, const char *path)
{
  g_free (program->path);
  program->path = g_strdup (path);
  if (path == NULL)
    g_queue_clear_full (&program->waiting, g_free);
}

/* One that runs goes on by itself. */
void
program_free (struct program *program)
{
  if (program == NULL)
    return;
  source_drop (&program->end);
  source_drop (&program->limit);
  if (program->pid != 0)
    close (program->pidfd);
  g_queue_clear_full (&program->waiting, g_free);
  g_free (program->path);
  g_free (program->running);
  g_free (program);
}
