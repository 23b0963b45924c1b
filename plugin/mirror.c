/* SPDX-License-Identifier: BSD-3-Clause */
/* mirror: the nbdkit plugin: its life in calling order, and the table of
 * callbacks at the bottom.
 *
 *   load, config..., config_complete   text only
 *   get_ready     open, lock and connect the disks, wait for those of an md
 *                 array that may still come; the last place where the user
 *                 sees an error.  No threads, no writes: the server binds its
 *                 socket later and may still fail
 *   after_fork    threads; little that can fail, since nbdkit is silent about
 *                 it, and may be in the background
 *   (requests: serve.c)
 *   cleanup       flush, stop threads, close
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ground/ground.h"
#include "ground/log.h"
#include "ground/signals.h"
#include "ground/util.h"
#include "legs/leg-nbd.h"
#include "legs/ring.h"
#include "plugin/open-legs.h"
#include "plugin/options.h"
#include "plugin/plugin.h"
#include "plugin/sockets.h"

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

struct array *the_array;

static struct options options;
static struct leg *legs[LEGS_MAX];
static struct control *control; /* NULL: none */

static void
mirror_load (void)
{
  messages_begin ();
  clients_begin ();
  sockets_remember_stdin ();
  signals_become_errors ();
  options_init (&options);
}

static int
mirror_config (const char *key, const char *value)
{
  return options_parse (&options, key, value);
}

static int
mirror_config_complete (void)
{
  return options_complete (&options);
}

static struct array_config
array_config (void)
{
  return (struct array_config){ .opener = open_legs_opener (&options),
                                .legs = options.disks,
                                .layout = options.layout,
                                .level_given = options.level_given,
                                .layout_given = options.layout_name != NULL,
                                .chunk_given = options.chunk != 0,
                                .metadata = options.state != NULL
                                              ? ARRAY_METADATA_MD
                                              : options.metadata,
                                .no_degraded = options.no_degraded,
                                .keep = options.keep,
                                .sync_min = options.sync_min,
                                .sync_max = options.sync_max,
                                .resync_budget_s = options.resync_budget_s,
                                .spare_delay_s = options.spare_delay_s,
                                .names = (const char *const *)options.disk,
                                .reconnect_s = options.reconnect_s,
                                .no_leg_timeout_s = options.no_leg_timeout_s,
                                .pool = options.pool };
}

static int
mirror_get_ready (void)
{
  struct array_config config = array_config ();
  struct array_limits limits;
  const char *absent[LEGS_MAX];
  char why[MESSAGE_MAX] = "";

  if ((options.control != NULL && control_check (options.control, why) < 0)
      || (options.program != NULL
          && control_check_program (options.program, why) < 0)
      || (options.metrics != NULL
          && control_check_metrics (options.metrics, why) < 0)) {
    log_error ("%s", why);
    return -1;
  }
  if (open_legs (&options, legs, absent) == -1)
    return -1;
  if (array_create (&config, legs, absent, &the_array, why) < 0) {
    if (options.state != NULL)
      log_error ("state file %.200s: %s", options.state, why);
    else
      log_error ("%s", why);
    close_legs (&options, legs);
    close_legs_rest ();
    return -1;
  }
  if (open_legs_publish (the_array) == -1) {
    array_close (the_array);
    close_legs_rest ();
    return -1;
  }
  array_get_limits (the_array, &limits);
  if (limits.why_readonly != NULL)
    log_notice ("%s", limits.why_readonly);
  return 0;
}

/* A leg may owe an answer for its longest timeout, twice: zeroes, then a flush.
 */
static uint64_t
drain_ns (void)
{
  return (2 * options.flush_timeout_s + 1) * GROUND_S;
}

/* As an operator does. */
static void
stop_server (void)
{
  kill (getpid (), SIGTERM);
}

/* 0, and @text says where it is, or why not; or -1 and said: it was asked for
 * by name.
 */
static int
start_control (char *text, size_t size)
{
  struct control_config config = { .array = the_array,
                                   .path = options.control,
                                   .state = options.state,
                                   .no_sockets = options.no_control,
                                   .program = options.program,
                                   .metrics = options.metrics,
                                   .peers = clients_list,
                                   .is_unstored = open_legs_is_unstored,
                                   .stop = stop_server };
  char why[MESSAGE_MAX];

  snprintf (text, size, "no control socket");
  if (options.no_control && options.program == NULL && options.metrics == NULL)
    return 0;
  if (control_start (&config, &control, why) == 0) {
    if (control_metrics_fd (control) != -1)
      sockets_leave_fd_alone (control_metrics_fd (control));
    if (options.no_control)
      return 0;
    sockets_leave_alone (control_path (control),
                         control_path_readonly (control));
    snprintf (text, size, "control socket %s", control_path (control));
  } else if (options.control != NULL || options.program != NULL
             || options.metrics != NULL) {
    log_error ("%s", why);
    return -1;
  } else
    snprintf (text, size, "no control socket: %.200s", why);
  return 0;
}

