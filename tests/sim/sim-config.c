/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-config: one seed -> one array, its disks, its faults, its clients. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ground/ground.h"
#include "ground/util.h"
#include "logic/roster.h"
#include "oracle.h"
#include "sim-check.h"
#include "sim-config.h"
#include "sim-marks.h"
#include "sim-stamp.h"

struct disk sim_disks[SIM_DISKS_MAX];

static struct random_stream chance; /* of the expansion */

static uint64_t
below (uint64_t n)
{
  return random_below (&chance, n);
}

static bool
one_in (uint64_t n)
{
  return random_one_in (&chance, n);
}

static uint64_t
between (uint64_t low, uint64_t high)
{
  return random_between (&chance, low, high);
}

/* --- the array --- */

static void
choose_layout (struct layout *layout)
{
  do {
    *layout = (struct layout){
      .level = LEVEL_RAID1, .slots = between (2, 4), .near = 1, .far = 1
    };
    if (one_in (2))
      continue;
    layout->level = LEVEL_RAID10;
    layout->slots = between (2, SIM_DISKS_MAX);
    layout->chunk = 4096u << (one_in (4) ? 1 : 0);
    if (one_in (2)) {
      layout->near = between (2, 3);
      continue;
    }
    layout->far = between (2, 3);
    layout->offset = one_in (2);
    layout->far_sets = one_in (3);
  } while (layout_check (layout) != NULL);

  if (layout->far > 1)
    layout->offset ? SOMETIMES (RAID10_OFFSET) : SOMETIMES (RAID10_FAR);
  if (layout->near > 1 && layout->slots % layout->near != 0)
    SOMETIMES (RAID10_NEAR_ODD);
  if (layout->far_sets)
    SOMETIMES (RAID10_SETS);
}

static uint32_t
choose_block (void)
{
  static const uint32_t blocks[] = { 1, 512, 512, 4096 };

  return blocks[below (ARRAY_LENGTH (blocks))];
}

static void
choose_caps (struct disk *disk, uint64_t size)
{
  struct leg_caps *caps = &disk->caps;
  bool direct = disk->rank == LEG_QUEUED || one_in (6);

  *caps = (struct leg_caps){
    .size = size + (one_in (4) ? 4096 * below (5) : 0),
    .block_minimum = choose_block (),
    .block_preferred = 4096,
    .request_max = 4096u << below (6),
    .zero_max = 4096u << below (6),
    .memory_alignment = 1,
    .rotational = one_in (4),
    .flush = true,
    .fua = disk->rank == LEG_REMOTE && one_in (2),
    .extents = !one_in (8),
  };
  /* No driver asks for more than it asks of offsets. */
  if (direct && caps->block_minimum > 1)
    caps->memory_alignment = one_in (2) ? caps->block_minimum : STAMP_SECTOR;
}

/* Where in the array does each sector of @disk lie? */
static void
map_sectors (struct disk *disk, const struct layout *layout)
{
  for (uint64_t i = 0; i < disk->caps.size / STAMP_SECTOR; i++) {
    uint64_t offset;

    disk->lba[i] = LBA_NONE;
    if (i * STAMP_SECTOR < layout->member_size
        && layout_unmap (layout, disk->slot, i * STAMP_SECTOR, &offset))
      disk->lba[i] = offset / STAMP_SECTOR;
  }
}

static void
choose_speed (struct disk *disk)
{
  disk->latency_min_ns = one_in (3) ? 0 : between (1, 100) * 1000;
  disk->latency_mean_ns = one_in (3) ? 0 : between (10, 500) * 1000;
  disk->slowness = one_in (4) ? 100 : 1;
  disk->stall_period_ns = 0;
  if (disk->slowness > 1 && one_in (2))
    disk->stall_period_ns = between (1, 20) * GROUND_MS;
  disk->timeout_ns = between (1, 5) * GROUND_S;
}

