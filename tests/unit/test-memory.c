/* SPDX-License-Identifier: BSD-3-Clause */
/* How much memory an array has: what is said is what was allocated; and what
 * happens where there is none.
 *
 * Linked so that the engine's calls of malloc and its like come here.
 */
#include "engine/array.h"
#include "ground/ground.h"
#include "ground/log.h"
#include "ground/util.h"
#include "logic/badblocks.h"
#include "md-samples.h"
#include "memory-leg.h"

#define SLOTS 2
#define ENTRIES_MAX 256

void *__real_malloc (size_t size);
void *__real_calloc (size_t count, size_t size);
void *__real_aligned_alloc (size_t alignment, size_t size);
int __real_posix_memalign (void **ret, size_t alignment, size_t size);
void __real_free (void *memory);
void *__wrap_malloc (size_t size);
void *__wrap_calloc (size_t count, size_t size);
void *__wrap_aligned_alloc (size_t alignment, size_t size);
int __wrap_posix_memalign (void **ret, size_t alignment, size_t size);
void __wrap_free (void *memory);

static struct {
  void *memory;
  size_t size;
} entries[ENTRIES_MAX];
static uint64_t allocated;
static bool counting; /* array_create runs */
static unsigned until_none; /* allocations before the one that fails; 0: all
                               succeed */
static char said[MESSAGE_MAX];

static void *
note (void *memory, size_t size)
{
  unsigned i = 0;

  if (!counting)
    return memory;
  while (entries[i].memory != NULL)
    UNIT_CHECK (++i < ENTRIES_MAX, "too many pieces of memory");
  entries[i].memory = memory;
  entries[i].size = size;
  allocated += size;
  return memory;
}

static bool
is_none_left (void)
{
  return counting && until_none > 0 && --until_none == 0;
}

void *
__wrap_malloc (size_t size)
{
  return is_none_left () ? NULL : note (__real_malloc (size), size);
}

void *
__wrap_calloc (size_t count, size_t size)
{
  return is_none_left () ? NULL : note (__real_calloc (count, size), count * size);
}

void *
__wrap_aligned_alloc (size_t alignment, size_t size)
{
  return is_none_left () ? NULL
                         : note (__real_aligned_alloc (alignment, size), size);
}

int
__wrap_posix_memalign (void **ret, size_t alignment, size_t size)
{
  int r;

  if (is_none_left ())
    return ENOMEM;
  r = __real_posix_memalign (ret, alignment, size);
  note (*ret, size);
  return r;
}

void
__wrap_free (void *memory)
{
  for (unsigned i = 0; i < ENTRIES_MAX && memory != NULL; i++)
    if (entries[i].memory == memory) {
      allocated -= entries[i].size;
      entries[i].memory = NULL;
      break;
    }
  __real_free (memory);
}

static void
remember (enum log_level level, const char *message)
{
  if (level == LOG_LEVEL_DEBUG && strstr (message, "bytes of memory") != NULL)
    snprintf (said, sizeof said, "%s", message);
}

/* What the superblocks of a new array are, on the legs. */
static void
write_metadata (struct leg **legs, bool has_bitmap, bool has_bad)
{
  static const uint8_t uuid[16] = "memory";
  struct create_wish wish = {
    .layout = { .level = LEVEL_RAID1, .slots = SLOTS, .near = 1, .far = 1 },
    .version = SB1_VERSION_1_0, .bitmap = has_bitmap, .bitmap_chunk = 65536,
    .member_bytes = { MEMORY_LEG_SIZE, MEMORY_LEG_SIZE } };
  struct create_plan plan;
  struct bitmap_super bitmap;
  char why[MESSAGE_MAX];
  struct sb1 sb;

  ck_assert_msg (create_plan (&wish, &plan, why), "%s", why);
  for (unsigned i = 0; i < SLOTS; i++) {
    uint8_t *data = (uint8_t *)((struct memory_leg *)legs[i])->data;
    uint8_t device[16] = { (uint8_t)(i + 1) };

    create_superblock (&wish, &plan, i, uuid, device, 1, &sb);
    if (has_bad)
      sb.features |= SB1_FEATURE_BAD_BLOCKS;
    memset (data + (sb.super_offset + sb.bblog_offset) * SECTOR_SIZE, 0xff,
            sb.bblog_size * SECTOR_SIZE);
    sb1_encode (&sb, data + sb.super_offset * SECTOR_SIZE);
    if (has_bitmap) {
      create_bitmap (&plan, uuid, &bitmap);
      bitmap_encode (&bitmap, data + bitmap_offset_bytes (&sb));
    }
  }
}

static bool some_remote; /* of the disks */

static int
try (bool is_md, bool has_bitmap, bool has_bad, bool bounced,
     struct array **ret, char *why)
{
  struct array_config config = { .legs = SLOTS,
                                 .layout = { .level = LEVEL_RAID1,
                                             .slots = SLOTS,
                                             .near = 1,
                                             .far = 1 } };
  const char *absent[SLOTS] = { NULL };
  struct leg *legs[SLOTS];
  int r;

