/* SPDX-License-Identifier: BSD-3-Clause */
/* answer: why an order is refused. */
#ifndef MIRROR_ANSWER_H
#define MIRROR_ANSWER_H

#include "engine/array.h"

/* Put why into *@answer, @reason a constant, and return @error for the caller
 * to pass on.
 */
int change_refuse (struct array_answer *answer, int error, const char *reason,
                   const char *format, ...)
  __attribute__ ((format (printf, 4, 5)));

#endif /* MIRROR_ANSWER_H */
