/* SPDX-License-Identifier: BSD-3-Clause */
/* signature: does a disk look used? */
#ifndef MIRROR_SIGNATURE_H
#define MIRROR_SIGNATURE_H

#include "ctl/member.h"

/* "ext4 file system, gpt partition table", or NULL: nothing known was
 * found, as far as can be told.  To be freed by g_free.  -errno in @*ret_error
 * if it could not be looked at.
 */
char *signature_find (struct member *member, int *ret_error);

#endif /* MIRROR_SIGNATURE_H */
