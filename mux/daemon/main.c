/* framemuxd: the one process that starts all others. */
#include "mux/daemon/daemon.h"

int main(int argc, char **argv)
{
	struct options options;
	int code;

	if (options_parse(argc, argv, &options, &code))
		return code;
	return daemon_run(&options);
}
