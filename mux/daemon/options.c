/* Parses the command line of framemuxd. */
#include "mux/daemon/options.h"
#include "common/number.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include <config.h>

static const char usage[] =
	"usage: framemuxd [-c FILE] [-t] [-v]... [--ready-fd N]\n"
	"\n"
	"  -c, --config FILE   configuration (" SYSCONFDIR "/framemux/framemux.conf)\n"
	"  -t, --test          check the configuration and exit\n"
	"  -v, --verbose       say more; twice: much more\n"
	"      --ready-fd N    write a newline to descriptor N when ready, then close it\n"
	"  -h, --help          this text\n"
	"  -V, --version       the version\n"
	"\n"
	"FRAMEMUX_ROLEDIR=FOLDER takes the role programs from there (to run from a build tree).\n"
	"Stays in the foreground and logs to stderr. See framemuxd(8) and framemux.conf(5).\n";

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"test", no_argument, NULL, 't'},
	{"verbose", no_argument, NULL, 'v'},
	{"ready-fd", required_argument, NULL, 'r'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static int stop(int *ret_code, int code)
{
	*ret_code = code;
	return 1;
}

/* Standard output will do; standard input and the log will not. */
static int parse_ready_fd(const char *text, int *ret)
{
	uint64_t fd;

	if (number_parse(text, STDOUT_FILENO, 1 << 20, &fd) < 0 || fd == STDERR_FILENO ||
		fcntl((int)fd, F_GETFD) < 0)
		return -1;
	*ret = (int)fd;
	return 0;
}

int options_parse(int argc, char **argv, struct options *ret, int *ret_code)
{
	int c;

	*ret = (struct options){.config = SYSCONFDIR "/framemux/framemux.conf", .ready_fd = -1};
	while ((c = getopt_long(argc, argv, "c:tvhV", long_options, NULL)) >= 0) {
		switch (c) {
		case 'c':
			ret->config = optarg;
			break;
		case 't':
			ret->check_only = true;
			break;
		case 'v':
			ret->verbose++;
			break;
		case 'r':
			if (parse_ready_fd(optarg, &ret->ready_fd) == 0)
				break;
			fprintf(stderr,
				"framemuxd: --ready-fd takes an open descriptor, neither 0 nor 2, "
				"not "
				"\"%s\"\n",
				optarg);
			return stop(ret_code, EX_USAGE);
		case 'h':
			fputs(usage, stdout);
			return stop(ret_code, fflush(stdout) ? EX_IOERR : 0);
		case 'V':
			puts("framemuxd " PACKAGE_VERSION);
			return stop(ret_code, fflush(stdout) ? EX_IOERR : 0);
		default:
			fputs("Try framemuxd --help.\n", stderr);
			return stop(ret_code, EX_USAGE);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "framemuxd: \"%s\" is too much. Try framemuxd --help.\n",
			argv[optind]);
		return stop(ret_code, EX_USAGE);
	}
	return 0;
}
