/* SPDX-License-Identifier: BSD-3-Clause */
/* hang-limit: after how many seconds a test is taken for hanging.
 *
 * Header only.  No verdict, and no machine is too slow for it: the number is in
 * Makefile.inc, for all tests.
 */
#ifndef MIRROR_HANG_LIMIT_H
#define MIRROR_HANG_LIMIT_H

#include <stdlib.h>

static inline unsigned
hang_limit_s (void)
{
  const char *given = getenv ("MIRROR_HANG_LIMIT");

  return given != NULL && atoi (given) > 0 ? (unsigned)atoi (given) : 600;
}

#endif /* MIRROR_HANG_LIMIT_H */
