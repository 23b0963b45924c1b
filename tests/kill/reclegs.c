/* SPDX-License-Identifier: BSD-3-Clause */
/* reclegs: an nbdkit plugin whose exports are disks in memory, for a mirror
 * that is going to be killed.
 *
 *     nbdkit reclegs.so log=FILE [leg=FILE ...]
 *
 * Export "0" is the first leg, and so on; leg files give the contents, and
 * are only read.  FILE of log= is what reclog.h describes: everything that is
 * asked of any leg is logged there.
 *
 * Export "ctl" takes commands, each as one write at offset 0:
 *
 *     load FILE ...           other legs, a new log
 *     jitter USEC             how long requests are in flight, at most
 *     kill PID N              SIGKILL to PID when N more starts and ends of
 *                             modifications and flushes have been logged;
 *                             from then on nothing is completed
 *     disarm                  no, do not kill it
 *     fail LEG KIND N TIMES   TIMES requests of that KIND (write, zero, trim,
 *                             flush, read) fail after N more of them
 *     heal                    nothing fails any more
 *     crash process SEED      the client is dead: what was in flight is done,
 *                             not done, or torn (see choose.h)
 *     crash power SEED        power cut: the same, and what was not durable is
 *                             kept or lost
 *     plant N                 after N more writes one is logged like any other
 *                             but not done: this has to be found out
 *
 * What this does is in recorder.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "recorder.h"

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

#define CTL RECLOG_LEGS
#define CTL_SIZE 4096u

static char *log_file;
static const char *leg_file[RECLOG_LEGS];
static unsigned leg_files;

static int
reply (int r)
{
  if (r == 0)
    return 0;
  nbdkit_set_error (-r);
  return -1;
}

/* ------------------------------------------------------------------ commands */

static const char *const kind_names[] = {
  [EVENT_READ] = "read", [EVENT_WRITE] = "write", [EVENT_ZERO] = "zero",
  [EVENT_TRIM] = "trim", [EVENT_FLUSH] = "flush",
};

static int
command_fail (unsigned leg, const char *kind, uint64_t after, uint64_t times)
{
  for (unsigned k = EVENT_READ; k <= EVENT_FLUSH; k++)
    if (strcmp (kind, kind_names[k]) == 0)
      return recorder_fail (leg, k, after, times);
  return -EINVAL;
}

static int
command_load (char *text)
{
  const char *files[RECLOG_LEGS];
  unsigned count = 0;
  char *rest = NULL;

  strtok_r (text, " ", &rest);
  for (char *file = strtok_r (NULL, " ", &rest);
       file != NULL && count < RECLOG_LEGS; file = strtok_r (NULL, " ", &rest))
    files[count++] = file;
  return recorder_load (files, count);
}

/* Locked.  0 or -errno. */
static int
command (char *text)
{
  unsigned long long a, b, c;
  char word[16];

  if (strncmp (text, "load ", 5) == 0)
    return command_load (text);
  if (sscanf (text, "fail %llu %15s %llu %llu", &a, word, &b, &c) == 4)
    return command_fail (a, word, b, c);
  if (sscanf (text, "jitter %llu", &a) == 1)
    recorder_jitter (a);
  else if (sscanf (text, "kill %llu %llu", &a, &b) == 2 && b > 0)
    recorder_kill (a, b);
  else if (strcmp (text, "disarm") == 0)
    recorder_kill (0, 0);
  else if (strcmp (text, "heal") == 0)
    recorder_heal ();
  else if (sscanf (text, "plant %llu", &a) == 1)
    recorder_plant (a);
  else if (sscanf (text, "crash process %llu", &a) == 1)
    recorder_crash (false, a);
  else if (sscanf (text, "crash power %llu", &a) == 1)
    recorder_crash (true, a);
  else
    return -EINVAL;
  return 0;
}

static int
rec_ctl (const void *buffer, uint32_t count, uint64_t offset)
{
  char text[CTL_SIZE];
  int r = -EINVAL;

  if (offset == 0 && count < sizeof text) {
    memcpy (text, buffer, count);
    text[count] = '\0';
    text[strcspn (text, "\n")] = '\0';
    pthread_mutex_lock (&reclog->lock);
    r = command (text);
    pthread_mutex_unlock (&reclog->lock);
  }
  return reply (r);
}

/* --------------------------------------------------------- nbdkit's callbacks */

static int
rec_pwrite (void *handle, const void *buffer, uint32_t count, uint64_t offset,
            uint32_t flags)
{
  const struct connection *connection = handle;
  struct event event = { .kind = EVENT_WRITE,
                         .offset = offset,
                         .length = count,
                         .flags = flags & NBDKIT_FLAG_FUA ? EVENT_FUA : 0 };

  if (connection->leg == CTL)
    return rec_ctl (buffer, count, offset);
  return reply (recorder_request (connection, event, buffer));
}

