/* SPDX-License-Identifier: BSD-3-Clause */
/* plugin: what the files of the door share: one array in one process. */
#ifndef MIRROR_PLUGIN_H
#define MIRROR_PLUGIN_H

#include "control/control.h"
#include "engine/array.h"
#include "plugin/glue.h"
#include "plugin/options.h"

/* Between get_ready and the end of cleanup; NULL outside. */
extern struct array *the_array;

/* negotiate.c: what a client is told when it connects. */
void *mirror_open (int readonly);
void mirror_close (void *handle);
int64_t mirror_get_size (void *handle);
int mirror_block_size (void *handle, uint32_t *minimum, uint32_t *preferred,
                       uint32_t *maximum);
const char *mirror_export_description (void *handle);
int mirror_can_write (void *handle);
int mirror_can_flush (void *handle);
int mirror_can_fua (void *handle);
int mirror_is_rotational (void *handle);
int mirror_can_trim (void *handle);
int mirror_can_zero (void *handle);
int mirror_can_fast_zero (void *handle);
int mirror_can_extents (void *handle);
int mirror_can_multi_conn (void *handle);
int mirror_can_cache (void *handle);

/* serve.c: what a client asks for. */
int mirror_pread (void *handle, void *buffer, uint32_t count, uint64_t offset,
                  uint32_t flags);
int mirror_pwrite (void *handle, const void *buffer, uint32_t count,
                   uint64_t offset, uint32_t flags);
int mirror_flush (void *handle, uint32_t flags);
int mirror_trim (void *handle, uint32_t count, uint64_t offset,
                 uint32_t flags);
int mirror_zero (void *handle, uint32_t count, uint64_t offset,
                 uint32_t flags);
int mirror_extents (void *handle, uint32_t count, uint64_t offset,
                    uint32_t flags, struct nbdkit_extents *extents);
int mirror_cache (void *handle, uint32_t count, uint64_t offset,
                  uint32_t flags);

/* clients.c: who is connected. */
void clients_begin (void);
void *clients_enter (void); /* NULL: no memory */
void clients_leave (void *handle);
unsigned clients_list (struct control_peer *ret, unsigned max);

/* messages.c: how people hear of things. */
void messages_begin (void);

/* start-line.c: what is served, from which disks, and where. */
bool start_line_nbdkit_can_die (void);
void start_line_tell (const struct options *options, struct leg **legs,
                      const char *control);

/* watcher.c: stopping while clients stay connected. */
int watcher_start (uint64_t drain_ns);
/* From now on the array is somebody else's to end, who has STOP_END_S for it
 * until watcher_stop.
 */
void watcher_guard (void);
void watcher_stop (void);

#endif /* MIRROR_PLUGIN_H */
