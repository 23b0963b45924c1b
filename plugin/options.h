/* SPDX-License-Identifier: BSD-3-Clause */
/* options: what the user typed, checked as far as text can be. */
#ifndef MIRROR_OPTIONS_H
#define MIRROR_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "logic/layout.h"

struct options {
  char *disk[LEGS_MAX]; /* URIs and absolute paths; ours to free */
  unsigned disks;
  enum level level;
  const char *layout_name; /* NULL: not given */
  uint64_t chunk;          /* bytes; 0: not given */
  unsigned pool;           /* 0: not given */
  bool direct;             /* cache=none */
  unsigned timeout_s;
  struct layout layout;    /* options_complete */
};

void options_init (struct options *options);
void options_free (struct options *options);

/* One key=value.  0, or -1 and said. */
int options_parse (struct options *options, const char *key,
                   const char *value);

/* All of them together.  0, or -1 and said. */
int options_complete (struct options *options);

#define OPTIONS_HELP                                                          \
  "disk=DISK        (required, twice or more) a file, a block device or an "  \
  "NBD URI;\n"                                                                \
  "                 disk= may be left out.\n"                                 \
  "level=raid1|raid10   raid1 (default): every disk holds everything.\n"      \
  "layout=nK|fK|oK      raid10: K copies, near (default n2), far or "         \
  "offset.\n"                                                                 \
  "chunk=SIZE       raid10: chunk size, a power of two (default 512K).\n"     \
  "pool=N           child requests, allocated once (default 128).\n"          \
  "cache=page|none  local disks through the page cache (default) or "         \
  "O_DIRECT.\n"                                                               \
  "timeout=SECONDS  a remote disk that does not answer for so long is out "   \
  "(default 30)."

#endif /* MIRROR_OPTIONS_H */
