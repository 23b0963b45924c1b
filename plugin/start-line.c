/* SPDX-License-Identifier: BSD-3-Clause */
/* start-line: once it serves, what is served, from which disks, and where. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "ground/log.h"
#include "plugin/plugin.h"
#include "plugin/sockets.h"

/* The disks in use, as given. */
static void
list_disks (const struct options *options, struct leg **legs, char *ret,
            size_t size)
{
  size_t used = 0;
  unsigned more = 0;

  ret[0] = '\0';
  for (unsigned i = 0; i < options->disks; i++) {
    if (legs[i] == NULL || !array_uses_leg (the_array, legs[i]))
      continue;
    if (used + strlen (options->disk[i]) + 40 > size)
      more++;
    else
      used += sprintf (ret + used, "%s%s", used == 0 ? "" : ", ",
                       options->disk[i]);
  }
  if (more > 0)
    sprintf (ret + used, "%s%u more", used == 0 ? "" : " and ", more);
}

/* Level, and for raid10 what follows from it. */
static void
name_layout (char *ret, size_t size)
{
  const struct layout layout = array_get_layout (the_array);
  char name[32];

  layout_name (&layout, name, sizeof name);
  if (layout.level == LEVEL_RAID1)
    snprintf (ret, size, "%s", name);
  else
    snprintf (ret, size, "raid10 (layout %s, chunk %lluK)", name,
              (unsigned long long)layout.chunk / 1024);
}

/* Before 1.34 a client that dies with requests under way stops the server.
 * nbdkit does not tell a plugin its version, but that one brought a function.
 */
bool
start_line_nbdkit_can_die (void)
{
  return dlsym (RTLD_DEFAULT, "nbdkit_disconnect") == NULL;
}

void
start_line_tell (const struct options *options, struct leg **legs,
                 const char *control)
{
  struct array_limits limits;
  struct array_status status;
  char layout[80], disks[MESSAGE_MAX / 2], where[MESSAGE_MAX / 4];

  if (start_line_nbdkit_can_die ())
    log_notice ("this nbdkit is older than 1.34: any client that dies with "
                "requests under way can stop it; nbdkit -t 1 is safe, or a "
                "newer nbdkit (see SECURITY in nbdkit-mirror-plugin(1))");
  array_get_limits (the_array, &limits);
  array_get_status (the_array, &status);
  name_layout (layout, sizeof layout);
  list_disks (options, legs, disks, sizeof disks);
  sockets_describe (where, sizeof where);
  log_notice ("serving %s: %s, %llu bytes%s, %d of %u disks in sync: %s; "
              "listening on %s; %s",
              options->state != NULL ? "an array with a state file"
              : status.md            ? "an md array"
                                     : "a plain array",
              layout,
              (unsigned long long)limits.size,
              limits.readonly ? ", read-only" : "",
              __builtin_popcount (status.in_sync), status.slots, disks, where,
              control);
}
