/* SPDX-License-Identifier: BSD-3-Clause */
/* extent-query: what a leg says of a range.
 *
 * Locks held on entry: any range.  May block on: a child, the disk.
 */
#ifndef MIRROR_EXTENT_QUERY_H
#define MIRROR_EXTENT_QUERY_H

#include <stdint.h>

struct extents;
struct pool;
struct request;

/* Of [@offset, @offset + @length) of the member's data, from its beginning on,
 * perhaps not up to its end; that it is data, if the leg cannot tell.
 */
void extent_query (struct request *request, struct pool *pool, unsigned place,
                   uint64_t offset, uint64_t length, struct extents *ret);

#endif /* MIRROR_EXTENT_QUERY_H */
