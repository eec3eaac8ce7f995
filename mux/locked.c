/* Memory for secrets: sodium_malloc(3), and what it keeps quiet about. */
#include "mux/locked.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/log.h"

void *locked_alloc(size_t size)
{
	static bool warned;
	size_t page = (size_t)sysconf(_SC_PAGESIZE), whole;
	void *p;

	if (size == 0 || size > SIZE_MAX - page) {
		errno = EINVAL;
		return NULL;
	}
	/* Whole pages: sodium_malloc puts its own at the end before a guard page, so that it begins at
	 * a page, as madvise and mlock want it. */
	whole = (size + page - 1) / page * page;
	p = sodium_malloc(whole);
	if (!p)
		return NULL;
	if (madvise(p, whole, MADV_DONTDUMP) < 0 || madvise(p, whole, MADV_WIPEONFORK) < 0) {
		sodium_free(p);
		return NULL;
	}
	/* sodium_malloc does not say when this fails. */
	if (mlock(p, whole) < 0 && !warned) {
		warned = true;
		log_warning("secrets cannot be locked in memory and may be swapped out (%s): raise "
			    "RLIMIT_MEMLOCK",
			strerror(errno));
	}
	memset(p, 0, whole);
	return p;
}

void locked_free(void *secret)
{
	sodium_free(secret); /* wipes */
}
