/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-files: the inputs of a target, where there is no libFuzzer. */
#include <stdio.h>

#include "fuzz-files.h"

bool
fuzz_read (const char *name, uint8_t *ret, size_t most, size_t *ret_size)
{
  FILE *file = fopen (name, "rb");

  if (file == NULL) {
    perror (name);
    return false;
  }
  *ret_size = fread (ret, 1, most, file);
  fclose (file);
  return true;
}

bool
fuzz_write_seed (const char *directory, unsigned number, const uint8_t *data,
                 size_t size)
{
  char name[4096];
  FILE *file;
  bool good;

  snprintf (name, sizeof name, "%s/seed-%02u", directory, number);
  file = fopen (name, "wb");
  good = file != NULL && fwrite (data, 1, size, file) == size;
  if (file == NULL || fclose (file) != 0 || !good)
    perror (name);
  return good;
}
