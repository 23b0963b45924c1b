/* SPDX-License-Identifier: BSD-3-Clause */
/* examine: the ways to show a member's metadata. */
#ifndef MIRROR_EXAMINE_H
#define MIRROR_EXAMINE_H

#include <json-glib/json-glib.h>

#include "ctl/member.h"

/* A good or bad word about its metadata: "ok", or why not. */
const char *examine_verdict_word (const struct member *member);

void examine_text (const struct member *member, bool bitmap, bool badblocks);
void examine_compare (struct member **members, unsigned count);
/* The bytes, field by field. */
void examine_raw (struct member *member);

void examine_json (struct member **members, unsigned count);

/* Of which slots no disk is in sync, for each array that several are of; in JSON
 * all slots, as "arrays": [...].
 */
void examine_arrays_text (struct member **members, unsigned count);
void examine_arrays_json (JsonBuilder *builder, struct member **members,
                          unsigned count);

/* In mdadm's own layout: --examine, --examine-bitmap, --examine-badblocks. */
void examine_mdadm (const struct member *member);
void examine_mdadm_bitmap (const struct member *member);
void examine_mdadm_badblocks (const struct member *member);

#endif /* MIRROR_EXAMINE_H */
