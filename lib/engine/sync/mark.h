/* SPDX-License-Identifier: BSD-3-Clause */
/* mark: how a disk becomes a copy in an array without metadata.
 *
 *   mark_store    before anything else is written there: its first bytes say
 *                 that it is no copy (logic/unfinished), durably; clients'
 *                 writes leave them alone
 *   mark_quarantine   if an old server of it may still do what it was sent:
 *                 that is waited for, and they say so again (in an array with
 *                 metadata its superblock and bitmap do)
 *   rebuild       everything behind them
 *   mark_replace  flush; the first bytes; flush; and only then it is read
 *
 * So whenever this ends early a later start knows.  A member without room for
 * the mark has none.
 */
#ifndef MIRROR_MARK_H
#define MIRROR_MARK_H

struct array;
struct member;
struct request;

/* @member, which is in no view yet, is to be rebuilt in @slot. */
void mark_plan (const struct array *array, struct member *member,
                unsigned slot);

/* Mark @member, which the newest view has, if that is planned, with a request
 * that has no round; its rebuild waits for that.  0, also if it fails: then it
 * is out; or -errno of a flush that failed before.  Blocks on a flush round, a
 * child, the disk.
 */
int mark_store (struct request *request, struct member *member);

/* Before anything is copied to @member: its old server is done with what it was
 * sent (member->quarantine_ns), so all that it has spoilt is copied.  In
 * resync's thread; others' rebuilds wait so long.  Should the mirror stop within
 * that time the mark may be spoilt, too.  0, also if it fails; -ECANCELED if it
 * is time to stop; or -errno of a flush that failed before.
 */
int mark_quarantine (struct array *array, struct member *member);

/* All of @member in @slot but the mark was copied: to its end.  In resync's
 * thread.  0, also if it fails meanwhile; -ECANCELED if it is time to stop; or
 * -errno of what cannot be copied.
 */
int mark_replace (struct array *array, struct member *member, unsigned slot);

#endif /* MIRROR_MARK_H */
