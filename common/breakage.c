/* Which tests-only breakages this process was asked for. Empty in builds without them. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "common/breakage.h"

#ifdef ENABLE_BREAKAGE

#include <stdlib.h>
#include <string.h>

bool breakage(const char *name)
{
	const char *list = getenv("FRAMEMUX_BREAKAGE");
	size_t len = strlen(name);

	while (list && *list) {
		size_t n = strcspn(list, ",");

		if (n == len && !memcmp(list, name, n))
			return true;
		list += n;
		list += *list == ',';
	}
	return false;
}

#else

typedef int breakage_is_empty; /* ISO C wants something in a file */

#endif
