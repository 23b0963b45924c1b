/* SPDX-License-Identifier: BSD-3-Clause */
/* image: of what kind of disk image is a file?
 *
 * Pure: no I/O, no locks, no allocation.  Calls nothing.
 */
#include <string.h>

#include "ground/util.h"
#include "logic/image.h"

struct magic {
  const char *kind;
  unsigned offset;
  const char *bytes;
  unsigned length;
};

static bool
matches (const uint8_t *sector, const struct magic *magic)
{
  return memcmp (sector + magic->offset, magic->bytes, magic->length) == 0;
}

const char *
image_kind (const uint8_t *head, const uint8_t *tail)
{
  static const struct magic heads[] = {
    { "qcow2", 0, "QFI\xfb\0\0\0\3", 8 },
    { "qcow2", 0, "QFI\xfb\0\0\0\2", 8 },
    { "qcow", 0, "QFI\xfb", 4 },
    { "qed", 0, "QED\0", 4 },
    { "vmdk", 0, "KDMV", 4 },
    { "vmdk", 0, "COWD", 4 },
    { "vmdk", 0, "# Disk DescriptorFile", 21 },
    { "vdi", 64, "\x7f\x10\xda\xbe", 4 },
    { "vhdx", 0, "vhdxfile", 8 },
    { "vhd", 0, "conectix", 8 },
    { "parallels", 0, "WithoutFreeSpace", 16 },
    { "parallels", 0, "WithouFreSpacExt", 16 },
  };
  static const struct magic footer = { "vhd", 0, "conectix", 8 };

  for (unsigned i = 0; i < ARRAY_LENGTH (heads); i++)
    if (matches (head, &heads[i]))
      return heads[i].kind;
  return matches (tail, &footer) ? footer.kind : NULL;
}
