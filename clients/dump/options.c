/* Reads framemux-dump's command line. Opens nothing. In framemux-dump's process. */
#include "clients/dump/options.h"

#include <drm_fourcc.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clients/dump/out_name.h"
#include "clients/program/exit_code.h"
#include "clients/program/usage.h"
#include "common/limits.h"
#include "common/number.h"
#include "framemux.h"

#define TIMEOUT_MAX 86400.0 /* s */

static const char help[] =
	"Usage: framemux-dump [OPTION]... CAMERA\n"
	"Write verified frames of a camera to files or standard output.\n"
	"\n"
	"  -s, --socket SOCKET   the mux's client socket (else $FRAMEMUX_SOCKET, else the "
	"default)\n"
	"  -k, --key FILE        one token, or lines \"CAMERA TOKEN\" (else $FRAMEMUX_TOKEN)\n"
	"  -n, --frames N        how many frames; 0: without end (default 1)\n"
	"  -f, --format FORMAT   png, ppm, y4m or raw (default: by OUT's ending, else png)\n"
	"  -o, --output OUT      a file, a pattern such as f-%05d.png, or - (default -)\n"
	"      --size WxH        scaled to exactly this (default: the camera's own size)\n"
	"      --fps N           at most N frames a second\n"
	"      --fourcc CODE     for raw: YUV420, NV12, XRGB8888 or RGB565 (default YUV420)\n"
	"      --meta FILE       a JSON line for each frame; - is standard output\n"
	"      --timeout SEC     give up after so long without a frame (default 10)\n"
	"      --verify MODE     sampled or full: what the tag of a frame covers (default "
	"sampled)\n"
	"  -h, --help            this text\n"
	"  -V, --version         the version\n"
	"\n"
	"Declares the purpose \"dump\": a token without that right is refused.\n"
	"Exit status: 0; 64 usage; 65 malformed token; 69 camera lost or mux not there; 70 "
	"internal\n"
	"error; 73, 74 cannot create or write; 75 no frame in time; 77 refused or revoked.\n";

enum { OPT_SIZE = 256, OPT_FPS, OPT_FOURCC, OPT_META, OPT_TIMEOUT, OPT_VERIFY };

static const struct option longs[] = {
	{"socket", required_argument, NULL, 's'},
	{"key", required_argument, NULL, 'k'},
	{"frames", required_argument, NULL, 'n'},
	{"format", required_argument, NULL, 'f'},
	{"output", required_argument, NULL, 'o'},
	{"size", required_argument, NULL, OPT_SIZE},
	{"fps", required_argument, NULL, OPT_FPS},
	{"fourcc", required_argument, NULL, OPT_FOURCC},
	{"meta", required_argument, NULL, OPT_META},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"verify", required_argument, NULL, OPT_VERIFY},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

uint32_t options_fourcc(const char *text)
{
	static const struct {
		const char *name, *code;
		uint32_t fourcc;
	} known[] = {
		{"NV12", "NV12", DRM_FORMAT_NV12},
		{"YUV420", "YU12", DRM_FORMAT_YUV420},
		{"XRGB8888", "XR24", DRM_FORMAT_XRGB8888},
		{"RGB565", "RG16", DRM_FORMAT_RGB565},
	};

	if (!strncasecmp(text, "DRM_FORMAT_", 11))
		text += 11;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcasecmp(text, known[i].name) || !strcasecmp(text, known[i].code))
			return known[i].fourcc;
	return 0;
}

static enum format format_parse(const char *text)
{
	if (!strcasecmp(text, "png"))
		return FORMAT_PNG;
	if (!strcasecmp(text, "ppm"))
		return FORMAT_PPM;
	if (!strcasecmp(text, "y4m"))
		return FORMAT_Y4M;
	if (!strcasecmp(text, "raw"))
		return FORMAT_RAW;
	return FORMAT_NONE;
}

static enum format format_of_name(const char *out)
{
	const char *dot = strrchr(out, '.');
	enum format f = dot ? format_parse(dot + 1) : FORMAT_NONE;

	if (f == FORMAT_NONE && dot && !strcasecmp(dot, ".yuv"))
		f = FORMAT_RAW;
	return f == FORMAT_NONE ? FORMAT_PNG : f;
}

static int usage(const char *what, const char *value)
{
	return usage_error("framemux-dump", what, value);
}

