/* SPDX-License-Identifier: BSD-3-Clause */
/* habits: words that people bring from mdadm, and what they are called here. */
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "ctl/habits.h"

#define CREATE "nbdmirror create --level raid1 DISK DISK"
#define COUNT "the array has as many members as disks are named: " CREATE
#define ASSEMBLE                                                        \
  "nbdkit mirror DISK... serves the array; nbdmirror assemble --dry-run " \
  "DISK... tells what it would do"

/* A short one may have its value in the same word. */
static const struct {
  const char *short_name, *name;
  const char *hint;
} habits[] = {
  { "-C", "create", CREATE },
  { "-l", "level", CREATE },
  { "-n", "raid-devices", COUNT },
  { NULL, "raid-disks", COUNT },
  { "-x", "spare-devices", "nbdmirror create --spares N DISK... SPARE..." },
  { "-R", "run", "--yes does not ask" },
  { "-E", "examine", "nbdmirror examine DISK..." },
  { "-D", "detail", "nbdmirror detail ARRAY" },
  { "-S", "stop", "nbdmirror stop ARRAY" },
  { "-f", "fail", "nbdmirror fail ARRAY MEMBER" },
  { NULL, "set-faulty", "nbdmirror fail ARRAY MEMBER" },
  { "-r", "remove", "nbdmirror remove ARRAY MEMBER" },
  { "-a", "add", "nbdmirror add ARRAY DISK" },
  { NULL, "re-add", "nbdmirror readd ARRAY MEMBER" },
  { NULL, "add-spare", "nbdmirror spare ARRAY DISK" },
  { NULL, "replace", "nbdmirror replace ARRAY MEMBER DISK" },
  { NULL, "write-mostly", "nbdmirror write-mostly ARRAY MEMBER" },
  { "-G", "grow", "nbdmirror grow ARRAY --legs N, or --size max; nbdmirror "
    "bitmap" },
  { "-F", "monitor", "nbdkit mirror DISK... event-program=PROGRAM" },
  { NULL, "wait-clean", "nbdmirror wait --for clean ARRAY" },
  { "-W", "wait", "nbdmirror wait ARRAY" },
  { "-Q", "query", "nbdmirror examine DISK..." },
  { "-X", "examine-bitmap", "nbdmirror examine --bitmap DISK..." },
  { NULL, "examine-badblocks", "nbdmirror examine --badblocks DISK..." },
  { "-A", "assemble", ASSEMBLE },
  { NULL, "zero-superblock", "nbdmirror erase DISK..." },
  { "-y", NULL, "--yes does not ask" },
  { "-h", NULL, "nbdmirror --help" },
};

const char *
habits_hint (const char *word)
{
  bool is_short = word[0] == '-' && word[1] != '-';
  const char *name = word + strspn (word, "-");
  size_t length = strcspn (name, "=");

  for (size_t i = 0; i < G_N_ELEMENTS (habits); i++) {
    const char *other = habits[i].name;

    if (is_short && habits[i].short_name != NULL
        && strncmp (word, habits[i].short_name, 2) == 0)
      return habits[i].hint;
    if (!is_short && other != NULL && strlen (other) == length
        && strncmp (name, other, length) == 0)
      return habits[i].hint;
  }
  return NULL;
}
