/* SPDX-License-Identifier: BSD-3-Clause */
/* leg-file: a leg on a regular file or block device. */
#ifndef MIRROR_LEG_FILE_H
#define MIRROR_LEG_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "legs/leg.h"

/* Several O_DIRECT legs share one ring so that they work in parallel; where the
 * kernel or the build has none, they are asked in turn.
 */
struct ring;

/* Open and lock @path (absolute).  @direct: O_DIRECT.  Opens read-only when
 * writing is not permitted (caps.readonly says so).  0 and *@ret, or -errno
 * and @why (at least MESSAGE_MAX bytes): what is wrong and what to do, to
 * follow "disk PATH: ".  Nothing is written to the file.
 */
int leg_file_open (const char *path, bool direct, struct leg **ret,
                   char *why);

/* Only look at it: it is opened for reading, and not locked, so it may be in
 * use.  0, *@ret_fd (the caller closes it) and *@ret_size, or -errno and @why as
 * above.
 */
int leg_file_look (const char *path, int *ret_fd, uint64_t *ret_size,
                   char *why);

/* Why @fd, an open file or block device, cannot be written whatever open said:
 * for people, constant.  NULL: no such reason.
 */
const char *leg_file_why_readonly (int fd);

/* Behind what offset the file (@fd) reads as zeroes up to @size; @size if that
 * is not known.
 */
uint64_t leg_file_data_end (int fd, uint64_t size);

/* Can its size be changed?  A file's can. */
bool leg_file_can_resize (const struct leg *leg);

/* Before or after start, with nothing in flight, for one that can: it has @size
 * bytes, on stable storage; what is new are zeroes.  0 or -errno.
 */
int leg_file_resize (struct leg *leg, uint64_t size);

/* Before leg->ops->start, where there are several direct legs: use @ring for
 * reads and writes.  The rank becomes LEG_QUEUED.
 */
void leg_file_use_ring (struct leg *leg, struct ring *ring);

#endif /* MIRROR_LEG_FILE_H */
