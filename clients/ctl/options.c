/* Reads framemuxctl's command line. In framemuxctl's process. */
#include "clients/ctl/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/ctl/units.h"
#include "clients/program/exit_code.h"
#include "common/number.h"
#include "common/text.h"
#include "framemux.h"

#define TIMEOUT_MAX_S 86400u

/* Long options without a short one; a verb names those it takes by these letters. */
enum {
	OPT_JSON = 'j',
	OPT_WATCH = 'w',
	OPT_CAMERA = 'c',
	OPT_UID = 'u',
	OPT_UNIT = 'U',
	OPT_SIZE = 'z',
	OPT_FPS = 'f',
	OPT_EXPIRES = 'e',
	OPT_MASK = 'm',
	OPT_LABEL = 'l',
	OPT_DUMP = 'd',
	OPT_NO_DUMP = 'D',
	OPT_ALL = 'a',
	OPT_VENDOR = 'v',
	OPT_SINCE = 'S',
	OPT_UNTIL = 'T',
	OPT_AT = 'A',
	OPT_FOLLOW = 'F',
	OPT_ANCHOR = 'n',
	OPT_STATE = 'y',
	OPT_TIMEOUT = 't',
};

static const struct option longs[] = {
	{"socket", required_argument, NULL, 's'},
	{"key", required_argument, NULL, 'k'},
	{"output", required_argument, NULL, 'o'},
	{"json", no_argument, NULL, OPT_JSON},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{"watch", no_argument, NULL, OPT_WATCH},
	{"camera", required_argument, NULL, OPT_CAMERA},
	{"uid", required_argument, NULL, OPT_UID},
	{"unit", required_argument, NULL, OPT_UNIT},
	{"max-size", required_argument, NULL, OPT_SIZE},
	{"max-fps", required_argument, NULL, OPT_FPS},
	{"expires", required_argument, NULL, OPT_EXPIRES},
	{"mask", required_argument, NULL, OPT_MASK},
	{"label", required_argument, NULL, OPT_LABEL},
	{"dump", no_argument, NULL, OPT_DUMP},
	{"no-dump", no_argument, NULL, OPT_NO_DUMP},
	{"all", no_argument, NULL, OPT_ALL},
	{"vendor", required_argument, NULL, OPT_VENDOR},
	{"since", required_argument, NULL, OPT_SINCE},
	{"until", required_argument, NULL, OPT_UNTIL},
	{"at", required_argument, NULL, OPT_AT},
	{"follow", no_argument, NULL, OPT_FOLLOW},
	{"anchor", required_argument, NULL, OPT_ANCHOR},
	{"state", no_argument, NULL, OPT_STATE},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{0},
};

static void help_all(void)
{
	fputs("Usage: framemuxctl [-s CONTROL_SOCKET] [--json] COMMAND\n"
	      "Show and change what a framemux does.\n\n",
		stdout);
	for (const struct verb *v = verbs; v->name; v++)
		printf("  %s%s%s\n", v->name, *v->synopsis ? " " : "", v->synopsis);
	fputs("\n"
	      "  -s, --socket SOCKET   the control socket (else $FRAMEMUX_CONTROL_SOCKET, else "
	      "the\n"
	      "                        default)\n"
	      "      --json            JSON instead of text for people\n"
	      "  -h, --help            this text; after COMMAND: about that command\n"
	      "  -V, --version         the version\n"
	      "\n"
	      "DUR is an integer and s, m, h or d, or never; a time T is RFC 3339, or a DUR\n"
	      "ago. Tokens come from -k FILE, else $FRAMEMUX_TOKEN, else standard input; never\n"
	      "from the command line.\n"
	      "Exit status: 0; 64 usage; 65 bad data, or an audit log that is not whole; 69 mux "
	      "not\n"
	      "there; 70 internal error; 73, 74 cannot write; 75 timed out or silent, a reload is "
	      "under\n"
	      "way; 77 refused; 78 the configuration is wrong.\n",
		stdout);
}

static void help_verb(const struct verb *v)
{
	printf("Usage: framemuxctl [-s CONTROL_SOCKET] [--json] %s%s%s\n", v->name,
		*v->synopsis ? " " : "", v->synopsis);
	fputs(v->help, stdout);
}

static int usage(const struct verb *v, const char *what, const char *value)
{
	fprintf(stderr, "framemuxctl: %s%s%s\nTry framemuxctl %s%s--help.\n", what,
		value ? ": " : "", value ? value : "", v ? v->name : "", v ? " " : "");
	return EXIT_USAGE;
}

/* What the mux takes as a name or label: anything else would end the conversation. */
static bool is_text(const char *arg, size_t size)
{
	return *arg && strlen(arg) < size && text_is_plain(arg, strlen(arg));
}

