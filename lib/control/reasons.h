/* SPDX-License-Identifier: BSD-3-Clause */
/* reasons: why the array is not as it should be, and what to do. */
#ifndef MIRROR_REASONS_H
#define MIRROR_REASONS_H

#include "control/internal.h"

/* "reasons": [...], into an object that is begun; worst first. */
void reasons_build (struct control *control, JsonBuilder *builder,
                    const struct array_snapshot *snapshot);

#endif /* MIRROR_REASONS_H */