static void
choose_disk (struct disk *disk, unsigned slot, uint64_t size, bool one_rank)
{
  static enum leg_rank rank;

  if (slot == 0 || !one_rank)
    rank = below (LEG_RANKS);
  disk->slot = slot;
  disk->rank = rank;
  disk->queues_effects = rank == LEG_INLINE && one_in (2);
  disk->zero_mode = one_in (2) ? ZERO_WORKS : below (ZERO_MODES);
  disk->zero_error = one_in (2) ? -EOPNOTSUPP : -EINVAL;
  disk->flush_mode = one_in (8) ? FLUSH_NONE : FLUSH_WORKS;
  disk->tells_holes = !one_in (3);
  disk->tells_zeroes = !one_in (3);
  disk->generation_first = one_in (2);
  disk->is_victim = false;
  disk->probe_error = 0;
  disk->tired = false;
  disk->zeroes = 0;
  disk->may_be_out = false;
  disk->told_gone = false;
  disk->children = disk->hard_errors = disk->harmless_errors = 0;
  disk->faults = (struct disk_faults){ .until_ns = GROUND_NEVER,
                                       .die_ns = GROUND_NEVER,
                                       .hang_ns = GROUND_NEVER,
                                       .odd_error = -EINVAL };
  choose_caps (disk, size);
  choose_speed (disk);
}

/* --- the faults --- */

static int
choose_error (bool local)
{
  static const int remote[] = { -ENOTCONN, -ECONNRESET, -EPIPE };
  static const int here[] = { -ENODEV, -ENXIO, -ESHUTDOWN };

  return local ? here[below (3)] : remote[below (3)];
}

/* One kind of operation fails: once, sometimes or always; somewhere or
 * everywhere.
 */
static void
choose_trouble (struct disk *disk, enum child_op op)
{
  static const unsigned chances[] = { 32, 256, 1024 };
  struct trouble *trouble = &disk->faults.on[op];

  trouble->chance = chances[below (3)];
  trouble->budget = one_in (3) ? 1 : UINT32_MAX;
  trouble->error = -EIO;
  if ((op == CHILD_WRITE || op == CHILD_ZERO) && one_in (3))
    trouble->error = -ENOSPC;
  if (one_in (2)) {
    trouble->first = below (disk->caps.size / STAMP_SECTOR);
    trouble->count = between (1, 64);
  }
}

static void
choose_hard_faults (struct disk *disk, uint64_t span_ns)
{
  struct disk_faults *faults = &disk->faults;
  bool is_remote = disk->rank == LEG_REMOTE;

  disk->is_victim = true;
  faults->from_ns = GROUND_S + (one_in (2) ? 0 : below (span_ns / 1000) * 1000);
  if (one_in (3))
    faults->until_ns = faults->from_ns + below (span_ns / 1000) * 1000;
  switch (below (is_remote ? 8 : 6)) {
  case 0:
    faults->die_ns = faults->from_ns + 1;
    faults->die_error = choose_error (!is_remote);
    break;
  case 1:
    choose_trouble (disk, CHILD_READ);
    break;
  case 2:
    choose_trouble (disk, CHILD_WRITE);
    choose_trouble (disk, CHILD_ZERO);
    break;
  case 3:
    choose_trouble (disk, CHILD_FLUSH);
    break;
  case 4:
    for (enum child_op op = 0; op < DISK_OPS; op++)
      choose_trouble (disk, op);
    break;
  case 5:
    choose_trouble (disk, below (DISK_OPS));
    break;
  case 6:
    faults->hang_ns = faults->from_ns;
    break;
  case 7:
    faults->lose = one_in (2) ? 16 : 256;
    break;
  }
}

/* Harmless errors may come from any disk, but one is enough.  The slots that
 * fail something else than reads.
 */
static uint32_t
choose_odd_faults (struct sim_config *config, unsigned slots)
{
  static const int errors[]
    = { -EINVAL, -EOPNOTSUPP, -EAGAIN, -EINTR, -ENOMEM };
  static const unsigned chances[] = { 64, 512, 1024 };
  struct disk *disk = &sim_disks[below (slots)];

  disk->faults.odd_error = errors[below (ARRAY_LENGTH (errors))];
  switch (below (24)) {
  case 0:
    disk->faults.odd_write = chances[below (ARRAY_LENGTH (chances))];
    break;
  case 1:
    config->odd_reads = true;
    disk->faults.odd_read = one_in (2) ? 64 : 1024;
    return 0;
  case 2:
    disk->flush_mode = FLUSH_ODD;
    break;
  default:
    return 0;
  }
  return 1u << disk->slot;
}

