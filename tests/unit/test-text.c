/* SPDX-License-Identifier: BSD-3-Clause */
/* Text from outside: what is shown as it is, and what is not. */
#include "ground/text.h"
#include "ground/util.h"
#include "unit.h"

static const char *
escaped (const char *text)
{
  static char buffer[200];

  text_escape (text, buffer, sizeof buffer);
  return buffer;
}

static const char *
mended (const char *text)
{
  static char buffer[200];

  text_mend (text, buffer, sizeof buffer);
  return buffer;
}

START_TEST (harmless_text_stays)
{
  static const char *const texts[]
    = { "", "disk1.img", "a b\\n \"'~", "\u00fc\u00a0\u20ac\U0001f600",
        "\uffff\U0010ffff\u2027\u202f" };

  for (size_t i = 0; i < ARRAY_LENGTH (texts); i++) {
    ck_assert_str_eq (escaped (texts[i]), texts[i]);
    ck_assert_str_eq (mended (texts[i]), texts[i]);
  }
}
END_TEST

START_TEST (what_a_terminal_obeys_is_escaped)
{
  ck_assert_str_eq (escaped ("a\nb\rc\td"), "a\\nb\\rc\\td");
  ck_assert_str_eq (escaped ("\x1b[31m\a\x7f"), "\\x1b[31m\\x07\\x7f");
  ck_assert_str_eq (escaped ("\xc2\x80\xc2\x9b" "2J\xc2\x9f"),
                    "\\xc2\\x80\\xc2\\x9b2J\\xc2\\x9f");
  ck_assert_str_eq (escaped ("\u2028\u202e\u2066\u2069"),
                    "\\xe2\\x80\\xa8\\xe2\\x80\\xae\\xe2\\x81\\xa6"
                    "\\xe2\\x81\\xa9");
  ck_assert_str_eq (mended ("a\n\x1b\xc2\x9b"), "a\n\x1b\xc2\x9b");
}
END_TEST

START_TEST (bytes_that_are_no_utf8_are_escaped)
{
  static const struct {
    const char *text, *wanted;
  } cases[] = {
    { "\xff", "\\xff" },
    { "a\x80z", "a\\x80z" },                       /* nothing before it */
    { "\xc3", "\\xc3" },                           /* cut */
    { "\xe2\x82", "\\xe2\\x82" },
    { "\xc3z", "\\xc3z" },
    { "\xc0\x8a", "\\xc0\\x8a" },                  /* a longer newline */
    { "\xe0\x80\x8a", "\\xe0\\x80\\x8a" },
    { "\xf0\x80\x80\x8a", "\\xf0\\x80\\x80\\x8a" },
    { "\xed\xa0\x80", "\\xed\\xa0\\x80" },         /* a surrogate */
    { "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" }, /* beyond Unicode */
    { "\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80" },
  };

  for (size_t i = 0; i < ARRAY_LENGTH (cases); i++) {
    ck_assert_str_eq (escaped (cases[i].text), cases[i].wanted);
    ck_assert_str_eq (mended (cases[i].text), cases[i].wanted);
  }
}
END_TEST

START_TEST (what_does_not_fit_is_cut_at_a_character)
{
  char buffer[8];

  text_escape ("1234567890", buffer, sizeof buffer);
  ck_assert_str_eq (buffer, "1234567");
  text_escape ("12345\u20ac", buffer, sizeof buffer);
  ck_assert_str_eq (buffer, "12345");
  text_escape ("1234\u20ac", buffer, sizeof buffer);
  ck_assert_str_eq (buffer, "1234\u20ac");
  text_escape ("1234\x1b", buffer, sizeof buffer);
  ck_assert_str_eq (buffer, "1234");
  text_escape ("123\x1b", buffer, sizeof buffer);
  ck_assert_str_eq (buffer, "123\\x1b");
  text_escape ("1", buffer, 1);
  ck_assert_str_eq (buffer, "");
}
END_TEST

/* Random bytes: the result is UTF-8 that can be shown, and stays so. */
START_TEST (whatever_comes_in_can_be_shown)
{
  uint64_t state = unit_seed ("test-text");
  char once[4 * 40 + 1], twice[sizeof once];

  for (unsigned round = 0; round < 100000; round++) {
    char text[41];
    size_t length = unit_below (&state, 40);

    for (size_t i = 0; i < length; i++)
      text[i] = (char)(1 + unit_below (&state, 255));
    text[length] = '\0';
    text_escape (text, once, sizeof once);
    text_escape (once, twice, sizeof twice);
    UNIT_CHECK (strcmp (once, twice) == 0, "round %u", round);
    for (const char *at = once; *at != '\0';) {
      uint32_t character;

      at += text_character (at, &character);
      UNIT_CHECK (text_is_shown (character), "round %u", round);
    }
  }
}
END_TEST

static void
add_tests (TCase *tcase)
{
  tcase_add_test (tcase, harmless_text_stays);
  tcase_add_test (tcase, what_a_terminal_obeys_is_escaped);
  tcase_add_test (tcase, bytes_that_are_no_utf8_are_escaped);
  tcase_add_test (tcase, what_does_not_fit_is_cut_at_a_character);
  tcase_add_test (tcase, whatever_comes_in_can_be_shown);
}

int
main (void)
{
  return unit_main ("text", add_tests);
}
