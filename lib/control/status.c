/* SPDX-License-Identifier: BSD-3-Clause */
/* status: all that is to be said of the array now, as JSON.
 *
 * Everything people are shown is in it; nbdmirror only lays it out.
 */
#include <stdio.h>

#include "control/internal.h"
#include "control/reasons.h"
#include "ground/util.h"

char *
status_bytes (uint64_t bytes)
{
  static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
  double n = (double)bytes;
  unsigned unit = 0;

  while (n >= 1024 && unit + 1 < G_N_ELEMENTS (units)) {
    n /= 1024;
    unit++;
  }
  if (n == (double)(uint64_t)n)
    return g_strdup_printf ("%llu %s", (unsigned long long)n, units[unit]);
  return g_strdup_printf ("%.1f %s", n, units[unit]);
}

static const char *
name_in (const struct array_snapshot *snapshot, int slot)
{
  for (unsigned i = 0; i < snapshot->members; i++)
    if (snapshot->member[i].slot == slot)
      return snapshot->member[i].name;
  return "";
}

bool
status_unstored (const struct control *control,
                 const struct array_snapshot *snapshot,
                 struct control_unstored *ret)
{
  const struct array_status *status = &snapshot->status;

  if (control->config.is_unstored (ret))
    return true;
  if (status->refused == 0)
    return false;
  ret->since_utc_us = status->refused_utc_us;
  snprintf (ret->what, sizeof ret->what,
            "disk %.200s (slot %d) cannot store the array's metadata, nor can "
            "another copy of its data: %s",
            name_in (snapshot, status->refused_slot), status->refused_slot,
            log_strerror (status->refused));
  snprintf (ret->action, sizeof ret->action,
            "repair what the disk is on; it is tried again with the next write");
  return true;
}

const char *
status_health (const struct control *control,
               const struct array_snapshot *snapshot)
{
  struct control_unstored unstored;
  uint32_t lacking = snapshot->lacking;

  if (lacking & ~snapshot->recovering
      || status_unstored (control, snapshot, &unstored))
    return "degraded";
  if (lacking != 0)
    return "recovering";
  return snapshot->status.resyncing ? "resyncing" : "optimal";
}

static void
add_layout (JsonBuilder *builder, const struct layout *layout)
{
  char name[32];

  layout_name (layout, name, sizeof name);
  render_json_string (builder, "level",
                      layout->level == LEVEL_RAID1 ? "raid1" : "raid10");
  render_json_string (builder, "layout",
                      layout->level == LEVEL_RAID1 ? NULL : name);
  if (layout->chunk == 0)
    render_json_null (builder, "chunk");
  else
    render_json_int (builder, "chunk", layout->chunk);
}

/* Where the array keeps who is in sync. */
static void
add_metadata (const struct control *control, JsonBuilder *builder)
{
  const char *state = control->config.state;
  char version[16];

  snprintf (version, sizeof version, "1.%u", control->identity.minor_version);
  render_json_string (builder, "metadata",
                      state != NULL            ? "state-file"
                      : control->identity.md ? version
                                               : NULL);
  render_json_string (builder, "state_file", state);
}

static void
add_array (struct control *control, JsonBuilder *builder,
           const struct array_snapshot *snapshot)
{
  const struct array_status *status = &snapshot->status;
  const struct layout layout = array_get_layout (control->config.array);

  render_json_string (builder, "name", control->name);
  render_json_string (builder, "uuid",
                      control->uuid[0] == '\0' ? NULL : control->uuid);
  add_metadata (control, builder);
  add_layout (builder, &layout);
  render_json_int (builder, "size", control->limits.size);
  render_json_int (builder, "member_size", snapshot->member_size);
  render_json_int (builder, "slots", status->slots);
  render_json_int (builder, "in_sync",
                   __builtin_popcount (status->in_sync));
  render_json_string (builder, "state",
                      status->stopping ? "stopping" : "active");
  render_json_string (builder, "health", status_health (control, snapshot));
  render_json_int (builder, "survives", snapshot->survives);
  render_json_bool (builder, "bitmap", control->identity.has_bitmap);
  render_json_bool (builder, "dirty", status->dirty);
  render_json_bool (builder, "readonly", control->limits.readonly);
  render_json_bool (builder, "reads_pinned", status->reads_pinned);
  render_json_int (builder, "clients", control->config.peers (NULL, 0));
  render_json_int (builder, "uptime_s",
                   (ground_now () - control->begin_ns) / GROUND_S);
}

