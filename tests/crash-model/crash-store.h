/* SPDX-License-Identifier: BSD-3-Clause */
/* crash-store: the contents of sectors, each kept once.
 *
 * A content is a number.  Equal numbers, equal bytes, and the other way
 * round: so an image is an array of numbers, a crash state is built by
 * copying some of them, and copies are compared without their bytes.
 */
#ifndef MIRROR_CRASH_STORE_H
#define MIRROR_CRASH_STORE_H

#include <stdbool.h>
#include <stdint.h>

#define CONTENT_ZERO UINT32_C (0) /* all zeroes */

/* Forget everything but the zeroes. */
void store_begin (void);

/* The content of 512 bytes, at any alignment. */
uint32_t store_put (const void *bytes);

const uint8_t *store_bytes (uint32_t content);

/* Is it a whole sector of @lba, as sim-stamp makes them?  Then *@ret_value
 * says which write it is of.
 */
bool store_value (uint32_t content, uint64_t lba, uint64_t *ret_value);

/* For people: "value 17", "zeroes", "lba 5, value 17", "no stamp". */
const char *store_text (uint32_t content, uint64_t lba);

#endif /* MIRROR_CRASH_STORE_H */
