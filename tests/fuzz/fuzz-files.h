/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-files: the inputs of a target, where there is no libFuzzer. */
#ifndef MIRROR_FUZZ_FILES_H
#define MIRROR_FUZZ_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Up to @most bytes of that file, *@ret_size of them; false, and said. */
bool fuzz_read (const char *name, uint8_t *ret, size_t most, size_t *ret_size);

/* DIRECTORY/seed-NUMBER.  False, and said. */
bool fuzz_write_seed (const char *directory, unsigned number,
                      const uint8_t *data, size_t size);

#endif /* MIRROR_FUZZ_FILES_H */