static int
rec_pread (void *handle, void *buffer, uint32_t count, uint64_t offset,
           uint32_t flags)
{
  const struct connection *connection = handle;

  (void)flags;
  if (connection->leg != CTL)
    return reply (recorder_read (connection, buffer, count, offset));
  memset (buffer, 0, count);
  return 0;
}

static int
modify (const struct connection *connection, struct event event)
{
  if (connection->leg == CTL)
    return reply (-EINVAL);
  return reply (recorder_request (connection, event, NULL));
}

static int
rec_zero (void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
  struct event event = { .kind = EVENT_ZERO,
                         .offset = offset,
                         .length = count,
                         .flags = flags & NBDKIT_FLAG_FUA ? EVENT_FUA : 0 };

  return modify (handle, event);
}

static int
rec_trim (void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
  struct event event = { .kind = EVENT_TRIM,
                         .offset = offset,
                         .length = count,
                         .flags = flags & NBDKIT_FLAG_FUA ? EVENT_FUA : 0 };

  return modify (handle, event);
}

static int
rec_flush (void *handle, uint32_t flags)
{
  (void)flags;
  return modify (handle, (struct event){ .kind = EVENT_FLUSH });
}

static void *
rec_open (int readonly)
{
  const char *name = nbdkit_export_name ();
  struct connection *connection = calloc (1, sizeof *connection);

  (void)readonly;
  if (connection == NULL)
    return NULL;
  connection->leg = CTL;
  if (strcmp (name, "ctl") != 0)
    connection->leg = name[0] == '\0' || name[1] != '\0'
                          ? ~0u
                          : (unsigned)(name[0] - '0');
  recorder_connect (connection);
  if (connection->leg != CTL && connection->leg >= reclog->legs) {
    free (connection);
    connection = NULL;
    nbdkit_error ("there is no leg %s", name);
  }
  return connection;
}

static void
rec_close (void *handle)
{
  free (handle);
}

static int64_t
rec_get_size (void *handle)
{
  const struct connection *connection = handle;

  return connection->leg == CTL ? CTL_SIZE : reclog->size[connection->leg];
}

static int
rec_block_size (void *handle, uint32_t *minimum, uint32_t *preferred,
                uint32_t *maximum)
{
  const struct connection *connection = handle;

  *minimum = connection->leg == CTL ? 1 : SECTOR;
  *preferred = 4096;
  *maximum = 32 << 20;
  return 0;
}

static int
yes (void *handle)
{
  (void)handle;
  return 1;
}

static int
rec_can_fua (void *handle)
{
  (void)handle;
  return NBDKIT_FUA_NATIVE;
}

static int
rec_config (const char *key, const char *value)
{
  if (strcmp (key, "log") == 0) {
    log_file = nbdkit_absolute_path (value);
    return log_file == NULL ? -1 : 0;
  }
  if (strcmp (key, "leg") == 0 && leg_files < RECLOG_LEGS) {
    leg_file[leg_files++] = value;
    return 0;
  }
  nbdkit_error ("unknown parameter or too many: %s", key);
  return -1;
}

static int
rec_get_ready (void)
{
  int r = log_file == NULL ? -EINVAL : recorder_map (log_file);

  if (r == 0 && leg_files > 0)
    r = recorder_load (leg_file, leg_files);
  if (r == 0)
    return 0;
  nbdkit_error ("log= or leg=: %s", strerror (-r));
  return -1;
}

static struct nbdkit_plugin plugin = {
  .name = "reclegs",
  .longname = "legs that record",
  .config = rec_config,
  .config_help = "log=FILE  where everything is logged (reclog.h)\n"
                 "leg=FILE  contents of a leg; any number",
  .get_ready = rec_get_ready,
  .open = rec_open,
  .close = rec_close,
  .get_size = rec_get_size,
  .block_size = rec_block_size,
  .can_write = yes,
  .can_flush = yes,
  .can_fua = rec_can_fua,
  .can_zero = yes,
  .can_fast_zero = yes,
  .can_trim = yes,
  .can_multi_conn = yes,
  .pread = rec_pread,
  .pwrite = rec_pwrite,
  .zero = rec_zero,
  .trim = rec_trim,
  .flush = rec_flush,
};

/* nbdkit's macro defines this, and declares it nowhere. */
NBDKIT_DLL_PUBLIC struct nbdkit_plugin *plugin_init (void);
NBDKIT_REGISTER_PLUGIN (plugin)
