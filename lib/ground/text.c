/* SPDX-License-Identifier: BSD-3-Clause */
/* text: what comes from outside, made fit to be shown. */
#include <string.h>

#include "ground/text.h"
#include "ground/util.h"

/* How many bytes follow this first one, what it holds of the character, and
 * the least that needs so many; none follow what cannot be a first one.
 */
static unsigned
bytes_after (unsigned char first, uint32_t *ret_bits, uint32_t *ret_least)
{
  if (first >= 0xc2 && first <= 0xdf) {
    *ret_bits = first & 0x1f;
    *ret_least = 0x80;
    return 1;
  }
  if (first >= 0xe0 && first <= 0xef) {
    *ret_bits = first & 0x0f;
    *ret_least = 0x800;
    return 2;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    *ret_bits = first & 0x07;
    *ret_least = 0x10000;
    return 3;
  }
  return 0;
}

size_t
text_character (const char *text, uint32_t *ret)
{
  const unsigned char *at = (const unsigned char *)text;
  uint32_t character = 0, least = 0;
  unsigned after = bytes_after (at[0], &character, &least);

  assert (at[0] != '\0');
  *ret = at[0] < 0x80 ? at[0] : TEXT_NO_CHARACTER;
  if (after == 0)
    return 1;
  /* The final NUL is none that can follow. */
  for (unsigned i = 1; i <= after; i++) {
    if ((at[i] & 0xc0) != 0x80)
      return 1;
    character = character << 6 | (at[i] & 0x3f);
  }
  if (character < least || character > 0x10ffff
      || (character >= 0xd800 && character <= 0xdfff))
    return 1;
  *ret = character;
  return 1 + after;
}

bool
text_is_shown (uint32_t character)
{
  if (character < 0x20 || (character >= 0x7f && character <= 0x9f))
    return false;
  if (character >= 0x2028 && character <= 0x202e)
    return false;
  if (character >= 0x2066 && character <= 0x2069)
    return false;
  return character <= 0x10ffff;
}

bool
text_can_be_shown (const char *text)
{
  while (*text != '\0') {
    uint32_t character;

    text += text_character (text, &character);
    if (!text_is_shown (character))
      return false;
  }
  return true;
}

static bool
is_character (uint32_t character)
{
  return character != TEXT_NO_CHARACTER;
}

/* Its length. */
static size_t
escape_byte (unsigned char byte, char *to)
{
  static const char digits[] = "0123456789abcdef";
  static const char short_ones[] = "\nn\rr\tt";
  const char *known = byte == '\0' ? NULL : strchr (short_ones, byte);

  to[0] = '\\';
  if (known != NULL && byte < ' ') {
    to[1] = known[1];
    return 2;
  }
  to[1] = 'x';
  to[2] = digits[byte >> 4];
  to[3] = digits[byte & 0xf];
  return TEXT_ESCAPE_MAX;
}

static void
convert (const char *text, bool (*is_kept) (uint32_t character), char *buffer,
         size_t size)
{
  size_t used = 0;

  assert (size > 0);
  while (*text != '\0') {
    char shown[4 * TEXT_ESCAPE_MAX];
    uint32_t character;
    size_t bytes = text_character (text, &character), length = 0;

    if (is_kept (character)) {
      memcpy (shown, text, bytes);
      length = bytes;
    }
    else
      for (size_t i = 0; i < bytes; i++)
        length += escape_byte ((unsigned char)text[i], shown + length);
    if (length >= size - used)
      break;
    memcpy (buffer + used, shown, length);
    used += length;
    text += bytes;
  }
  buffer[used] = '\0';
}

void
text_escape (const char *text, char *buffer, size_t size)
{
  convert (text, text_is_shown, buffer, size);
}

void
text_mend (const char *text, char *buffer, size_t size)
{
  convert (text, is_character, buffer, size);
}