static void
choose_faults (struct sim_config *config)
{
  unsigned slots = config->array.layout.slots;
  struct roster roster;
  uint32_t good = UINT32_MAX >> (32 - slots);
  uint64_t span = one_in (3) ? 10 * GROUND_S : 20 * GROUND_MS;

  good &= ~choose_odd_faults (config, slots);
  config->atlas_holds = config->linearizable = true;
  if (one_in (4))
    return;
  config->atlas_holds = !one_in (5);
  roster_init (&roster, slots, config->group, config->groups);
  for (unsigned n = between (1, slots); n > 0; n--) {
    unsigned slot = below (slots);
    uint32_t left = good & ~(1u << slot);

    if (!(good & 1u << slot)
        || (config->atlas_holds && !roster_enough (&roster, left)))
      continue;
    good = left;
    choose_hard_faults (&sim_disks[slot], span);
  }
  config->atlas_holds = roster_enough (&roster, good);
  config->linearizable = config->atlas_holds;
  if (!config->atlas_holds)
    SOMETIMES (ATLAS_BROKEN);
}

/* --- the clients --- */

static void
choose_clients (struct sim_config *config)
{
  uint64_t units = config->sectors / config->alignment;

  config->clients = between (1, SIM_CLIENTS_MAX);
  config->operations = between (40, 200);
  for (unsigned op = 0; op < CLIENT_OPS; op++)
    config->weight[op] = one_in (3) ? 0 : between (1, 8);
  config->weight[CLIENT_READ] += one_in (8) ? 0 : between (1, 16);
  config->weight[CLIENT_WRITE] += between (1, 16);
  config->fua = one_in (2) ? 0 : below (512);
  config->pause = one_in (2) ? 0 : below (256);
  config->hot_sectors = MIN (units, between (1, 16)) * config->alignment;
  config->hot_first
    = below (units - config->hot_sectors / config->alignment + 1)
      * config->alignment;
  config->hot = one_in (4) ? 0 : between (256, 1024);
  config->large = one_in (2) ? 32 : below (512);
  config->misaligned_memory = one_in (2);
  config->watch = one_in (2);
  config->stop_early = one_in (5);
  config->stop_ns = GROUND_S + below (one_in (2) ? 5000 : 500000) * 1000;
  config->stop_twice = one_in (3);
  config->stop_within_ns = one_in (2) ? GROUND_NEVER : below (3000) * GROUND_MS;
}

static void
choose_ground (struct sim_options *ground, uint64_t seed)
{
  static const unsigned often[] = { 1024, 512, 128, 32, 8 };

  *ground = (struct sim_options){
    .seed = seed,
    .switches = often[below (ARRAY_LENGTH (often))],
    .spurious = one_in (2)   ? 0
                : one_in (2) ? 8
                             : 64,
    .naps = one_in (2)   ? 0
            : one_in (2) ? 64
                         : 512,
    .hurry = one_in (4) ? 64 : 0,
    .priorities = one_in (4),
    .steps_max = 4000000,
  };
  if (ground->priorities)
    ground->switches = one_in (2) ? 4 : 32;
}

/* --- together --- */

static void
choose_pools (struct array_config *array)
{
  static const unsigned more[] = { 0, 0, 0, 1, 1, 2, 3, 5, 8, 16, 64 };

  array->legs = array->layout.slots;
  array->pool = array_pool_minimum (array->layout.slots)
                + more[below (ARRAY_LENGTH (more))];
  array->requests = one_in (3) ? 16 : between (1, 4);
  array->bounces = between (1, 4);
  array->bounce_size = 4096u * (one_in (2) ? 1 : between (1, 4));
}

static void
mark_ranks (unsigned slots)
{
  unsigned seen = 0;

  for (unsigned i = 0; i < slots; i++)
    seen |= 1u << sim_disks[i].rank;
  if (seen == (1u << LEG_RANKS) - 1)
    SOMETIMES (MIXED_RANKS);
}

static void
choose_disks (struct sim_config *config)
{
  struct layout *layout = &config->array.layout;
  bool one_rank = one_in (3);
  uint64_t size = between (2, 24) * 4096, smallest = UINT64_MAX;
  uint32_t block = STAMP_SECTOR;

  if (layout->chunk != 0)
    size = MAX (size, 2 * layout->chunk * layout->far);
  for (unsigned slot = 0; slot < layout->slots; slot++) {
    struct disk *disk = &sim_disks[slot];

    random_init (&disk->chance, config->seed, 100 + slot);
    choose_disk (disk, slot, size, one_rank);
    smallest = MIN (smallest, disk->caps.size);
    block = MAX (block, disk->caps.block_minimum);
  }
  layout_set_size (layout, smallest);
  config->sectors = layout->array_size / STAMP_SECTOR;
  config->alignment = block / STAMP_SECTOR;
  config->initial = one_in (2) ? VALUE_ZERO : VALUE_INITIAL;
  assert (config->sectors > 0 && config->sectors <= HISTORY_SECTORS_MAX);
  for (unsigned slot = 0; slot < layout->slots; slot++) {
    map_sectors (&sim_disks[slot], layout);
    disk_reset (&sim_disks[slot], config->initial);
  }
  config->groups = layout_groups (layout, config->group);
}

