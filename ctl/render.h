/* SPDX-License-Identifier: BSD-3-Clause */
/* render: numbers, times and names as people and programs read them. */
#ifndef MIRROR_RENDER_H
#define MIRROR_RENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "control/json.h"
#include "logic/sb1.h"

/* What is returned is to be freed by g_free. */
char *render_uuid (const uint8_t uuid[16]);    /* 4 groups, ':' */
char *render_time_utc (uint64_t time);         /* RFC 3339 */
char *render_time_local (uint64_t time);       /* as ctime does */
char *render_bytes (uint64_t bytes);           /* 1.5 GiB */
char *render_text (const char *text);          /* as text_escape */
char *render_word (const char *text);          /* a word for a shell */
char *render_name (const struct sb1 *sb);      /* for people: render_text */
char *render_raw_name (const struct sb1 *sb);  /* as it is, for JSON */
char *render_role (const struct sb1 *sb);      /* "active 0", "spare" */
char *render_slots (const struct sb1 *sb);     /* "AA.R" */
char *render_geometry (const struct sb1 *sb);  /* "raid10 n2, 64 KiB chunk" */

/* 10M, 64K, 1G -> bytes.  False: not a size. */
bool render_parse_size (const char *text, uint64_t *ret);

/* Print it, and give the builder back. */
void render_json_print (JsonBuilder *builder);

#endif /* MIRROR_RENDER_H */
