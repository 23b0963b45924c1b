/* SPDX-License-Identifier: BSD-3-Clause */
/* state-file: the head of a state file: which disks it speaks of.
 *
 * Pure.  A state file holds what an array without metadata on its disks has to
 * remember.  Of each disk it is the end that the disk does not have: behind the
 * used part of the image, an *area* in which the superblock and the bitmap lie as
 * on a member of version 1.0.
 *
 *   0         64 KiB     128 KiB    384 KiB    640 KiB
 *   | head    | head     | area 0   | area 1   | ...
 *               again
 *
 *   disk 0, as the array sees it:
 *   | image_size bytes of its image | up to 4 KiB | area 0 |
 *
 * The head is there twice, so that it can be changed: one copy after the other,
 * and each is whole or is known not to be.  Numbers are little-endian.
 *
 *   head  0 magic, 16 version, 24 checksum, 32 generation, 40 image_size,
 *         48 uuid, 1024 an entry of 1024 bytes for each area
 *   entry 0 whether it is used, 4 length of the text, 8 size, 16 the text
 *
 * All other bytes are 0.
 */
#ifndef MIRROR_STATE_FILE_H
#define MIRROR_STATE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#define STATE_HEAD_SIZE 65536u
#define STATE_AREAS_AT (2 * STATE_HEAD_SIZE)
#define STATE_AREA_SIZE 262144u
#define STATE_AREAS_MAX 63
#define STATE_TEXT_MAX 1000
#define STATE_ALIGNMENT 4096u

struct state_entry {
  bool used;
  uint64_t size; /* bytes of the disk, image_size at least */
  char text[STATE_TEXT_MAX + 1]; /* of the disk, as it was given */
};

struct state_head {
  uint64_t generation; /* grows with each change */
  uint64_t image_size; /* bytes of each image that are used */
  uint8_t uuid[16];    /* of the array */
  struct state_entry entry[STATE_AREAS_MAX];
};

enum state_verdict {
  STATE_GOOD,
  STATE_FOREIGN, /* it is something else */
  STATE_NEWER,   /* of a version that is not known here */
  STATE_DAMAGED,
};

/* @head is one that state_decode finds good; all STATE_HEAD_SIZE bytes of @ret
 * are written.
 */
void state_encode (const struct state_head *head, uint8_t *ret);

/* @bytes come from a file.  Unless it is STATE_GOOD, @ret is as it was. */
enum state_verdict state_decode (const uint8_t *bytes, struct state_head *ret);

/* The same of both copies; *@ret_copy: the one to be believed. */
enum state_verdict state_choose (const uint8_t *copy0, const uint8_t *copy1,
                                 struct state_head *ret, unsigned *ret_copy);

/* Of a head, as it is stored there. */
uint64_t state_checksum (const uint8_t *bytes);

/* To follow "state file NAME: "; not for STATE_GOOD. */
const char *state_verdict_text (enum state_verdict verdict);

/* The area of the disk of that text, or -1. */
int state_find (const struct state_head *head, const char *text);

/* NULL, or why there can be no entry for it, to follow "disk TEXT: ". */
const char *state_check_text (const char *text);

/* Bytes of a file that has all areas that are used. */
uint64_t state_file_size (const struct state_head *head);

/* Where in the file an area begins. */
static inline uint64_t
state_area_at (unsigned area)
{
  return STATE_AREAS_AT + (uint64_t)area * STATE_AREA_SIZE;
}

#endif /* MIRROR_STATE_FILE_H */
