/* SPDX-License-Identifier: BSD-3-Clause */
/* slots-show: the slots of an array, as text and as JSON. */
#ifndef MIRROR_SLOTS_SHOW_H
#define MIRROR_SLOTS_SHOW_H

#include <json-glib/json-glib.h>

#include "ctl/member.h"
#include "logic/slots.h"

/* @slot is what slots_find made of these members. */

/* A line for the array and one for each slot without a disk in sync; nothing if
 * there is no such slot.
 */
void slots_print (const struct assembly *assembly, const struct slot *slot,
                  const struct member *const *member);

/* "slots": [...], all of them. */
void slots_json (JsonBuilder *builder, const struct assembly *assembly,
                 const struct slot *slot, const struct member *const *member);

#endif /* MIRROR_SLOTS_SHOW_H */
