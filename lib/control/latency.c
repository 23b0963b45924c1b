/* SPDX-License-Identifier: BSD-3-Clause */
/* latency: how long members take to answer, and what took longest. */
#include <stdlib.h>

#include "control/internal.h"
#include "ground/ground.h"
#include "ground/util.h"

static uint64_t
count_of (const uint64_t *buckets)
{
  uint64_t count = 0;

  for (unsigned i = 0; i < ARRAY_LATENCY_BUCKETS; i++)
    count += buckets[i];
  return count;
}

/* So many microseconds, rounded up, took at most that @share of them: the
 * bound of a bucket, so up to twice as much as it was.
 */
static void
add_quantile (JsonBuilder *builder, const char *name, const uint64_t *buckets,
              double share)
{
  double wanted = share * (double)count_of (buckets);
  uint64_t seen = 0;
  unsigned i = 0;

  if (count_of (buckets) == 0) {
    render_json_null (builder, name);
    return;
  }
  for (; i < ARRAY_LATENCY_BUCKETS - 1; i++) {
    seen += buckets[i];
    if ((double)seen >= wanted)
      break;
  }
  render_json_int (builder, name,
                   div_round_up (UINT64_C (1) << (ARRAY_LATENCY_FIRST + i),
                                 1000));
}

static void
add_spread (JsonBuilder *builder, const char *name, const uint64_t *buckets)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  render_json_int (builder, "count", count_of (buckets));
  add_quantile (builder, "p50_us", buckets, 0.5);
  add_quantile (builder, "p99_us", buckets, 0.99);
  json_builder_end_object (builder);
}

static void
add_member (struct control *control, JsonBuilder *builder,
            const struct array_member *member)
{
  struct array_latency latency;

  if (!array_get_latency (control->config.array, member->id, &latency))
    return;
  json_builder_begin_object (builder);
  render_json_int (builder, "id", member->id);
  render_json_slot (builder, member->slot);
  render_json_string (builder, "disk",
                      member->name[0] == '\0' ? NULL : member->name);
  add_spread (builder, "read", latency.bucket[ARRAY_LATENCY_READ]);
  add_spread (builder, "write", latency.bucket[ARRAY_LATENCY_WRITE]);
  add_spread (builder, "flush", latency.bucket[ARRAY_LATENCY_FLUSH]);
  json_builder_end_object (builder);
}

static int
by_length (const void *a, const void *b)
{
  const struct array_slow *one = a, *other = b;

  return (one->took_ns < other->took_ns) - (one->took_ns > other->took_ns);
}

static void
add_slow (JsonBuilder *builder, const struct array_slow *slow)
{
  uint64_t ago_us = (ground_now () - slow->end_ns) / 1000;

  json_builder_begin_object (builder);
  event_build_time (builder, "time", ground_utc_us () - ago_us);
  render_json_int (builder, "took_us", slow->took_ns / 1000);
  render_json_string (builder, "op", slow->op);
  render_json_string (builder, "step", slow->step);
  render_json_int (builder, "member", slow->member);
  render_json_string (builder, "disk",
                      slow->disk[0] == '\0' ? NULL : slow->disk);
  render_json_int (builder, "offset", slow->offset);
  render_json_int (builder, "length", slow->length);
  json_builder_end_object (builder);
}

void
latency_build (struct control *control, JsonBuilder *builder)
{
  struct array_snapshot snapshot;
  struct array_slow slow[ARRAY_SLOWEST];
  unsigned count = array_get_slowest (control->config.array, slow);

  array_get_snapshot (control->config.array, &snapshot);
  json_builder_set_member_name (builder, "members");
  json_builder_begin_array (builder);
  for (unsigned i = 0; i < snapshot.members; i++)
    add_member (control, builder, &snapshot.member[i]);
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "slowest");
  json_builder_begin_array (builder);
  qsort (slow, count, sizeof *slow, by_length);
  for (unsigned i = 0; i < count; i++)
    add_slow (builder, &slow[i]);
  json_builder_end_array (builder);
}