  log_set_sink (remember);
  said[0] = '\0';
  for (unsigned i = 0; i < SLOTS; i++) {
    legs[i] = &memory_leg_new (i)->leg;
    if (some_remote)
      legs[i]->rank = LEG_REMOTE;
    if (bounced)
      legs[i]->caps.memory_alignment = legs[i]->caps.block_minimum = 512;
  }
  if (is_md)
    write_metadata (legs, has_bitmap, has_bad);
  counting = true;
  r = array_create (&config, legs, absent, ret, why);
  counting = false;
  for (unsigned i = 0; i < SLOTS && r < 0; i++)
    legs[i]->ops->close (legs[i]);
  return r;
}

/* What array_create has left allocated is what array_memory_used says. */
static struct array *
make (bool is_md, bool has_bitmap, bool has_bad, bool bounced)
{
  uint64_t before = allocated;
  struct array *array;
  char why[MESSAGE_MAX];

  ck_assert_msg (try (is_md, has_bitmap, has_bad, bounced, &array, why) == 0,
                 "%s", why);
  ck_assert_uint_eq (allocated - before, array_memory_used (array));
  return array;
}

static uint64_t
expected (bool bounced, bool is_md)
{
  struct array_config config = { .layout = { .slots = SLOTS } };

  return array_memory (&config, bounced, is_md);
}

START_TEST (a_plain_array_has_what_is_said_before)
{
  struct array *array = make (false, false, false, false);

  ck_assert_uint_eq (array_memory_used (array), expected (false, false));
  ck_assert_str_eq (said, "");
  array_close (array);
  array = make (false, false, false, true);
  ck_assert_uint_eq (array_memory_used (array), expected (true, false));
  array_close (array);
}
END_TEST

START_TEST (a_plain_array_with_a_remote_disk_has_a_map_besides)
{
  struct array *array;

  some_remote = true;
  array = make (false, false, false, false);
  /* One MiB has a word of windows, and that a word. */
  ck_assert_uint_eq (array_memory_used (array),
                     expected (false, false) + 2 * 2 * sizeof (uint64_t));
  array_close (array);
}
END_TEST

START_TEST (an_md_array_has_what_is_said_and_what_depends_on_its_disks)
{
  /* One MiB has a word of windows. */
  struct array *array = make (true, false, false, false);
  uint64_t plain = array_memory_used (array), with_bitmap;

  ck_assert_uint_eq (plain, expected (false, true) + sizeof (uint64_t));
  array_close (array);

  array = make (true, true, false, false);
  with_bitmap = array_memory_used (array);
  /* A page of bits, one that is on its way, one of regions. */
  ck_assert_uint_ge (with_bitmap, plain + 3 * (uint64_t)BITMAP_PAGE_SIZE);
  ck_assert_uint_lt (with_bitmap, plain + 4 * (uint64_t)BITMAP_PAGE_SIZE);
  array_close (array);

  array = make (true, true, true, false);
  ck_assert_uint_eq (array_memory_used (array),
                     with_bitmap + SLOTS * sizeof (struct badblocks));
  array_close (array);
}
END_TEST

START_TEST (the_start_of_an_md_array_says_how_much)
{
  struct array *array = make (true, true, false, true);
  char number[32];

  snprintf (number, sizeof number, " %" PRIu64 " ", array_memory_used (array));
  ck_assert_msg (strstr (said, number) != NULL, "%s", said);
  array_close (array);
}
END_TEST

/* Each allocation fails once, the first one, the second one, ... */
static unsigned
fail_one_by_one (bool is_md)
{
  uint64_t before = allocated;
  struct array *array;

  for (unsigned i = 1;; i++) {
    char why[MESSAGE_MAX] = "";
    int r;

    until_none = i;
    r = try (is_md, is_md, is_md, true, &array, why);
    if (r == 0) {
      /* There were no more than that. */
      ck_assert_uint_gt (until_none, 0);
      until_none = 0;
      array_close (array);
      return i - 1;
    }
    ck_assert_int_eq (r, -ENOMEM);
    ck_assert_ptr_nonnull (strstr (why, "not enough memory"));
    ck_assert_uint_eq (allocated, before);
  }
}

START_TEST (no_memory_for_any_part_is_said_and_leaves_nothing_behind)
{
  some_remote = true;
  ck_assert_uint_ge (fail_one_by_one (false), 9);
  some_remote = false;
  ck_assert_uint_ge (fail_one_by_one (true), 14);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase,
                  no_memory_for_any_part_is_said_and_leaves_nothing_behind);
  tcase_add_test (tcase, a_plain_array_has_what_is_said_before);
  tcase_add_test (tcase,
                  a_plain_array_with_a_remote_disk_has_a_map_besides);
  tcase_add_test (tcase,
                  an_md_array_has_what_is_said_and_what_depends_on_its_disks);
  tcase_add_test (tcase, the_start_of_an_md_array_says_how_much);
}

int
main (void)
{
  return unit_main ("memory", add_tests);
}
