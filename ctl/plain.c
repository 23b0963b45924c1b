/* SPDX-License-Identifier: BSD-3-Clause */
/* plain: what a server would make of disks without md metadata.
 *
 * The rules are logic/plain's, as in the server, and so is what each disk
 * looks like (look).  That copies differ is not looked for: the server says
 * so, and starts.
 */
#include <glib.h>
#include <stdarg.h>
#include <stdio.h>

#include "ctl/assemble.h"
#include "ctl/ctl.h"

static void __attribute__ ((format (printf, 3, 4)))
refuse (struct dry_run *run, unsigned culprit, const char *format, ...)
{
  struct assembly *assembly = &run->verdict.assembly;
  va_list args;

  assembly->result = ASSEMBLE_REFUSED;
  assembly->culprit = culprit;
  va_start (args, format);
  vsnprintf (assembly->why, sizeof assembly->why, format, args);
  va_end (args);
}

static bool
look_at_all (struct dry_run *run, struct plain_refusal *ret)
{
  struct layout layout = { .level = LEVEL_RAID1, .slots = run->count };
  struct plain_look *looks = g_new0 (struct plain_look, run->count);
  const char *names[ASSEMBLE_MEMBERS_MAX];
  uint64_t common = UINT64_MAX;
  bool good;

  for (unsigned i = 0; i < run->count; i++) {
    names[i] = run->member[i]->name;
    common = MIN (common, run->member[i]->disk.size);
  }
  for (unsigned i = 0; i < run->count; i++) {
    struct look_disk disk = disk_look (&run->member[i]->disk);
    struct look_result result;

    look_at (&disk, common, &result);
    looks[i] = result.plain;
    if (result.error < 0)
      ctl_tell (names[i], "unreadable",
                "cannot be examined for other RAID formats, file systems "
                "and partition tables");
  }
  good = plain_check (looks, names, &layout, ret);
  g_free (looks);
  return good;
}

void
plain_judge (struct dry_run *run)
{
  struct plain_refusal refusal;

  if (run->metadata == METADATA_MD)
    refuse (run, 0,
            "has no md superblock, and metadata=md asks for the "
            "members of an md array");
  else if (run->count < 2)
    refuse (run, run->count,
            "a mirror of disks without metadata needs at "
            "least two");
  else if (look_at_all (run, &refusal))
    return;
  else if (refusal.is_certain)
    refuse (run, refusal.culprit, "%.700s; %s", refusal.why, refusal.advice);
  else if (run->metadata == METADATA_NONE)
    snprintf (run->verdict.assembly.why, sizeof run->verdict.assembly.why,
              "metadata=none, although disk %.200s %.700s",
              run->member[refusal.culprit]->name, refusal.why);
  else
    refuse (run, refusal.culprit,
            "%.700s; %s, or give metadata=none if it is "
            "a disk of a plain array all the same",
            refusal.why, refusal.advice);
}
