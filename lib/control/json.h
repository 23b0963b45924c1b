/* SPDX-License-Identifier: BSD-3-Clause */
/* json: building and reading JSON, for the server and for nbdmirror. */
#ifndef MIRROR_JSON_H
#define MIRROR_JSON_H

#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stdint.h>

/* @value may be any bytes: those that are no UTF-8 become \xNN.  NULL is
 * null.
 */
void render_json_string (JsonBuilder *builder, const char *name,
                         const char *value);
void render_json_int (JsonBuilder *builder, const char *name, uint64_t value);

/* "slot": -1, none, is null. */
void render_json_slot (JsonBuilder *builder, int slot);
void render_json_signed (JsonBuilder *builder, const char *name,
                         int64_t value);
void render_json_bool (JsonBuilder *builder, const char *name, bool value);
void render_json_null (JsonBuilder *builder, const char *name);

/* On one line, without its end; the builder is given back.  For g_free. */
char *render_json_line (JsonBuilder *builder);

/* What came from the other side: text of @length bytes.  NULL: it is no JSON
 * object that we would read, and *@why says why not, a constant.  For
 * json_node_unref.
 */
JsonNode *json_read_object (const char *text, size_t length,
                            const char **why);

/* A member of @object; the default where there is none of that type. */
const char *json_read_string (JsonObject *object, const char *name,
                              const char *otherwise);
int64_t json_read_int (JsonObject *object, const char *name,
                       int64_t otherwise);
bool json_read_bool (JsonObject *object, const char *name);

/* Are those members of @object that are among @names (NULL-terminated) all of
 * that type?
 */
bool json_read_is_type (JsonObject *object, const char *const *names,
                        GType type);

JsonObject *json_read_member (JsonObject *object, const char *name);
JsonArray *json_read_array (JsonObject *object, const char *name);

/* How many elements; NULL has none.  One that is an object; else NULL. */
unsigned json_read_length (JsonArray *array);
JsonObject *json_read_element (JsonArray *array, unsigned i);

#endif /* MIRROR_JSON_H */
