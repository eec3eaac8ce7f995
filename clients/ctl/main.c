/* framemuxctl: show and change what a framemux does. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "clients/program/exit_code.h"
#include "clients/ctl/options.h"

/*
 * Where standard input, output or error is closed, the next descriptor would take its place: the mux's
 * socket, and it would be sent what was to be printed. This one can be neither read nor written as they are.
 */
static void occupy_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_PATH | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	struct options o;
	int code;

	occupy_standard();
	code = options_parse(argc, argv, &o);
	signal(SIGPIPE, SIG_IGN); /* a write says so, too */
	if (code < 0)
		code = o.verb->run(&o);
	if (code == 0 && (fflush(stdout) || ferror(stdout))) {
		fputs("framemuxctl: cannot write\n", stderr);
		code = EXIT_WRITE;
	}
	return code;
}
