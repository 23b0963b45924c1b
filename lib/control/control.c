/* SPDX-License-Identifier: BSD-3-Clause */
/* control: its thread, its sockets, and who comes in. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/internal.h"
#include "control/scrape.h"
#include "ground/limits.h"
#include "ground/log.h"
#include "ground/text.h"
#include "ground/util.h"

int
control_check (const char *path, char *why)
{
  return door_check (path, why);
}

int
control_check_program (const char *path, char *why)
{
  struct stat st;
  int r = access (path, X_OK) == 0 && stat (path, &st) == 0 ? 0 : -errno;

  /* Directories are "executable", too. */
  if (r == 0 && !S_ISREG (st.st_mode))
    r = S_ISDIR (st.st_mode) ? -EISDIR : -EACCES;
  if (r < 0)
    snprintf (why, MESSAGE_MAX, "event-program=%.300s: cannot be called: %s",
              path, log_strerror (r));
  return r;
}

int
control_check_metrics (const char *place, char *why)
{
  return scrape_check (place, why);
}

static void
let_in (void *opaque, int connection)
{
  client_new (opaque, connection);
}

/* ------------------------------------------------------------------- names */

static void
name_uuid (struct control *control)
{
  if (control->identity.md)
    sb1_uuid_text (control->identity.uuid, control->uuid);
}

/* A plain array has no name of its own. */
static void
name_array (struct control *control)
{
  char *name = control->identity.name;
  char shown[TEXT_ESCAPE_MAX * sizeof control->identity.name + 1];

  name_uuid (control);
  text_mend (name, shown, sizeof shown);
  g_free (control->name);
  if (shown[0] != '\0')
    control->name = g_strdup (shown);
  else if (control->identity.md)
    control->name = g_strndup (control->uuid, 8);
  else
    control->name = g_strdup_printf ("%d", getpid ());
}

void
control_look (struct control *control)
{
  array_get_identity (control->config.array, &control->identity);
  array_get_limits (control->config.array, &control->limits);
  name_array (control);
}

/* ------------------------------------------------------------------- doors */

/* Both sockets, the second one beside the first. */
static int
open_doors (struct control *control, const char *path, char *why)
{
  struct listener *orders = &control->listener[LISTENER_ORDERS];
  struct listener *questions = &control->listener[LISTENER_QUESTIONS];
  g_autofree char *readonly = place_readonly (path);
  int r = door_open (&orders->door, path, 0600, why);

  if (r < 0)
    return r;
  r = door_open (&questions->door, readonly, 0666, why);
  if (r < 0)
    door_close (&orders->door);
  return r;
}

static int
open_in (struct control *control, const char *directory, const char *name,
         char *why)
{
  g_autofree char *path
    = g_strdup_printf ("%s/%s" PLACE_SOCKET, directory, name);

  return open_doors (control, path, why);
}

/* Arrays of the same name are told apart by their servers. */
static int
open_default (struct control *control, char *why)
{
  g_autofree char *directory = place_directory ();
  g_autofree char *name = place_name (control->name);
  g_autofree char *other = g_strdup_printf ("%s-%d", name, getpid ());
  int r;

  if (directory == NULL) {
    snprintf (why, MESSAGE_MAX, "XDG_RUNTIME_DIR is not set");
    return -ENOENT;
  }
  /* Root's is for all to find the sockets that answer questions. */
  if (g_mkdir_with_parents (directory, geteuid () == 0 ? 0755 : 0700) == -1) {
    int error = -errno;

    snprintf (why, MESSAGE_MAX, "%.300s cannot be made: %s", directory,
              log_strerror (error));
    return error;
  }
  r = open_in (control, directory, name, why);
  return r == -EADDRINUSE ? open_in (control, directory, other, why) : r;
}

static int
open_sockets (struct control *control, char *why)
{
  if (control->config.no_sockets)
    return 0;
  return control->config.path == NULL
           ? open_default (control, why)
           : open_doors (control, control->config.path, why);
}

static int
open_all (struct control *control, char *why)
{
  int r = open_sockets (control, why);

  if (r < 0 || control->config.metrics == NULL)
    return r;
  return scrape_new (control, control->config.metrics, &control->scrape, why);
}

/* -------------------------------------------------------------------- life */

static void
run (void *argument)
{
  struct control *control = argument;

  g_main_loop_run (control->loop);
}

static void
control_free (struct control *control)
{
  orders_end (control);
  clients_sweep (control, true);
  scrape_free (control->scrape);
  progress_end (control);
  events_end (control);
  program_free (control->program);
  for (unsigned i = 0; i < LISTENERS; i++)
    door_close (&control->listener[i].door);
  g_main_loop_unref (control->loop);
  g_main_context_unref (control->context);
  g_free (control->name);
  g_free (control);
}

/* GLib ends the process when a main loop cannot have its descriptors; so see
 * whether they are there.  0 or -errno.
 */
static int
check_descriptors (void)
{
  int fd[2];

  if (pipe2 (fd, O_CLOEXEC) == -1)
    return -errno;
  close (fd[0]);
  close (fd[1]);
  return 0;
}

static struct control *
control_new (const struct control_config *config)
{
  struct control *control = g_new0 (struct control, 1);

  control->config = *config;
  control->begin_ns = ground_now ();
  control_look (control);
  control->context = g_main_context_new ();
  control->loop = g_main_loop_new (control->context, FALSE);
  for (unsigned i = 0; i < LISTENERS; i++) {
    control->listener[i].control = control;
    control->listener[i].readonly = i == LISTENER_QUESTIONS;
    control->listener[i].door.fd = -1;
  }
  return control;
}

int
control_start (const struct control_config *config, struct control **ret,
               char *why)
{
  struct control *control;
  int r = check_descriptors ();

  if (r < 0) {
    snprintf (why, MESSAGE_MAX, "the control socket cannot be made: %s",
              log_strerror (r));
    return r;
  }
  control = control_new (config);
  r = open_all (control, why);
  if (r == 0) {
    for (unsigned i = 0; i < LISTENERS && !config->no_sockets; i++)
      door_watch (&control->listener[i].door, control->context, let_in,
                  &control->listener[i]);
    if (config->program != NULL)
      control->program = program_new (control, config->program);
    events_begin (control);
    orders_begin (control);
    progress_begin (control);
    r = ground_thread_start (&control->thread, "mirror-control", run, control);
    if (r < 0)
      snprintf (why, MESSAGE_MAX, "its thread cannot be started: %s",
                log_strerror (r));
  }
  if (r < 0)
    control_free (control);
  else
    *ret = control;
  return r;
}

const char *
control_path (const struct control *control)
{
  return control->listener[LISTENER_ORDERS].door.path;
}

const char *
control_path_readonly (const struct control *control)
{
  return control->listener[LISTENER_QUESTIONS].door.path;
}

int
control_metrics_fd (const struct control *control)
{
  return control->scrape == NULL ? -1 : scrape_fd (control->scrape);
}

static gboolean
on_stop (void *data)
{
  struct control *control = data;

  g_main_loop_quit (control->loop);
  return G_SOURCE_REMOVE;
}

void
control_stop (struct control *control)
{
  GSource *source;

  if (control == NULL)
    return;
  /* Not g_main_loop_quit from here: it does nothing before the loop runs. */
  source = g_idle_source_new ();
  g_source_set_callback (source, on_stop, control, NULL);
  g_source_attach (source, control->context);
  g_source_unref (source);
  ground_thread_join (&control->thread);
  control_free (control);
}
