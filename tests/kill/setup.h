/* SPDX-License-Identifier: BSD-3-Clause */
/* setup: the kinds of arrays that rounds are made with, created once. */
#ifndef MIRROR_KILL_SETUP_H
#define MIRROR_KILL_SETUP_H

#include "members.h"

struct setup {
  const char *name;
  unsigned legs;
  const char *level;      /* NULL: a plain raid1 array */
  const char *layout;     /* of raid10 */
  const char *metadata;
  const char *bitmap;     /* chunk; NULL: none */
  uint32_t kib;           /* size of each member */
  bool differs;           /* at first every leg holds something else */
  /* Made. */
  char file[RECLOG_LEGS][128];
  uint8_t *image[RECLOG_LEGS];
  uint64_t size[RECLOG_LEGS];
  struct geometry geometry;
};

extern struct setup setups[];
extern const unsigned setup_count;

/* Make its members in @folder with the program @nbdmirror. */
void setup_make (struct setup *setup, const char *folder,
                 const char *nbdmirror);
void setup_free (struct setup *setup);

#endif /* MIRROR_KILL_SETUP_H */