static int
mirror_after_fork (void)
{
  char control_text[250];
  int r;

  open_legs_ring (&options, legs, the_array);
  if (array_start (the_array) < 0)
    return -1;
  r = array_watch (the_array);
  if (r == 0)
    r = watcher_start (drain_ns ());
  if (r < 0) {
    log_error ("the thread that waits for the stop cannot be started: %s; "
               "raise the limits (ulimit -n, -u, -v)",
               log_strerror (r));
    return -1;
  }
  if (start_control (control_text, sizeof control_text) < 0)
    return -1;
  start_line_tell (&options, legs, control_text);
  return 0;
}

static void
end_with_failure (void)
{
  fflush (NULL);
  _exit (EXIT_FAILURE);
}

/* nbdkit has no way to end with an error after it has served.  So that is done
 * when it has ended all that is its own; it closes us before, hence this library
 * has to stay.
 */
static void
fail_at_exit (void)
{
  Dl_info us;

  if (dladdr (&the_array, &us) != 0
      && dlopen (us.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE) != NULL)
    atexit (end_with_failure);
}

/* Also reached when no client was there to keep the server: then the watcher
 * has done, or is doing, the same.
 */
static void
mirror_cleanup (void)
{
  array_quiesce (the_array, ground_now () + drain_ns ());
  if (!open_legs_check_at_stop ())
    fail_at_exit ();
  watcher_guard ();
  control_stop (control);
  array_close (the_array);
  close_legs_rest ();
  watcher_stop ();
  the_array = NULL;
}

static void
mirror_unload (void)
{
  options_free (&options);
  signals_restore ();
}

/* Called before config_complete, too: only what is known then. */
static void
mirror_dump_plugin (void)
{
  struct array_config config = array_config ();

  config.layout.slots = MAX (options.disks, 2u);
  printf ("mirror_levels=raid1,raid10\n");
  printf ("mirror_layouts=near,far,offset\n");
  printf ("mirror_metadata=1.0,1.1,1.2\n");
  printf ("mirror_disks_max=%d\n", LEGS_MAX);
  printf ("mirror_pool_default=%d\n", POOL_DEFAULT);
  printf ("mirror_pool_minimum=%u\n",
          array_pool_minimum (config.layout.slots));
  printf ("mirror_chunk_default=%u\n", CHUNK_DEFAULT);
  printf ("mirror_timeout_default=%d\n", LEG_TIMEOUT_DEFAULT_S);
  printf ("mirror_flush_timeout_default=%d\n",
          LEG_FLUSH_TIMEOUT_FACTOR * LEG_TIMEOUT_DEFAULT_S);
  printf ("mirror_degraded_default=wait:%d\n", DEGRADED_WAIT_DEFAULT_S);
  printf ("mirror_sync_min_default=%u\n", SYNC_MIN_DEFAULT);
  printf ("mirror_sync_max_default=%u\n", SYNC_MAX_DEFAULT);
  printf ("mirror_request_memory=%llu\n",
          (unsigned long long)array_memory (&config, options.direct, false));
  printf ("mirror_request_memory_md=%llu\n",
          (unsigned long long)array_memory (&config, options.direct, true));
  printf ("mirror_nbdkit_client_can_stop=%d\n", start_line_nbdkit_can_die ());
  printf ("mirror_io_uring=%s\n", ring_probe ());
  printf ("mirror_libnbd_version=%s\n", leg_nbd_library_version ());
  printf ("mirror_libnbd_tls=%d\n", leg_nbd_library_has_tls ());
  printf ("mirror_libnbd_uri=%d\n", leg_nbd_library_has_uri ());
}

static struct nbdkit_plugin plugin = {
  .name = "mirror",
  .longname = "mirrored storage",
  .version = PACKAGE_VERSION,
  .description = "RAID1 and RAID10 over files, block devices and remote NBD "
                 "exports: every write is on every disk.",
  .magic_config_key = "disk",
  .config_help = OPTIONS_HELP,
  .errno_is_preserved = 0,

  .load = mirror_load,
  .config = mirror_config,
  .config_complete = mirror_config_complete,
  .dump_plugin = mirror_dump_plugin,
  .get_ready = mirror_get_ready,
  .after_fork = mirror_after_fork,
  .cleanup = mirror_cleanup,
  .unload = mirror_unload,

  .open = mirror_open,
  .close = mirror_close,
  .get_size = mirror_get_size,
  .block_size = mirror_block_size,
  .export_description = mirror_export_description,
  .can_write = mirror_can_write,
  .can_flush = mirror_can_flush,
  .can_fua = mirror_can_fua,
  .is_rotational = mirror_is_rotational,
  .can_trim = mirror_can_trim,
  .can_zero = mirror_can_zero,
  .can_fast_zero = mirror_can_fast_zero,
  .can_extents = mirror_can_extents,
  .can_multi_conn = mirror_can_multi_conn,
  .can_cache = mirror_can_cache,

  .pread = mirror_pread,
  .pwrite = mirror_pwrite,
  .flush = mirror_flush,
  .trim = mirror_trim,
  .zero = mirror_zero,
  .extents = mirror_extents,
  .cache = mirror_cache,
};

/* nbdkit's macro defines this, and declares it nowhere. */
NBDKIT_DLL_PUBLIC struct nbdkit_plugin *plugin_init (void);
NBDKIT_REGISTER_PLUGIN (plugin)
