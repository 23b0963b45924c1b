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
  uint8_t device_uuid[LEGS_MAX][16];
  uint64_t created; /* SB1_TIME; the same on all members, or mdadm refuses
                       them */
  struct member *member[LEGS_MAX]; /* NULL: missing */
  char *found[LEGS_MAX]; /* what is on it already, or NULL */
  uint32_t keeps_data;   /* bit per slot: nothing that looks like an old
                            superblock is erased there */
};

/* Instead of a disk. */
#define MISSING "missing"

/* "nbdkit ..."; to be freed. */
char *create_serve_command (const struct create *create);

/* The plan, that it is done, and both as JSON: for people the shell's command
 * that serves the array.
 */
void create_print_plan (const struct create *create);
void create_print_done (const struct create *create);
void create_print_json (const struct create *create, bool created);

/* NULL: that of all who give none.  False: told. */
bool create_parse_name (const char *name, struct create_wish *wish);

/* Is the disk in @slot none of those before it?  False: told. */
bool create_check_apart (const struct create *create, unsigned slot);

/* Give the array and its members their uuids, and its time.  False: told. */
bool create_begin (struct create *create);

/* Write all members, after that.  An exit status; failures are told, with what
 * to do.
 */
int create_write (struct create *create, const char *if_fails);

#endif /* MIRROR_CREATE_H */
