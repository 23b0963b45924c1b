/* SPDX-License-Identifier: BSD-3-Clause */
/* What real members are given to do, which logic/assemble alone cannot see. */
#include "engine/array.h"
#include "ground/ground.h"
#include "ground/log.h"
#include "ground/util.h"
#include "md-samples.h"
#include "memory-leg.h"

#define MEMBERS 2

static struct create_wish wish;
static struct create_plan plan;
static struct sb1 sb[MEMBERS];
static struct bitmap_super bitmap;
static struct memory_leg *memory[MEMBERS];
static char messages[8192];

static void
remember (enum log_level level, const char *message)
{
  size_t used = strlen (messages);

  (void)level;
  snprintf (messages + used, sizeof messages - used, "%s\n", message);
}

/* A clean raid1 that fills memory legs: superblocks at their ends. */
static void
plan_array (bool has_bitmap)
{
  static const uint8_t uuid[16] = "members";
  char why[MESSAGE_MAX];

  wish = (struct create_wish){
    .layout = { .level = LEVEL_RAID1, .slots = MEMBERS, .near = 1, .far = 1 },
    .version = SB1_VERSION_1_0, .bitmap = has_bitmap, .bitmap_chunk = 65536,
    .assume_clean = true,
    .member_bytes = { MEMORY_LEG_SIZE, MEMORY_LEG_SIZE } };
  ck_assert_msg (create_plan (&wish, &plan, why), "%s", why);
  for (unsigned i = 0; i < MEMBERS; i++) {
    uint8_t device[16] = { (uint8_t)(i + 1) };

    create_superblock (&wish, &plan, i, uuid, device, 1, &sb[i]);
    sb[i].events = 20;
    memory[i] = memory_leg_new (i);
  }
  if (has_bitmap) {
    create_bitmap (&plan, uuid, &bitmap);
    bitmap.events = 20;
  }
}

static int
make (struct array **array, char *why)
{
  struct array_config config = { .legs = MEMBERS };
  const char *absent[MEMBERS] = { NULL };
  struct leg *legs[MEMBERS];

  log_set_sink (remember);
  messages[0] = '\0';
  for (unsigned i = 0; i < MEMBERS; i++) {
    uint8_t *block
      = (uint8_t *)memory[i]->data + sb[i].super_offset * SECTOR_SIZE;

    sb1_encode (&sb[i], block);
    if (wish.bitmap)
      bitmap_encode (&bitmap, (uint8_t *)memory[i]->data
                                + bitmap_offset_bytes (&sb[i]));
    legs[i] = &memory[i]->leg;
  }
  return array_create (&config, legs, absent, array, why);
}

static void
wait_for_rebuild (struct array *array)
{
  struct array_status status;

  do
    array_get_status (array, &status);
  while (status.in_sync != 3);
}

START_TEST (a_rebuild_by_bitmap_without_a_bitmap_copies_all)
{
  struct array *array;
  char why[MESSAGE_MAX];

  plan_array (false);
  sb[1].features |= SB1_FEATURE_RECOVERY_OFFSET | SB1_FEATURE_RECOVERY_BITMAP;
  memset (memory[0]->data, 'x', plan.size * SECTOR_SIZE);
  ck_assert_msg (make (&array, why) == 0, "%s", why);
  ck_assert_int_eq (array_start (array), 0);
  ck_assert_int_eq (array_allow_writes (array), 0);
  wait_for_rebuild (array);
  ck_assert_mem_eq (memory[1]->data, memory[0]->data, plan.size * SECTOR_SIZE);
  array_quiesce (array, ground_now () + GROUND_S);
  array_close (array);
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, a_rebuild_by_bitmap_without_a_bitmap_copies_all);
}

int
main (void)
{
  return unit_main ("members", add_tests);
}
