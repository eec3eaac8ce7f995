/* Reads framemux-view's command line. Opens nothing. In framemux-view's process. */
#include "clients/view/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/program/exit_code.h"
#include "clients/program/usage.h"
#include "common/limits.h"
#include "common/number.h"
#include "framemux.h"

#define TITLE_MAX 1024u /* a message of Wayland holds 4 KiB */
#define SIDE_MIN  32u

static const char help[] =
	"Usage: framemux-view [OPTION]... CAMERA...\n"
	"Show cameras in a window.\n"
	"\n"
	"  -s, --socket SOCKET   the mux's client socket (else $FRAMEMUX_SOCKET, else the "
	"default)\n"
	"  -k, --key FILE        one token, or lines \"CAMERA TOKEN\" (else $FRAMEMUX_TOKEN, for "
	"one camera)\n"
	"      --size WxH        the window's size at first (default 960x540)\n"
	"      --fullscreen      the whole screen; the key f changes it\n"
	"      --fps N           at most N frames a second\n"
	"      --no-badge        no name over a picture; what is dark is said all the same\n"
	"      --title TEXT      the window's title (default: the cameras' names)\n"
	"      --verify MODE     sampled or full: what the tag of a frame covers (default "
	"sampled)\n"
	"  -v, --verbose         say on standard error what each camera's state is\n"
	"  -h, --help            this text\n"
	"  -V, --version         the version\n"
	"\n"
	"Keys: f is fullscreen and back, q and Escape end.\n"
	"Exit status: 0; 64 usage; 65 bad token file; 69 no Wayland display, or it went, or every\n"
	"camera was disabled or blocked; 70 internal error; 74 cannot write this; 77 every camera\n"
	"was refused or revoked.\n";

enum { OPT_SIZE = 256, OPT_FULLSCREEN, OPT_FPS, OPT_NO_BADGE, OPT_TITLE, OPT_VERIFY };

static const struct option longs[] = {
	{"socket", required_argument, NULL, 's'},
	{"key", required_argument, NULL, 'k'},
	{"size", required_argument, NULL, OPT_SIZE},
	{"fullscreen", no_argument, NULL, OPT_FULLSCREEN},
	{"fps", required_argument, NULL, OPT_FPS},
	{"no-badge", no_argument, NULL, OPT_NO_BADGE},
	{"title", required_argument, NULL, OPT_TITLE},
	{"verify", required_argument, NULL, OPT_VERIFY},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

static int usage(const char *what, const char *value)
{
	return usage_error("framemux-view", what, value);
}

static int parse_size(const char *text, uint32_t *ret_width, uint32_t *ret_height)
{
	uint32_t w, h;

	if (number_size(text, &w, &h) < 0 || w < SIDE_MIN || h < SIDE_MIN)
		return -1;
	*ret_width = w;
	*ret_height = h;
	return 0;
}

/* -1, or an exit code. */
static int take_option(int c, const char *arg, struct options *o)
{
	switch (c) {
	case 's':
		o->socket = arg;
		break;
	case 'k':
		o->key_file = arg;
		break;
	case OPT_SIZE:
		if (parse_size(arg, &o->width, &o->height) < 0)
			return usage("not a window's size (32x32 to 8192x8192)", arg);
		break;
	case OPT_FULLSCREEN:
		o->is_fullscreen = true;
		break;
	case OPT_FPS:
		if (number_parse_u32(arg, 1, LIMIT_FPS, &o->fps) < 0)
			return usage("not a frame rate (1 to 1000)", arg);
		break;
	case OPT_NO_BADGE:
		o->has_badges = false;
		break;
	case OPT_TITLE:
		if (strlen(arg) > TITLE_MAX)
			return usage("the title is too long: at most 1024 bytes", NULL);
		o->title = arg;
		break;
	case OPT_VERIFY:
		o->verify_full = !strcmp(arg, "full");
		if (!o->verify_full && strcmp(arg, "sampled"))
			return usage("verify must be sampled or full", arg);
		break;
	case 'v':
		o->is_verbose = true;
		break;
	case 'h':
		fputs(help, stdout);
		return usage_said("framemux-view");
	case 'V':
		printf("framemux-view %s\n", framemux_version());
		return usage_said("framemux-view");
	default:
		fputs("Try framemux-view --help.\n", stderr);
		return EXIT_USAGE;
	}
	return -1;
}

/* What the options and the cameras say together. */
static int settle(const struct options *o)
{
	if (o->n_cameras == 0)
		return usage("which camera?", NULL);
	if (o->n_cameras > OPTIONS_CAMERAS_MAX)
		return usage("at most 64 cameras in one window", NULL);
	for (uint32_t i = 0; i < o->n_cameras; i++) {
		if (!*o->cameras[i])
			return usage("a camera's name is empty", NULL);
		for (uint32_t j = 0; j < i; j++)
			if (!strcmp(o->cameras[i], o->cameras[j]))
				return usage("named twice", o->cameras[i]);
	}
	if (o->n_cameras > 1 && !o->key_file)
		return usage("several cameras need -k FILE with lines \"CAMERA TOKEN\": "
			     "$FRAMEMUX_TOKEN is for one",
			NULL);
	return -1;
}

int options_parse(int argc, char **argv, struct options *ret)
{
	struct options o = {.has_badges = true};
	int c, code;

	opterr = 1;
	optind = 1;
	while ((c = getopt_long(argc, argv, "s:k:vhV", longs, NULL)) != -1) {
		code = take_option(c, optarg, &o);
		if (code >= 0)
			return code;
	}
	o.cameras = argv + optind;
	o.n_cameras = (uint32_t)(argc - optind);
	code = settle(&o);
	if (code >= 0)
		return code;
	*ret = o;
	return -1;
}
