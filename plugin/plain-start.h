/* SPDX-License-Identifier: BSD-3-Clause */
/* plain-start: before disks are served as a plain array. */
#ifndef MIRROR_PLAIN_START_H
#define MIRROR_PLAIN_START_H

#include "legs/leg.h"
#include "plugin/options.h"

/* All of @legs are open, and options_check_plain has passed.  0, or -1 and
 * said.  Says what is unusual about them.
 */
int plain_start_check (const struct options *options, struct leg **legs);

#endif /* MIRROR_PLAIN_START_H */
