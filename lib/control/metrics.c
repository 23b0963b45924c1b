/* SPDX-License-Identifier: BSD-3-Clause */
/* metrics: the status as Prometheus text.
 *
 * All samples of a metric stand together, behind its help and type.  Names end
 * in their unit, and those of counters in _total.
 */
#include <string.h>

#include "control/internal.h"
#include "ground/text.h"
#include "ground/util.h"

/* In a label: no bytes that are no UTF-8; quotes and the like are escaped. */
static char *
label (const char *text)
{
  size_t size = TEXT_ESCAPE_MAX * strlen (text) + 1;
  g_autofree char *mended = g_malloc (size);
  GString *escaped = g_string_new (NULL);

  text_mend (text, mended, size);
  for (const char *c = mended; *c != '\0'; c++)
    if (*c == '\n')
      g_string_append (escaped, "\\n");
    else if (*c == '"' || *c == '\\')
      g_string_append_printf (escaped, "\\%c", *c);
    else
      g_string_append_c (escaped, *c);
  return g_string_free (escaped, FALSE);
}

static void
begin (GString *text, const char *name, const char *type, const char *help)
{
  g_string_append_printf (text, "# HELP %s %s\n# TYPE %s %s\n", name, help,
                          name, type);
}

static void
add_array (struct control *control, GString *text, const char *array,
           const struct array_snapshot *snapshot)
{
  static const char *const states[]
    = { "optimal", "degraded", "recovering", "resyncing" };
  const struct array_status *status = &snapshot->status;
  struct control_unstored unstored;
  g_autofree char *version
    = control->identity.md
        ? g_strdup_printf ("1.%u", control->identity.minor_version)
        : g_strdup ("");

  begin (text, "nbdmirror_array_info", "gauge", "What array it is.");
  g_string_append_printf (
    text,
    "nbdmirror_array_info{array=\"%s\",uuid=\"%s\",level=\"%s\","
    "metadata=\"%s\"} 1\n",
    array, control->uuid,
    array_get_layout (control->config.array).level == LEVEL_RAID1 ? "raid1"
                                                                  : "raid10",
    version);
  begin (text, "nbdmirror_array_state", "gauge", "1 for the state it is in.");
  for (size_t i = 0; i < G_N_ELEMENTS (states); i++)
    g_string_append_printf (
      text, "nbdmirror_array_state{array=\"%s\",state=\"%s\"} %d\n", array,
      states[i], strcmp (states[i], status_health (control, snapshot)) == 0);
  begin (text, "nbdmirror_array_legs", "gauge",
         "Disks in sync; how many there should be is a label.");
  g_string_append_printf (
    text, "nbdmirror_array_legs{array=\"%s\",want=\"%u\"} %d\n", array,
    status->slots, __builtin_popcount (status->in_sync));
  begin (text, "nbdmirror_array_survivable_failures", "gauge",
         "How many more disks may fail, whichever they are, without loss.");
  g_string_append_printf (
    text, "nbdmirror_array_survivable_failures{array=\"%s\"} %u\n", array,
    snapshot->survives);
  begin (text, "nbdmirror_array_metadata_stored", "gauge",
         "0 while what the array has to remember cannot be stored.");
  g_string_append_printf (
    text, "nbdmirror_array_metadata_stored{array=\"%s\"} %d\n", array,
    !status_unstored (control, snapshot, &unstored));
  begin (text, "nbdmirror_array_clients", "gauge", "NBD clients.");
  g_string_append_printf (text, "nbdmirror_array_clients{array=\"%s\"} %u\n",
                          array, control->config.peers (NULL, 0));
}

static void
add_sync (GString *text, const char *array,
          const struct array_snapshot *snapshot)
{
  begin (text, "nbdmirror_sync_remaining_bytes", "gauge",
         "What is still to be copied, as far as it is known.");
  g_string_append_printf (
    text,
    "nbdmirror_sync_remaining_bytes{array=\"%s\",kind=\"resync\"} %llu\n"
    "nbdmirror_sync_remaining_bytes{array=\"%s\",kind=\"recovery\"} %llu\n",
    array, (unsigned long long)snapshot->status.sync_left, array,
    (unsigned long long)snapshot->status.rebuild_left);
  begin (text, "nbdmirror_sync_rate_bytes", "gauge",
         "How much is copied in a second.");
  g_string_append_printf (text, "nbdmirror_sync_rate_bytes{array=\"%s\"} %llu\n",
                          array, (unsigned long long)snapshot->progress.rate);
}

/* One line of @name for each member with a slot. */
static void
add_members (GString *text, const char *array, const char *name,
             const char *more, const struct array_snapshot *snapshot,
             uint64_t (*value) (const struct array_member *member))
{
  for (unsigned i = 0; i < snapshot->members; i++) {
    const struct array_member *member = &snapshot->member[i];

    if (member->slot >= 0)
      g_string_append_printf (
        text, "%s{array=\"%s\",leg=\"%d\",id=\"%u\"%s} %llu\n", name, array,
        member->slot, member->id, more, (unsigned long long)value (member));
  }
}

static uint64_t
reads_of (const struct array_member *member)
{
  return member->reads;
}

