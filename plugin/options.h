/* SPDX-License-Identifier: BSD-3-Clause */
/* options: what the user typed, checked as far as text can be. */
#ifndef MIRROR_OPTIONS_H
#define MIRROR_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/array.h"
#include "logic/layout.h"

struct options {
  uint32_t given;       /* which parameters were, by their place in the table */
  char *disk[LEGS_MAX]; /* URIs and absolute paths; ours to free */
  unsigned disks;
  enum level level;
  bool level_given;
  const char *layout_name; /* NULL: not given */
  uint64_t chunk;          /* bytes; 0: not given */
  unsigned pool;           /* 0: not given */
  bool direct;             /* cache=none */
  unsigned timeout_s;
  unsigned flush_timeout_s; /* 0 until options_complete: not given */
  unsigned connections;     /* to each server */
  enum array_metadata metadata;
  bool no_degraded;        /* degraded=no */
  unsigned degraded_wait_s;
  unsigned keep;           /* on-split-brain=leg:N: N + 1; 0: not given */
  uint64_t sync_min, sync_max; /* bytes a second; 0: not given */
  unsigned resync_budget_s;
  unsigned spare_delay_s;
  unsigned reconnect_s;
  unsigned no_leg_timeout_s;
  char *state;             /* state=, absolute, ours to free; NULL */
  char *control;           /* an absolute path, ours to free; NULL: default */
  bool no_control;         /* control=none */
  char *metrics;           /* metrics=, a path in it absolute; ours to free;
                              NULL */
  char *program;           /* event-program=, absolute, ours to free; NULL */
  struct layout layout;    /* options_complete: of a plain array */
};

void options_init (struct options *options);
void options_free (struct options *options);

/* One key=value.  0, or -1 and said. */
int options_parse (struct options *options, const char *key,
                   const char *value);

/* All of them together, as far as it does not matter whether the disks turn
 * out to be members of an md array.  0, or -1 and said.
 */
int options_complete (struct options *options);

/* They do not: is it a plain array that can be?  0, or -1 and said. */
int options_check_plain (const struct options *options);

#define OPTIONS_HELP                                                          \
  "disk=DISK        (required) a file, a block device or an NBD URI; disk= "  \
  "may be\n"                                                                  \
  "                 left out.  Without metadata: twice or more.\n"            \
  "level=raid1|raid10   raid1 (default): every disk holds everything.\n"      \
  "layout=nK|fK|oK      raid10: K copies, near (default n2), far or "         \
  "offset.\n"                                                                 \
  "chunk=SIZE       raid10: chunk size, a power of two (default 512K).\n"     \
  "metadata=auto|md|none   auto (default): by what is on the disks; md: md\n"  \
  "                 arrays only; none: plain, whatever is on the disks.\n"    \
  "state=FILE       without metadata: remember in FILE which disks are in sync "  \
  "and\n"                                                                     \
  "                 what may differ (default: nowhere).\n"                     \
  "pool=N           number of child requests, allocated at the start "        \
  "(default 128).\n"                                                          \
  "cache=page|none  local disks through the page cache (default) or "         \
  "O_DIRECT.\n"                                                               \
  "timeout=SECONDS  a remote disk that does not answer for so long is out\n"  \
  "                 (default 30).\n"                                          \
  "flush-timeout=SECONDS   the same for flushing and zeroing (default: four "  \
  "times\n"                                                                   \
  "                 timeout=).\n"                                             \
  "connections=N    to each remote disk whose server offers multi-conn "      \
  "(default 2).\n"                                                            \
  "degraded=yes|no|wait:SECONDS   md: whether to start with disks missing, "  \
  "and\n"                                                                     \
  "                 after how many seconds (default wait:30).\n"              \
  "on-split-brain=leg:N   md: keep the data of disk N; the first is 0.\n"     \
  "sync_min=SIZE    md: minimum resync speed while clients are busy, in "     \
  "bytes\n"                                                                   \
  "                 per second (default 1000K).\n"                            \
  "sync_max=SIZE    md: maximum resync speed (default 200000K).\n"              \
  "resync-budget=SECONDS   md: bits stay for regions in use: a resync "         \
  "after a crash\n"                                                            \
  "                 may take so long for them (default 10; 0: none stays).\n"   \
  "reconnect=SECONDS|no   lost disks are tried again, so often at least "      \
  "(default\n"                                                                \
  "                 30).\n"                                                    \
  "no-leg-timeout=SECONDS   md: requests wait so long for a lost disk that "   \
  "holds\n"                                                                   \
  "                 the only copy (default 0: they fail).\n"                  \
  "spare-delay=SECONDS   md: how long a slot is empty before a spare steps "   \
  "in\n"                                                                      \
  "                 (default 0: at once).\n"                                  \
  "control=SOCKET|none   where nbdmirror reaches the server (default: in "     \
  "the\n"                                                                     \
  "                 runtime directory, named after the array).\n"                   \
  "metrics=unix:/PATH|127.0.0.1:PORT   serve metrics for Prometheus there, "   \
  "by\n"                                                                       \
  "                 HTTP (default: nowhere).\n"                                \
  "event-program=FILE   called as FILE EVENT ARRAY [DISK], as by mdadm "       \
  "--monitor."

#endif /* MIRROR_OPTIONS_H */
