/* SPDX-License-Identifier: BSD-3-Clause */
/* Disk images are known by their first or last bytes. */
#include "logic/image.h"
#include "unit.h"

START_TEST (images_are_known_by_their_magic)
{
  uint8_t head[IMAGE_HEAD] = { 0 }, tail[IMAGE_HEAD] = { 0 };

  ck_assert_ptr_null (image_kind (head, tail));
  memcpy (head, "QFI\xfb\0\0\0\3", 8);
  ck_assert_str_eq (image_kind (head, tail), "qcow2");
  head[7] = 1;
  ck_assert_str_eq (image_kind (head, tail), "qcow");
  memcpy (head, "KDMV", 4);
  ck_assert_str_eq (image_kind (head, tail), "vmdk");
  memset (head, 0, sizeof head);
  memcpy (head + 64, "\x7f\x10\xda\xbe", 4);
  ck_assert_str_eq (image_kind (head, tail), "vdi");
  memset (head, 0, sizeof head);
  memcpy (tail, "conectix", 8);
  ck_assert_str_eq (image_kind (head, tail), "vhd");
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, images_are_known_by_their_magic);
}

int
main (void)
{
  return unit_main ("image", add_tests);
}
