/* SPDX-License-Identifier: BSD-3-Clause */
/* examine-tell: what people should know of the disks at the start. */
#ifndef MIRROR_EXAMINE_TELL_H
#define MIRROR_EXAMINE_TELL_H

struct array;

/* After examine_plain or examine_md: says it, as notices. */
void examine_tell (struct array *array);

#endif /* MIRROR_EXAMINE_TELL_H */