const char *
status_member_state (enum member_state state)
{
  static const char *const words[MEMBER_STATES] = {
    [MEMBER_SPARE] = "spare",
    [MEMBER_RECOVERING] = "recovering",
    [MEMBER_REPLACING] = "replacing",
    [MEMBER_IN_SYNC] = "in-sync",
    [MEMBER_FAULTY] = "failed",
  };

  return words[state];
}

static void
add_flags (JsonBuilder *builder, uint32_t flags)
{
  json_builder_set_member_name (builder, "flags");
  json_builder_begin_array (builder);
  if (flags & MEMBER_WRITE_MOSTLY)
    json_builder_add_string_value (builder, "write-mostly");
  if (flags & MEMBER_FAILFAST)
    json_builder_add_string_value (builder, "failfast");
  json_builder_end_array (builder);
}

/* What it has not answered for long. */
static void
add_hung (JsonBuilder *builder, const struct array_member *member)
{
  if (member->hung.count == 0) {
    render_json_null (builder, "hung");
    return;
  }
  json_builder_set_member_name (builder, "hung");
  json_builder_begin_object (builder);
  render_json_string (builder, "operation", member->hung.op);
  render_json_int (builder, "requests", member->hung.count);
  render_json_int (builder, "seconds", member->hung.for_ns / GROUND_S);
  json_builder_end_object (builder);
}

static void
add_connection (JsonBuilder *builder, const struct array_connection *connection)
{
  bool sought = (connection->attempts > 0 || connection->next_ns > 0)
                && !connection->waits;

  json_builder_set_member_name (builder, "connection");
  json_builder_begin_object (builder);
  render_json_string (builder, "state", connection->state);
  if (connection->since_utc_us == 0)
    render_json_null (builder, "since");
  else
    event_build_time (builder, "since", connection->since_utc_us);
  render_json_int (builder, "attempts", connection->attempts);
  if (sought)
    render_json_int (builder, "next_s",
                     div_round_up (connection->next_ns, GROUND_S));
  else
    render_json_null (builder, "next_s");
  render_json_string (builder, "error",
                      connection->error[0] == '\0' ? NULL : connection->error);
  json_builder_end_object (builder);
}

/* What it lacks, and how that is copied. */
static void
add_copy (JsonBuilder *builder, const struct array_member *member)
{
  if (member->state == MEMBER_IN_SYNC || member->state == MEMBER_SPARE) {
    render_json_null (builder, "copy");
    render_json_null (builder, "to_copy");
    return;
  }
  render_json_string (builder, "copy", member->by_bitmap ? "bitmap" : "full");
  render_json_int (builder, "to_copy", member->to_copy);
}

static void
add_member (JsonBuilder *builder, const struct array_member *member)
{
  bool copying = member->state == MEMBER_RECOVERING
                 || member->state == MEMBER_REPLACING;

  json_builder_begin_object (builder);
  render_json_slot (builder, member->slot);
  render_json_int (builder, "id", member->id);
  render_json_string (builder, "disk",
                      member->name[0] == '\0' ? NULL : member->name);
  render_json_string (builder, "state", status_member_state (member->state));
  add_flags (builder, member->flags);
  if (copying)
    render_json_int (builder, "recovered", member->recovered);
  else
    render_json_null (builder, "recovered");
  render_json_int (builder, "reads", member->reads);
  render_json_int (builder, "writes", member->writes);
  render_json_int (builder, "errors", member->errors);
  render_json_int (builder, "in_flight", member->in_flight);
  add_copy (builder, member);
  add_connection (builder, &member->connection);
  add_hung (builder, member);
  json_builder_end_object (builder);
}

static void
add_missing (JsonBuilder *builder, unsigned slot)
{
  const struct array_member nobody = { .slot = slot };

  json_builder_begin_object (builder);
  render_json_slot (builder, nobody.slot);
  render_json_null (builder, "id");
  render_json_null (builder, "disk");
  render_json_string (builder, "state", "missing");
  add_flags (builder, nobody.flags);
  render_json_null (builder, "recovered");
  render_json_int (builder, "reads", 0);
  render_json_int (builder, "writes", 0);
  render_json_int (builder, "errors", 0);
  render_json_int (builder, "in_flight", 0);
  render_json_null (builder, "copy");
  render_json_null (builder, "to_copy");
  render_json_null (builder, "connection");
  add_hung (builder, &nobody);
  json_builder_end_object (builder);
}

