/* SPDX-License-Identifier: BSD-3-Clause */
/* settings: what can be set while the server runs, until it ends.
 *
 * All values of one request are looked at before any of them is taken.
 */
#include <stdio.h>
#include <string.h>

#include "control/internal.h"
#include "ground/log.h"
#include "ground/util.h"

#define RATE_MIN "rebuild-rate-min"
#define RATE_MAX "rebuild-rate-max"
#define PROGRAM "event-program"
#define SPARE_DELAY "spare-delay"

/* ----------------------------------------------------------------- looking */

static void
add_rate (JsonBuilder *builder, const char *name, uint64_t rate)
{
  if (rate == 0)
    render_json_null (builder, name);
  else
    render_json_int (builder, name, rate);
}

void
settings_build (struct control *control, JsonBuilder *builder)
{
  struct array_snapshot snapshot;

  array_get_snapshot (control->config.array, &snapshot);
  add_rate (builder, RATE_MIN, snapshot.progress.rate_min);
  add_rate (builder, RATE_MAX, snapshot.progress.rate_max);
  render_json_string (builder, PROGRAM,
                      control->program == NULL
                        ? NULL : program_path (control->program));
  render_json_int (builder, SPARE_DELAY, snapshot.spare_delay_s);
}

/* ---------------------------------------------------------------- changing */

static bool
is_given (JsonObject *args, const char *name)
{
  return args != NULL && json_object_has_member (args, name);
}

/* The one that is given, or the one that there is; -1: it is no number. */
static int64_t
rate_of (JsonObject *args, const char *name, uint64_t now)
{
  return is_given (args, name) ? json_read_int (args, name, -1) : (int64_t)now;
}

static bool
change_rates (struct control *control, JsonObject *args, char *why)
{
  struct array *array = control->config.array;
  struct array_snapshot snapshot;
  int64_t low, high;

  if (!is_given (args, RATE_MIN) && !is_given (args, RATE_MAX))
    return true;
  array_get_snapshot (array, &snapshot);
  low = rate_of (args, RATE_MIN, snapshot.progress.rate_min);
  high = rate_of (args, RATE_MAX, snapshot.progress.rate_max);
  if (low > 0 && high > 0 && array_sync_set_rates (array, low, high) == 0)
    return true;
  if (low > 0 && high > 0)
    snprintf (why, MESSAGE_MAX, RATE_MIN " would be %lld, more than " RATE_MAX
              ", %lld: set both", (long long)low, (long long)high);
  else
    snprintf (why, MESSAGE_MAX, RATE_MIN " and " RATE_MAX " are bytes a "
              "second, more than 0");
  return false;
}

/* Is it null, or a program that can be called? */
static bool
check_program (JsonObject *args, char *why)
{
  const char *path = json_read_string (args, PROGRAM, NULL);

  if (!is_given (args, PROGRAM) || json_object_get_null_member (args, PROGRAM))
    return true;
  if (path != NULL && path[0] == '/')
    return control_check_program (path, why) == 0;
  snprintf (why, MESSAGE_MAX, PROGRAM " is an absolute path, or null");
  return false;
}

static bool
check_spare_delay (JsonObject *args, char *why)
{
  int64_t seconds = json_read_int (args, SPARE_DELAY, -1);

  if (!is_given (args, SPARE_DELAY)
      || (seconds >= 0 && seconds <= SPARE_DELAY_MAX_S))
    return true;
  snprintf (why, MESSAGE_MAX, SPARE_DELAY " is a number of seconds, 0 to %d",
            SPARE_DELAY_MAX_S);
  return false;
}

static void
change_program (struct control *control, JsonObject *args)
{
  const char *path = json_read_string (args, PROGRAM, NULL);

  if (!is_given (args, PROGRAM))
    return;
  if (control->program == NULL)
    control->program = program_new (control, path);
  else
    program_set_path (control->program, path);
}

bool
settings_change (struct control *control, JsonObject *args, char *why)
{
  if (!check_program (args, why) || !check_spare_delay (args, why)
      || !change_rates (control, args, why))
    return false;
  change_program (control, args);
  if (is_given (args, SPARE_DELAY))
    array_set_spare_delay (control->config.array,
                           (unsigned)json_read_int (args, SPARE_DELAY, 0));
  return true;
}