void
sim_config_expand (uint64_t seed, struct sim_config *ret)
{
  unsigned slots;

  memset (ret, 0, sizeof *ret);
  ret->seed = seed;
  random_init (&chance, seed, 3);
  choose_ground (&ret->ground, seed);
  choose_layout (&ret->array.layout);
  slots = ret->array.layout.slots;
  choose_disks (ret);
  choose_pools (&ret->array);
  choose_faults (ret);
  choose_clients (ret);
  ret->patience_ns = 120 * GROUND_S;
  if (one_in (64)) {
    ret->is_readonly = true;
    sim_disks[below (slots)].caps.readonly = true;
    SOMETIMES (READONLY);
  }
  if (one_in (64)) {
    ret->refuse = true;
    sim_disks[below (slots)].probe_error = -EIO;
  }
  mark_ranks (slots);
}

/* --- for people --- */

static void
print_disk (const struct disk *disk)
{
  static const char *const ranks[] = { "remote", "queued", "inline" };
  const struct disk_faults *faults = &disk->faults;

  printf ("  slot %u: %s, %llu bytes, block %u, request %u, zero %u, align %u"
          "%s%s%s, zeroing %d, flush %d, latency %llu+%llu us x%u",
          disk->slot, ranks[disk->rank], (unsigned long long)disk->caps.size,
          disk->caps.block_minimum, disk->caps.request_max, disk->caps.zero_max,
          disk->caps.memory_alignment, disk->caps.fua ? ", fua" : "",
          disk->queues_effects ? ", queues effects" : "",
          disk->caps.readonly ? ", read-only" : "", disk->zero_mode,
          disk->flush_mode, (unsigned long long)disk->latency_min_ns / 1000,
          (unsigned long long)disk->latency_mean_ns / 1000, disk->slowness);
  if (faults->die_ns != GROUND_NEVER)
    printf (", dies at %.6f", faults->die_ns / 1e9);
  if (faults->hang_ns != GROUND_NEVER)
    printf (", hangs at %.6f", faults->hang_ns / 1e9);
  if (faults->lose > 0)
    printf (", loses %u/1024", faults->lose);
  for (enum child_op op = 0; op < DISK_OPS; op++)
    if (faults->on[op].chance > 0)
      printf (", %s fails %u/1024 x%u at %llu+%llu with %d", check_op_name (op),
              faults->on[op].chance, faults->on[op].budget,
              (unsigned long long)faults->on[op].first,
              (unsigned long long)faults->on[op].count, faults->on[op].error);
  if (faults->odd_write + faults->odd_read > 0)
    printf (", odd writes %u reads %u with %d", faults->odd_write,
            faults->odd_read, faults->odd_error);
  printf ("\n");
}

void
sim_config_print (const struct sim_config *config)
{
  const struct array_config *array = &config->array;
  char name[64];

  layout_name (&array->layout, name, sizeof name);
  printf ("seed %llu: %s, %u slots, chunk %llu, %llu sectors, pool %u, "
          "requests %u, bounces %u of %u\n",
          (unsigned long long)config->seed, name, array->layout.slots,
          (unsigned long long)array->layout.chunk,
          (unsigned long long)config->sectors, array->pool, array->requests,
          array->bounces, array->bounce_size);
  printf ("  %u clients, %u operations, hot %u/1024 at %llu+%llu, %s%s%s\n",
          config->clients, config->operations, config->hot,
          (unsigned long long)config->hot_first,
          (unsigned long long)config->hot_sectors,
          config->atlas_holds ? "every group has a good disk"
                              : "no disk is safe",
          config->stop_early ? ", stopped early" : "",
          config->is_readonly ? ", read-only" : "");
  for (unsigned i = 0; i < array->layout.slots; i++)
    print_disk (&sim_disks[i]);
}
