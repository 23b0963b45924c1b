/* SPDX-License-Identifier: BSD-3-Clause */
/* flush: what was acknowledged reaches stable storage on every member. */
#ifndef MIRROR_FLUSH_H
#define MIRROR_FLUSH_H

#include <stdint.h>

struct request;

/* Flush @slots, all at once, and wait.  A member whose flush failed is out
 * of the array when this returns, or stays as the last copy and makes every
 * later flush fail.  0, or -errno for the client.  Blocks on I/O.
 */
int flush_members (struct request *request, uint32_t slots);

#endif /* MIRROR_FLUSH_H */
