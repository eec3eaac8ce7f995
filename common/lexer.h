/*
 * The words of a configuration file, one after another, with the line of each: for framemuxd and
 * framemux-wall, which must know where things stand before libconfuse reads the same text. It
 * miscounts lines at comments, refuses them inside braces, and would put the environment in the
 * place of "${". Pure code.
 */
#ifndef FRAMEMUX_LEXER_H
#define FRAMEMUX_LEXER_H

#include <stdbool.h>
#include <stddef.h>

/* T_UNENDED: a string without its closing quote on the line. */
enum word_kind { T_END, T_WORD, T_STRING, T_PUNCT, T_UNENDED };

struct word {
	enum word_kind kind;
	char c;           /* of T_PUNCT */
	const char *text; /* borrowed; without quotes */
	size_t len;
	unsigned line;
};

struct lexer {
	char *text;               /* comments blanked */
	size_t at;                /* of what comes next */
	unsigned line, last_line; /* of what comes next; of the last token */
};

struct word lexer_next(struct lexer *l);

bool word_is_punct(const struct word *tok, char c);
bool word_is_value(const struct word *tok);
bool word_is_key(const struct word *tok);

/* A variable in a value would be whatever the environment says: no value is guessed. */
bool word_has_variable(const struct word *tok);

/* Replace comments by blanks, newlines kept. 0, or the line of a comment that does not end. */
unsigned lexer_blank(char *text);

#endif
