/* Opens, fills and closes output files; says what it cannot write. In framemux-dump's process. */
#include "clients/dump/output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "clients/dump/format.h"
#include "clients/dump/out_name.h"
#include "clients/picture/png.h"
#include "clients/program/exit_code.h"

static int cannot(const char *what, const char *name, int error, int code)
{
	/* Whoever reads our output has had enough: no need to say so. */
	if (error != EPIPE)
		fprintf(stderr, "framemux-dump: cannot %s %s: %s\n", what, name, strerror(error));
	return code;
}

static int open_file(const char *name, FILE **ret)
{
	*ret = fopen(name, "we");
	return *ret ? 0 : cannot("create", name, errno, EXIT_CREATE);
}

static int close_file(FILE **file, const char *name)
{
	FILE *f = *file;

	*file = NULL;
	if (!f)
		return 0;
	return fclose(f) ? cannot("write", name, errno, EXIT_WRITE) : 0;
}

int output_begin(struct output *o, const struct options *options)
{
	*o = (struct output){.options = options, .kind = out_name_kind(options->out)};
	if (o->kind == OUT_STDOUT && isatty(STDOUT_FILENO)) {
		fputs("framemux-dump: pictures do not go to a terminal; give -o FILE\n", stderr);
		return EXIT_USAGE;
	}
	return 0;
}

/* Not before there is a frame: a refusal leaves no empty file, and no old one truncated. */
static int open_files(struct output *o)
{
	const char *out = o->options->out, *meta = o->options->meta_file;
	int code = 0;

	if (o->kind == OUT_STDOUT) {
		o->file = stdout;
		snprintf(o->name, sizeof(o->name), "standard output");
	} else if (out_name_make(out, o->written + 1, o->name, sizeof(o->name)) < 0) {
		return cannot("create", out, ENAMETOOLONG, EXIT_CREATE);
	} else {
		code = open_file(o->name, &o->file);
	}
	if (code == 0 && meta && !o->meta) {
		if (!strcmp(meta, "-"))
			o->meta = stdout;
		else
			code = open_file(meta, &o->meta);
	}
	return code;
}

/* A y4m or raw stream says its size once or never. */
static int check_form(struct output *o, const struct shot *s)
{
	const struct framemux_frame *f = &s->frame;

	if (o->options->format == FORMAT_PNG || o->options->format == FORMAT_PPM ||
		o->kind == OUT_PATTERN)
		return 0;
	if (o->written == 0) {
		o->width = f->width;
		o->height = f->height;
		o->color_range = f->color_range;
	}
	if (f->width == o->width && f->height == o->height && f->color_range == o->color_range)
		return 0;
	fprintf(stderr,
		"framemux-dump: the camera's picture changed from %ux%u to %ux%u; one %s stream "
		"cannot hold both (--size keeps it the same)\n",
		o->width, o->height, f->width, f->height,
		o->options->format == FORMAT_Y4M ? "y4m" : "raw");
	return EXIT_WRITE;
}

static int write_shot(struct output *o, const struct shot *s)
{
	switch (o->options->format) {
	case FORMAT_PNG:
		return picture_png(o->file, s);
	case FORMAT_PPM:
		return ppm_write(o->file, s);
	case FORMAT_Y4M:
		return y4m_write(
			o->file, s, o->options->fps, o->kind == OUT_PATTERN || o->written == 0);
	default:
		return raw_write(o->file, s);
	}
}

int output_put(struct output *o, const struct shot *s)
{
	int code = check_form(o, s), r;

	if (code)
		return code;
	if (!o->file) {
		code = open_files(o);
		if (code)
			return code;
	}
	errno = 0;
	r = write_shot(o, s);
	if (r == 0 && fflush(o->file))
		r = -EIO;
	if (r == -ENOMEM)
		return cannot("write", o->name, ENOMEM, EXIT_INTERNAL);
	if (r < 0)
		return cannot("write", o->name, errno ? errno : EIO, EXIT_WRITE);
	if (o->kind == OUT_PATTERN) {
		code = close_file(&o->file, o->name);
		if (code)
			return code;
	}
	o->written++;
	if (o->meta && meta_write(o->meta, s, o->options->camera, o->options->verify_full) < 0)
		return cannot("write", o->options->meta_file, errno ? errno : EIO, EXIT_WRITE);
	return 0;
}

int output_end(struct output *o)
{
	int code = close_file(&o->file, o->name), meta = 0;

	if (o->options && o->options->meta_file)
		meta = close_file(&o->meta, o->options->meta_file);
	return code ? code : meta;
}
