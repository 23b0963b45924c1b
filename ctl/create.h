/* SPDX-License-Identifier: BSD-3-Clause */
/* create: what its files share. */
#ifndef MIRROR_CREATE_H
#define MIRROR_CREATE_H

#include "ctl/member.h"
#include "logic/create-plan.h"

struct create {
  struct create_wish wish;
  struct create_plan plan;
  uint8_t set_uuid[16];
  uint64_t created; /* SB1_TIME; the same on all members, or mdadm refuses
                       them */
  struct member *member[LEGS_MAX]; /* NULL: missing */
  char *found[LEGS_MAX]; /* what is on it already, or NULL */
};

/* Instead of a disk. */
#define MISSING "missing"

/* The plan, that it is done, and both as JSON: for people the shell's command
 * that serves the array.
 */
void create_print_plan (const struct create *create);
void create_print_done (const struct create *create);
void create_print_json (const struct create *create, bool created);

/* Write all members.  An exit status; failures are told. */
int create_write (struct create *create);

#endif /* MIRROR_CREATE_H */
