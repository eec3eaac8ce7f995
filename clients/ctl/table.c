/* Collects cells and prints them in aligned columns. In framemuxctl's process. */
#include "clients/ctl/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct table {
	size_t n_columns, n_cells;
	bool is_right[TABLE_COLUMNS_MAX], is_short;
	size_t width[TABLE_COLUMNS_MAX];
	char (*cells)[TABLE_CELL_MAX]; /* owned; the first row are the heads */
};

/* How many characters a terminal shows: bytes that do not continue a UTF-8 sequence. */
static size_t shown(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

struct table *table_new(const char *heads)
{
	struct table *t = calloc(1, sizeof(*t));
	char copy[256], *save;

	if (!t)
		return NULL;
	snprintf(copy, sizeof(copy), "%s", heads);
	for (char *h = copy; *h; h++)
		t->n_columns += *h == '|';
	t->n_columns++;
	for (char *h = strtok_r(copy, "|", &save); h; h = strtok_r(NULL, "|", &save)) {
		t->is_right[t->n_cells] = *h == '>';
		table_cell(t, "%s", h + (*h == '>'));
	}
	return t;
}

void table_free(struct table *t)
{
	if (t)
		free(t->cells);
	free(t);
}

void table_cell(struct table *t, const char *fmt, ...)
{
	size_t column = t->n_cells % t->n_columns, w;
	void *cells = reallocarray(t->cells, t->n_cells + 1, sizeof(*t->cells));
	va_list ap;

	if (!cells) {
		t->is_short = true;
		return;
	}
	t->cells = cells;
	va_start(ap, fmt);
	vsnprintf(t->cells[t->n_cells], sizeof(*t->cells), fmt, ap);
	va_end(ap);
	w = shown(t->cells[t->n_cells++]);
	if (w > t->width[column])
		t->width[column] = w;
}

int table_print(const struct table *t, FILE *f)
{
	if (t->is_short)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t column = i % t->n_columns;
		bool is_last = column + 1 == t->n_columns;
		int pad = (int)(t->width[column] - shown(t->cells[i]));

		if (t->is_right[column])
			fprintf(f, "%*s%s", pad, "", t->cells[i]);
		else
			fprintf(f, "%s%*s", t->cells[i], is_last ? 0 : pad, "");
		fputs(is_last ? "\n" : "  ", f);
	}
	return ferror(f) ? -EIO : 0;
}
