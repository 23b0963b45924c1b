/* SPDX-License-Identifier: BSD-3-Clause */
/* sim-config: one seed -> one array, its disks, its faults, its clients.
 *
 * Swarm: each seed turns on a random subset of what there is, since two
 * features together often hide what one alone would show.
 */
#ifndef MIRROR_SIM_CONFIG_H
#define MIRROR_SIM_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/array.h"
#include "ground-sim.h"
#include "sim-disk.h"

#define SIM_DISKS_MAX 6
#define SIM_CLIENTS_MAX 8

/* What clients do. */
enum client_op {
  CLIENT_READ,
  CLIENT_WRITE,
  CLIENT_FLUSH,
  CLIENT_ZERO,
  CLIENT_TRIM,
  CLIENT_CACHE,
  CLIENT_EXTENTS,
  CLIENT_OPS,
};

struct sim_config {
  uint64_t seed;
  struct sim_options ground;
  struct array_config array;
  uint64_t sectors;   /* of the array */
  uint32_t alignment; /* sectors: offsets and lengths of clients */
  uint64_t initial;   /* value of every sector */
  uint32_t group[LEGS_MAX];
  unsigned groups;

  bool is_readonly;
  bool refuse;       /* some disk cannot be read at the start */
  bool atlas_holds;  /* every copy group has a disk without hard faults */
  bool linearizable; /* reads must be, not only never stale */
  bool odd_reads;    /* some fail with a harmless error */

  unsigned clients, operations; /* operations of all clients together */
  unsigned weight[CLIENT_OPS];
  unsigned fua;                    /* of 1024 */
  unsigned pause;                  /* of 1024: a client waits a while */
  uint64_t hot_first, hot_sectors; /* where most requests go */
  unsigned hot;                    /* of 1024 */
  unsigned large;                  /* of 1024: requests of any length */
  bool misaligned_memory;
  bool watch; /* a fiber looks at the status all the time */

  bool stop_early; /* array_quiesce under load, at ... */
  uint64_t stop_ns;
  bool stop_twice;
  uint64_t stop_within_ns; /* GROUND_NEVER: no deadline */
  uint64_t patience_ns;    /* no request may take longer */
};

extern struct disk sim_disks[SIM_DISKS_MAX];

/* Expand @seed into *@ret and sim_disks. */
void sim_config_expand (uint64_t seed, struct sim_config *ret);

/* Several lines, for --verbose. */
void sim_config_print (const struct sim_config *config);

#endif /* MIRROR_SIM_CONFIG_H */
