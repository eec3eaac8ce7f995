/* framemux-wall: cameras on a screen of their own. */
#include <stdlib.h>
#include <sys/resource.h>

#include "clients/program/begin.h"
#include "clients/program/exit_code.h"
#include "clients/wall/config.h"
#include "clients/wall/options.h"
#include "clients/wall/wall.h"

int main(int argc, char **argv)
{
	const struct rlimit none = {0, 0};
	char error[CONFIG_ERROR_BYTES];
	struct config *config;
	struct options o;
	int code;

	program_begin();
	code = options_parse(argc, argv, &o);
	if (code >= 0)
		return code;
	if (config_load(o.config, &config, error) < 0) {
		wall_say("%s", error);
		return EXIT_CONFIG;
	}
	setrlimit(RLIMIT_CORE, &none); /* pictures would be in it */
	code = o.check_only ? EXIT_SUCCESS : wall_run(config, o.debug);
	config_free(config);
	return code;
}