/* What can be asked for: whether there is such a camera is not told by any answer but the mux's. */
static bool is_name(const char *s)
{
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	return *s && strlen(s) < LIMIT_NAME;
}

static int parse_timeout(const char *text, uint32_t *ret_ms)
{
	char *end;
	double s;

	if (*text < '0' || *text > '9')
		return -1;
	s = strtod(text, &end);
	if (*end || !isfinite(s) || s <= 0 || s > TIMEOUT_MAX)
		return -1;
	*ret_ms = (uint32_t)ceil(s * 1000);
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
	case 'n':
		if (number_parse(arg, 0, UINT64_MAX, &o->frames) < 0)
			return usage("not a number of frames", arg);
		break;
	case 'f':
		o->format = format_parse(arg);
		if (o->format == FORMAT_NONE)
			return usage("format must be png, ppm, y4m or raw", arg);
		break;
	case 'o':
		o->out = arg;
		break;
	case OPT_SIZE:
		if (number_size(arg, &o->width, &o->height) < 0 ||
			(uint64_t)o->width * o->height > LIMIT_PIXELS)
			return usage("not a size (such as 1280x720)", arg);
		break;
	case OPT_FPS:
		if (number_parse_u32(arg, 1, LIMIT_FPS, &o->fps) < 0)
			return usage("not a frame rate (1 to 1000)", arg);
		break;
	case OPT_FOURCC:
		o->fourcc = options_fourcc(arg);
		if (!o->fourcc)
			return usage("fourcc must be YUV420, NV12, XRGB8888 or RGB565", arg);
		break;
	case OPT_META:
		o->meta_file = arg;
		break;
	case OPT_TIMEOUT:
		if (parse_timeout(arg, &o->timeout_ms) < 0)
			return usage("not a number of seconds", arg);
		break;
	case OPT_VERIFY:
		o->verify_full = !strcmp(arg, "full");
		if (!o->verify_full && strcmp(arg, "sampled"))
			return usage("verify must be sampled or full", arg);
		break;
	case 'h':
		fputs(help, stdout);
		return usage_said("framemux-dump");
	case 'V':
		printf("framemux-dump %s\n", framemux_version());
		return usage_said("framemux-dump");
	default:
		fputs("Try framemux-dump --help.\n", stderr);
		return EXIT_USAGE;
	}
	return -1;
}

/* What the options say together. */
static int settle(struct options *o)
{
	enum out_kind kind;
	uint32_t needs = 0;

	if (!*o->out)
		return usage("-o needs a file's name", NULL);
	kind = out_name_kind(o->out);
	if (kind == OUT_BAD)
		return usage("a pattern needs exactly one %d, such as f-%05d.png", o->out);
	if (o->format == FORMAT_NONE)
		o->format = format_of_name(o->out);
	if (o->format == FORMAT_PNG || o->format == FORMAT_PPM)
		needs = DRM_FORMAT_XRGB8888;
	else if (o->format == FORMAT_Y4M)
		needs = DRM_FORMAT_YUV420;
	if (needs && o->fourcc && o->fourcc != needs)
		return usage(
			"--fourcc is for -f raw; png and ppm are XRGB8888, y4m is YUV420", NULL);
	if (!o->fourcc)
		o->fourcc = needs ? needs : DRM_FORMAT_YUV420;
	if (kind == OUT_STDOUT && o->meta_file && !strcmp(o->meta_file, "-"))
		return usage("pictures and --meta cannot both go to standard output", NULL);
	if (o->format == FORMAT_PNG && kind == OUT_FILE && o->frames != 1)
		return usage("several png frames need a pattern, such as f-%05d.png", o->out);
	return -1;
}

int options_parse(int argc, char **argv, struct options *ret)
{
	struct options o = {.out = "-", .frames = 1, .timeout_ms = 10000};
	int c, code;

	opterr = 1;
	optind = 1;
	while ((c = getopt_long(argc, argv, "s:k:n:f:o:hV", longs, NULL)) != -1) {
		code = take_option(c, optarg, &o);
		if (code >= 0)
			return code;
	}
	if (argc - optind != 1)
		return usage(argc == optind ? "which camera?" : "one camera at a time", NULL);
	o.camera = argv[optind];
	if (!is_name(o.camera))
		return usage("not a camera's name", o.camera);
	code = settle(&o);
	if (code >= 0)
		return code;
	*ret = o;
	return -1;
}
