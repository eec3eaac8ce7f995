/* Words of a configuration file. Pure code; never reads behind a text's NUL. */
#include "common/lexer.h"

#include <ctype.h>
#include <string.h>

/* Behind the closing quote; or false, and the end of the line that has none: an escaped one closes nothing. */
static bool find_string_end(char *p, char **ret)
{
	char quote = *p++;
	bool is_closed;

	while (*p && *p != '\n' && *p != quote)
		p += p[0] == '\\' && p[1] && p[1] != '\n' ? 2 : 1;
	is_closed = *p == quote;
	*ret = p + is_closed;
	return is_closed;
}

unsigned lexer_blank(char *text)
{
	unsigned line = 1;

	for (char *p = text; *p;) {
		if (*p == '"' || *p == '\'') {
			(void)find_string_end(p, &p);
		} else if (*p == '#' || (p[0] == '/' && p[1] == '/')) {
			while (*p && *p != '\n')
				*p++ = ' ';
		} else if (p[0] == '/' && p[1] == '*') {
			unsigned begun = line;
			char *end = strstr(p + 2, "*/");

			if (!end)
				return begun;
			for (; p < end + 2; p++) {
				if (*p == '\n')
					line++;
				else
					*p = ' ';
			}
		} else {
			line += *p++ == '\n';
		}
	}
	return 0;
}

struct word lexer_next(struct lexer *l)
{
	const char *p = l->text + l->at;
	struct word tok;

	for (; *p && isspace((unsigned char)*p); p++)
		l->line += *p == '\n';
	tok = (struct word){.kind = T_END, .text = p, .line = l->line};
	if (*p == '"' || *p == '\'') {
		char *end;

		tok.kind = find_string_end((char *)p, &end) ? T_STRING : T_UNENDED;
		tok.text = p + 1;
		tok.len = (size_t)(end - p) - (tok.kind == T_STRING ? 2 : 1);
		p = end;
	} else if (*p && strchr("={}(),", *p)) {
		tok.kind = T_PUNCT;
		tok.c = *p;
		tok.len = 1;
		p++;
	} else if (*p) {
		tok.kind = T_WORD;
		while (*p && !isspace((unsigned char)*p) && !strchr("={}(),\"'", *p))
			p++;
		tok.len = (size_t)(p - tok.text);
	}
	l->at = (size_t)(p - l->text);
	if (tok.kind != T_END)
		l->last_line = tok.line;
	return tok;
}

bool word_is_punct(const struct word *tok, char c)
{
	return tok->kind == T_PUNCT && tok->c == c;
}

bool word_is_value(const struct word *tok)
{
	return tok->kind == T_STRING || tok->kind == T_WORD;
}

bool word_is_key(const struct word *tok)
{
	if (tok->kind != T_WORD || isdigit((unsigned char)tok->text[0]))
		return false;
	for (size_t i = 0; i < tok->len; i++)
		if (!isalnum((unsigned char)tok->text[i]) && tok->text[i] != '_')
			return false;
	return true;
}

bool word_has_variable(const struct word *tok)
{
	/* A brace ends a word: look one further. */
	return memmem(tok->text, tok->len + (tok->kind == T_WORD), "${", 2) != NULL;
}
