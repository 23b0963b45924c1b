/* SPDX-License-Identifier: BSD-3-Clause */
/* json: building and reading JSON, for the server and for nbdmirror.
 *
 * json-glib's parser calls itself for each level of nesting, and takes
 * anything for granted; so what comes from outside is looked at before.
 */
#include <string.h>

#include "control/json.h"
#include "ground/limits.h"
#include "ground/text.h"

void
render_json_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  if (value == NULL)
    json_builder_add_null_value (builder);
  else {
    size_t size = TEXT_ESCAPE_MAX * strlen (value) + 1;
    char *mended = g_malloc (size);

    text_mend (value, mended, size);
    json_builder_add_string_value (builder, mended);
    g_free (mended);
  }
}

/* JSON has no unsigned 64-bit numbers of its own: what does not fit is a
 * mark of "none" on disk, or damage; as null it is not mistaken.
 */
void
render_json_int (JsonBuilder *builder, const char *name, uint64_t value)
{
  json_builder_set_member_name (builder, name);
  if (value > INT64_MAX)
    json_builder_add_null_value (builder);
  else
    json_builder_add_int_value (builder, (int64_t)value);
}

void
render_json_slot (JsonBuilder *builder, int slot)
{
  if (slot < 0)
    render_json_null (builder, "slot");
  else
    render_json_int (builder, "slot", slot);
}

void
render_json_signed (JsonBuilder *builder, const char *name, int64_t value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

void
render_json_bool (JsonBuilder *builder, const char *name, bool value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_boolean_value (builder, value);
}

void
render_json_null (JsonBuilder *builder, const char *name)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_null_value (builder);
}

char *
render_json_line (JsonBuilder *builder)
{
  JsonGenerator *generator = json_generator_new ();
  JsonNode *root = json_builder_get_root (builder);
  char *text;

  json_generator_set_root (generator, root);
  text = json_generator_to_data (generator, NULL);
  json_node_unref (root);
  g_object_unref (generator);
  g_object_unref (builder);
  return text;
}

/* How deep is it nested?  Brackets inside of strings do not count. */
static unsigned
depth (const char *text, size_t length)
{
  unsigned now = 0, most = 0;
  bool in_string = false;

  for (size_t i = 0; i < length; i++) {
    char c = text[i];

    if (in_string) {
      if (c == '\\')
        i++;
      else
        in_string = c != '"';
    } else if (c == '"')
      in_string = true;
    else if (c == '{' || c == '[') {
      now++;
      most = MAX (most, now);
    } else if ((c == '}' || c == ']') && now > 0)
      now--;
  }
  return most;
}

/* Is there a NUL, written as an escape?  A string would end there for us: what
 * is meant is another file, or another command.
 */
static bool
has_nul (const char *text, size_t length)
{
  static const char nul[] = "\\u0000";

  for (size_t i = 0; i + 1 < length; i++)
    if (text[i] == '\\') {
      if (length - i >= strlen (nul)
          && memcmp (text + i, nul, strlen (nul)) == 0)
        return true;
      i++;
    }
  return false;
}

JsonNode *
json_read_object (const char *text, size_t length, const char **why)
{
  g_autoptr (JsonParser) parser = NULL;
  JsonNode *root;

  /* This refuses NUL, too.  Names of files may be other bytes. */
  *why = "it is no UTF-8; a disk needs a name, or a link to it, that is";
  if (!g_utf8_validate_len (text, length, NULL))
    return NULL;
  *why = "it is no JSON";
  if (depth (text, length) > CONTROL_DEPTH_MAX) {
    *why = "it is nested too deep";
    return NULL;
  }
  if (has_nul (text, length)) {
    *why = "a string holds a NUL";
    return NULL;
  }
  parser = json_parser_new ();
  if (!json_parser_load_from_data (parser, text, (gssize)length, NULL))
    return NULL;
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root)) {
    *why = "it is no JSON object";
    return NULL;
  }
  return json_node_copy (root);
}

static JsonNode *
find_member (JsonObject *object, const char *name)
{
  return object == NULL ? NULL : json_object_get_member (object, name);
}

/* NULL: there is none of that type. */
static JsonNode *
member_of_type (JsonObject *object, const char *name, GType type)
{
  JsonNode *node = find_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
             && json_node_get_value_type (node) == type
           ? node
           : NULL;
}

const char *
json_read_string (JsonObject *object, const char *name, const char *otherwise)
{
  JsonNode *node = member_of_type (object, name, G_TYPE_STRING);

  return node == NULL ? otherwise : json_node_get_string (node);
}

int64_t
json_read_int (JsonObject *object, const char *name, int64_t otherwise)
{
  JsonNode *node = member_of_type (object, name, G_TYPE_INT64);

  return node == NULL ? otherwise : json_node_get_int (node);
}

bool
json_read_bool (JsonObject *object, const char *name)
{
  JsonNode *node = member_of_type (object, name, G_TYPE_BOOLEAN);

  return node != NULL && json_node_get_boolean (node);
}

bool
json_read_is_type (JsonObject *object, const char *const *names, GType type)
{
  for (; *names != NULL; names++)
    if (find_member (object, *names) != NULL
        && member_of_type (object, *names, type) == NULL)
      return false;
  return true;
}

JsonObject *
json_read_member (JsonObject *object, const char *name)
{
  JsonNode *node = find_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node)
           ? json_node_get_object (node)
           : NULL;
}

JsonArray *
json_read_array (JsonObject *object, const char *name)
{
  JsonNode *node = find_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node)
           ? json_node_get_array (node)
           : NULL;
}

unsigned
json_read_length (JsonArray *array)
{
  return array == NULL ? 0 : json_array_get_length (array);
}

JsonObject *
json_read_element (JsonArray *array, unsigned i)
{
  JsonNode *node = json_array_get_element (array, i);

  return JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}
