/* common/lexer: the words of a configuration file. */
#include "common/lexer.h"

#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "tests/unit/unit.h"

START_TEST(test_blank)
{
	static const struct {
		const char *text, *blank;
	} rows[] = {
		{"a # b\nc", "a    \nc"},
		{"a // b\nc", "a     \nc"},
		{"a /* b\n c */ d", "a     \n      d"},
		{"\"# // /* \" x", "\"# // /* \" x"},
		{"\"\\\"#\" #", "\"\\\"#\"  "},
		{"'#' /**/", "'#'     "},
	};
	char text[64];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(text, sizeof(text), "%s", rows[i].text);
		ck_assert_uint_eq(lexer_blank(text), 0);
		ck_assert_str_eq(text, rows[i].blank);
	}
	snprintf(text, sizeof(text), "a\n\n/* b\n");
	ck_assert_uint_eq(lexer_blank(text), 3);
}
END_TEST

static void assert_word(struct lexer *l, enum word_kind kind, unsigned line, const char *text)
{
	struct word w = lexer_next(l);

	ck_assert_int_eq(w.kind, kind);
	ck_assert_uint_eq(w.line, line);
	ck_assert_uint_eq(w.len, strlen(text));
	ck_assert(!memcmp(w.text, text, w.len));
}

START_TEST(test_words)
{
	char text[] = "fps = 5\ncamera \"a b\" {\n\n} x=\"open\nnext";
	struct lexer l = {.text = text, .line = 1};

	assert_word(&l, T_WORD, 1, "fps");
	assert_word(&l, T_PUNCT, 1, "=");
	assert_word(&l, T_WORD, 1, "5");
	assert_word(&l, T_WORD, 2, "camera");
	assert_word(&l, T_STRING, 2, "a b");
	assert_word(&l, T_PUNCT, 2, "{");
	assert_word(&l, T_PUNCT, 4, "}");
	assert_word(&l, T_WORD, 4, "x");
	assert_word(&l, T_PUNCT, 4, "=");
	assert_word(&l, T_UNENDED, 4, "open");
	assert_word(&l, T_WORD, 5, "next");
	assert_word(&l, T_END, 5, "");
	ck_assert_uint_eq(l.last_line, 5);
}
END_TEST

/* libconfuse would read on in the lines that follow. */
START_TEST(test_escaped_quotes)
{
	static const struct {
		const char *text, *word;
		enum word_kind kind;
	} rows[] = {{"\"abc\\\"\nx", "abc\\\"", T_UNENDED}, {"'abc\\'\nx", "abc\\'", T_UNENDED},
		{"\"abc\\\"\"\nx", "abc\\\"", T_STRING}, {"\"abc\\\\\"\nx", "abc\\\\", T_STRING},
		{"\"abc\\\nx", "abc\\", T_UNENDED}, {"\"\nx", "", T_UNENDED},
		{"\"\"\nx", "", T_STRING}, {"\"\\\"", "\\\"", T_UNENDED}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[32];
		struct lexer l = {.text = text, .line = 1};

		snprintf(text, sizeof(text), "%s", rows[i].text);
		assert_word(&l, rows[i].kind, 1, rows[i].word);
	}
}
END_TEST

START_TEST(test_variables)
{
	static const struct {
		const char *text;
		bool has;
	} rows[] = {{"${HOME}", true}, {"\"a ${HOME}\"", true}, {"'${'", true}, {"a${b", true},
		{"$", false}, {"$ {", false}, {"\"$\" {", false}, {"\"{$}\"", false}, {"", false}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[32];
		struct lexer l = {.text = text, .line = 1};
		struct word w;

		snprintf(text, sizeof(text), "%s", rows[i].text);
		w = lexer_next(&l);
		ck_assert_msg(word_has_variable(&w) == rows[i].has, "%s", rows[i].text);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lexer");
	TCase *t = tcase_create("lexer");

	tcase_add_test(t, test_blank);
	tcase_add_test(t, test_words);
	tcase_add_test(t, test_escaped_quotes);
	tcase_add_test(t, test_variables);
	suite_add_tcase(s, t);
	return unit_run(s);
}