static uint64_t
writes_of (const struct array_member *member)
{
  return member->writes;
}

static uint64_t
errors_of (const struct array_member *member)
{
  return member->errors;
}

static uint64_t
in_flight_of (const struct array_member *member)
{
  return member->in_flight;
}

static uint64_t
hung_of (const struct array_member *member)
{
  return member->hung.count;
}

static void
add_legs (GString *text, const char *array,
          const struct array_snapshot *snapshot)
{
  begin (text, "nbdmirror_leg_info", "gauge", "What disk it is.");
  for (unsigned i = 0; i < snapshot->members; i++) {
    const struct array_member *member = &snapshot->member[i];
    g_autofree char *name = label (member->name);

    if (member->slot >= 0)
      g_string_append_printf (
        text,
        "nbdmirror_leg_info{array=\"%s\",leg=\"%d\",id=\"%u\",target=\"%s\","
        "state=\"%s\"} 1\n", array, member->slot, member->id, name,
        status_member_state (member->state));
  }
  begin (text, "nbdmirror_leg_requests_total", "counter",
         "Requests that the disk has done.");
  add_members (text, array, "nbdmirror_leg_requests_total", ",op=\"read\"",
               snapshot, reads_of);
  add_members (text, array, "nbdmirror_leg_requests_total", ",op=\"write\"",
               snapshot, writes_of);
  begin (text, "nbdmirror_leg_errors_total", "counter",
         "Requests that failed on the disk.");
  add_members (text, array, "nbdmirror_leg_errors_total", "", snapshot,
               errors_of);
  begin (text, "nbdmirror_leg_in_flight", "gauge",
         "Requests that the disk has not answered.");
  add_members (text, array, "nbdmirror_leg_in_flight", "", snapshot,
               in_flight_of);
  begin (text, "nbdmirror_leg_hung", "gauge",
         "Requests that a local disk has not answered for 10 seconds.");
  add_members (text, array, "nbdmirror_leg_hung", "", snapshot, hung_of);
}

/* ----------------------------------------------------------------- latency */

#define SECONDS "nbdmirror_leg_request_seconds"

static const char *const op_words[ARRAY_LATENCY_OPS] = {
  [ARRAY_LATENCY_READ] = "read",
  [ARRAY_LATENCY_WRITE] = "write",
  [ARRAY_LATENCY_FLUSH] = "flush",
};

/* Every second one: each bound is four times the one before.  All are
 * cumulative.
 */
static void
add_buckets (GString *text, const char *labels, const uint64_t *buckets)
{
  uint64_t count = 0;

  for (unsigned i = 0; i < ARRAY_LATENCY_BUCKETS; i++) {
    char bound[G_ASCII_DTOSTR_BUF_SIZE];
    double seconds = (double)(UINT64_C (1) << (ARRAY_LATENCY_FIRST + i)) / 1e9;

    count += buckets[i];
    if (i == ARRAY_LATENCY_BUCKETS - 1)
      g_string_append_printf (text, SECONDS "_bucket{%s,le=\"+Inf\"} %llu\n",
                              labels, (unsigned long long)count);
    else if (i % 2 == 0)
      g_string_append_printf (
        text, SECONDS "_bucket{%s,le=\"%s\"} %llu\n", labels,
        g_ascii_formatd (bound, sizeof bound, "%.9g", seconds),
        (unsigned long long)count);
  }
  g_string_append_printf (text, SECONDS "_count{%s} %llu\n", labels,
                          (unsigned long long)count);
}

static void
add_latency (struct control *control, GString *text, const char *array,
             const struct array_member *member)
{
  char sum[G_ASCII_DTOSTR_BUF_SIZE];
  struct array_latency latency;

  if (!array_get_latency (control->config.array, member->id, &latency))
    return;
  for (unsigned op = 0; op < ARRAY_LATENCY_OPS; op++) {
    g_autofree char *labels
      = g_strdup_printf ("array=\"%s\",leg=\"%d\",id=\"%u\",op=\"%s\"",
                         array, member->slot, member->id, op_words[op]);

    add_buckets (text, labels, latency.bucket[op]);
    g_string_append_printf (
      text, SECONDS "_sum{%s} %s\n", labels,
      g_ascii_formatd (sum, sizeof sum, "%.9g",
                       (double)latency.sum_ns[op] / 1e9));
  }
}

static void
add_latencies (struct control *control, GString *text, const char *array,
               const struct array_snapshot *snapshot)
{
  begin (text, SECONDS, "histogram",
         "How long the disk took to answer; of local disks through the page "
         "cache estimated from a sample.");
  for (unsigned i = 0; i < snapshot->members; i++)
    if (snapshot->member[i].slot >= 0)
      add_latency (control, text, array, &snapshot->member[i]);
}

char *
metrics_text (struct control *control)
{
  struct array_snapshot snapshot;
  g_autofree char *array = label (control->name);
  GString *text = g_string_new (NULL);

  array_get_snapshot (control->config.array, &snapshot);
  add_array (control, text, array, &snapshot);
  add_sync (text, array, &snapshot);
  add_legs (text, array, &snapshot);
  add_latencies (control, text, array, &snapshot);
  return g_string_free (text, FALSE);
}
