/* Reads framemux-wall's command line. In framemux-wall's process. */
#include "clients/wall/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients/program/exit_code.h"
#include "clients/program/usage.h"
#include "framemux.h"

static const char help[] =
	"Usage: framemux-wall [OPTION]...\n"
	"A small kiosk compositor: cameras in a grid, each to be enlarged.\n"
	"\n"
	"  -c, --config FILE     the configuration (default " SYSCONFDIR "/framemux/wall.conf)\n"
	"  -t, --check           check the configuration and end\n"
	"      --debug           say on standard error what each repaint shows\n"
	"  -h, --help            this text\n"
	"  -V, --version         the version\n"
	"\n"
	"Keys: arrows and Tab choose a camera, Enter enlarges it, Escape goes back, 1 to 9 "
	"enlarge\n"
	"at once, Ctrl+Alt+Backspace ends. A click or tap enlarges, another goes back.\n"
	"Exit status: 0; 64 usage; 70 no screen, or an internal error; 74 cannot write this; 78\n"
	"configuration.\n";

enum { OPT_DEBUG = 256 };

static const struct option longs[] = {
	{"config", required_argument, NULL, 'c'},
	{"check", no_argument, NULL, 't'},
	{"debug", no_argument, NULL, OPT_DEBUG},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

int options_parse(int argc, char **argv, struct options *ret)
{
	struct options o = {.config = SYSCONFDIR "/framemux/wall.conf"};
	int c;

	opterr = 1;
	optind = 1;
	while ((c = getopt_long(argc, argv, "c:thV", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o.config = optarg;
			break;
		case 't':
			o.check_only = true;
			break;
		case OPT_DEBUG:
			o.debug = true;
			break;
		case 'h':
			fputs(help, stdout);
			return usage_said("framemux-wall");
		case 'V':
			printf("framemux-wall %s\n", framemux_version());
			return usage_said("framemux-wall");
		default:
			fputs("Try framemux-wall --help.\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc)
		return usage_error(
			"framemux-wall", argv[optind], "cameras stand in the configuration");
	*ret = o;
	return -1;
}