static int take_limit(const struct verb *v, int c, const char *arg, struct limits *l)
{
	switch (c) {
	case OPT_CAMERA:
		l->camera = arg;
		return is_text(arg, LIMIT_NAME) ? -1 : usage(v, "not a camera's name", arg);
	case OPT_UID:
		l->has_uid = true;
		if (number_parse_u32(arg, 0, UINT32_MAX - 1, &l->uid) < 0)
			return usage(v, "not a uid", arg);
		return -1;
	case OPT_UNIT:
		l->unit = arg;
		return token_unit_is_path(arg)
			? -1
			: usage(v,
				  "not a unit: it takes the whole path of a cgroup, as "
				  "/system.slice/hub.service",
				  arg);
	case OPT_SIZE:
		l->has_size = true;
		if (number_size(arg, &l->width, &l->height) < 0)
			return usage(v, "not a size (such as 1280x720)", arg);
		return -1;
	case OPT_FPS:
		l->has_fps = true;
		if (number_parse_u32(arg, 1, LIMIT_FPS, &l->fps) < 0)
			return usage(v, "not a frame rate", arg);
		return -1;
	case OPT_EXPIRES:
		l->has_expiry = true;
		if (number_duration(arg, UNITS_DURATION_MAX_S, &l->expires_s) < 0 ||
			l->expires_s == 0)
			return usage(v, "not a duration (such as 24h, or never)", arg);
		return -1;
	case OPT_MASK:
		if (l->n_masks == LIMIT_MASKS)
			return usage(v, "too many masks", NULL);
		if (mask_parse(arg, &l->masks[l->n_masks++]) < 0)
			return usage(v, "not a mask (X,Y,WxH)", arg);
		return -1;
	case OPT_LABEL:
		l->label = arg;
		return is_text(arg, LIMIT_LABEL)
			? -1
			: usage(v, "not a label (at most 63 printable characters)", arg);
	case OPT_DUMP:
		l->dump = true;
		return -1;
	default:
		l->no_dump = true;
		return -1;
	}
}

static int take_vendor(const struct verb *v, const char *arg, struct options *o)
{
	o->vendor = arg;
	return is_text(arg, LIMIT_LABEL) ? -1 : usage(v, "not a vendor's name", arg);
}

static int take_timeout(const char *arg, struct options *o)
{
	if (number_parse_u32(arg, 1, TIMEOUT_MAX_S, &o->timeout_s) < 0)
		return usage(o->verb, "not a number of seconds", arg);
	return -1;
}

static int take_time(int c, const char *arg, struct options *o)
{
	uint64_t ms;

	if (units_when(arg, &ms) < 0)
		return usage(o->verb,
			"not a time (such as 2026-01-31T12:00:00Z, or 2h: so long ago)", arg);
	o->has_since |= c == OPT_SINCE;
	o->has_until |= c == OPT_UNTIL;
	o->has_at |= c == OPT_AT;
	*(c == OPT_SINCE ? &o->since_ms : c == OPT_UNTIL ? &o->until_ms : &o->at_ms) = ms;
	return -1;
}

/* -1, or an exit code. */
static int take_option(int c, const char *arg, struct options *o)
{
	const struct verb *v = o->verb;

	switch (c) {
	case 's':
		o->socket = arg;
		return -1;
	case OPT_JSON:
		o->json = true;
		return -1;
	case 'h':
		if (v)
			help_verb(v);
		else
			help_all();
		return EXIT_SUCCESS;
	case 'V':
		printf("framemuxctl %s\n", framemux_version());
		return EXIT_SUCCESS;
	case '?':
		return usage(v, "what is that option?", NULL);
	default:
		break;
	}
	if (!v || !strchr(v->permitted, c))
		return usage(v, v ? "this command takes no such option" : "command first", NULL);
	if (c == OPT_ALL)
		o->all = true;
	else if (c == OPT_VENDOR)
		return take_vendor(v, arg, o);
	else if (c == OPT_SINCE || c == OPT_UNTIL || c == OPT_AT)
		return take_time(c, arg, o);
	else if (c == 'k')
		o->key_file = arg;
	else if (c == OPT_TIMEOUT)
		return take_timeout(arg, o);
	else if (c == 'o')
		o->output = arg;
	else if (c == OPT_FOLLOW)
		o->follow = true;
	else if (c == OPT_STATE)
		o->state = true;
	else if (c == OPT_ANCHOR)
		o->anchor = arg;
	else if (c == OPT_WATCH)
		o->watch = true;
	else
		return take_limit(v, c, arg, &o->limits);
	return -1;
}

static const struct verb *find_verb(const char *name)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (!strcmp(v->name, name))
			return v;
	return NULL;
}

/* Options until the next operand, or until "--": then *is_over. -1, or an exit code. */
static int take_options(int argc, char **argv, struct options *o, bool *is_over)
{
	const int first = optind;
	const char *arg = NULL;
	int c, code;

	if (*is_over)
		return -1;
	while ((c = getopt_long(argc, argv, "+s:k:o:hV", longs, NULL)) != -1) {
		arg = optarg;
		code = take_option(c, optarg, o);
		if (code >= 0)
			return code;
	}
	*is_over = optind > first && argv[optind - 1] != arg && !strcmp(argv[optind - 1], "--");
	return -1;
}

int options_parse(int argc, char **argv, struct options *ret)
{
	struct options o = {0};
	bool is_over = false;
	int code, n_operands = 0;

	optind = 1;
	code = take_options(argc, argv, &o, &is_over);
	if (code >= 0)
		return code;
	if (optind == argc)
		return usage(NULL, "which command?", NULL);
	o.verb = find_verb(argv[optind]);
	if (!o.verb)
		return usage(NULL, "no such command", argv[optind]);
	optind++;
	while (optind <= argc) { /* operands may stand between options */
		code = take_options(argc, argv, &o, &is_over);
		if (code >= 0)
			return code;
		if (optind == argc)
			break;
		if (n_operands++ == o.verb->n_operands)
			return usage(o.verb, "what is this?", argv[optind]);
		*(o.operand ? &o.second : &o.operand) = argv[optind++];
	}
	*ret = o;
	return -1;
}