/* Slot by slot; a slot with no member is a line, too.  Then the spares. */
static void
add_members (JsonBuilder *builder, const struct array_snapshot *snapshot)
{
  json_builder_set_member_name (builder, "members");
  json_builder_begin_array (builder);
  for (int slot = 0; slot < (int)snapshot->status.slots; slot++) {
    bool found = false;

    for (unsigned i = 0; i < snapshot->members; i++)
      if (snapshot->member[i].slot == slot) {
        add_member (builder, &snapshot->member[i]);
        found = true;
      }
    if (!found)
      add_missing (builder, slot);
  }
  for (unsigned i = 0; i < snapshot->members; i++)
    if (snapshot->member[i].slot < 0)
      add_member (builder, &snapshot->member[i]);
  json_builder_end_array (builder);
}

/* Given at the start, and not there: whose slot it has is not known. */
static void
add_absents (JsonBuilder *builder, const struct array_snapshot *snapshot)
{
  json_builder_set_member_name (builder, "absent");
  json_builder_begin_array (builder);
  for (unsigned i = 0; i < snapshot->absent; i++) {
    json_builder_begin_object (builder);
    render_json_string (builder, "disk", snapshot->absents[i].name);
    add_connection (builder, &snapshot->absents[i].connection);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
}

static void
add_progress (JsonBuilder *builder, const struct array_progress *progress)
{
  render_json_string (builder, "state",
                      progress->paused ? "paused" : "running");
  render_json_int (builder, "bytes_total", progress->total);
  render_json_int (builder, "bytes_done", progress->done);
  render_json_int (builder, "rate", progress->rate);
  if (progress->left_ns == UINT64_MAX)
    render_json_null (builder, "left_s");
  else
    render_json_int (builder, "left_s", progress->left_ns / GROUND_S);
}

static void
add_rest (JsonBuilder *builder, uint64_t left)
{
  render_json_string (builder, "state", "waiting");
  render_json_int (builder, "bytes_total", left);
  render_json_int (builder, "bytes_done", 0);
  render_json_null (builder, "rate");
  render_json_null (builder, "left_s");
}

/* What members being filled lack; *@ret_filled: are there any? */
static uint64_t
lacked (const struct array_snapshot *snapshot, enum member_state state,
        bool *ret_filled)
{
  uint64_t left = 0;

  *ret_filled = false;
  for (unsigned i = 0; i < snapshot->members; i++) {
    const struct array_member *member = &snapshot->member[i];

    if (member->state != state)
      continue;
    *ret_filled = true;
    left += snapshot->member_size - member->recovered;
  }
  return left;
}

/* What is being copied: a resync comes before any rebuild, and what lacks a
 * member before what only gets another one.  NULL: nothing.
 */
static const char *
activity_kind (const struct array_snapshot *snapshot, uint64_t *ret_left)
{
  bool filled;

  if (snapshot->status.resyncing) {
    *ret_left = snapshot->status.sync_left;
    return "resync";
  }
  *ret_left = lacked (snapshot, MEMBER_RECOVERING, &filled);
  if (filled)
    return "rebuild";
  *ret_left = lacked (snapshot, MEMBER_REPLACING, &filled);
  return filled ? "replace" : NULL;
}

static void
add_activity (JsonBuilder *builder,
              const struct array_snapshot *snapshot)
{
  uint64_t left;
  const char *kind = activity_kind (snapshot, &left);

  json_builder_set_member_name (builder, "activity");
  if (kind == NULL) {
    json_builder_add_null_value (builder);
    return;
  }
  json_builder_begin_object (builder);
  render_json_string (builder, "kind", kind);
  if (snapshot->progress.total > 0)
    add_progress (builder, &snapshot->progress);
  else
    /* It has not begun, or waits for something to try again. */
    add_rest (builder, left);
  json_builder_end_object (builder);
}

void
status_build (struct control *control, JsonBuilder *builder)
{
  struct array_snapshot snapshot;

  array_get_snapshot (control->config.array, &snapshot);
  json_builder_set_member_name (builder, "array");
  json_builder_begin_object (builder);
  add_array (control, builder, &snapshot);
  json_builder_end_object (builder);
  reasons_build (control, builder, &snapshot);
  add_activity (builder, &snapshot);
  add_members (builder, &snapshot);
  add_absents (builder, &snapshot);
}
