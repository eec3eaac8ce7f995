/* Memory for keys. Runs in the broker. */
#include "mux/broker/secrets.h"

#include <sodium.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/log.h"

struct secrets *secrets_new(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	/* A whole page: sodium_malloc puts it between guard pages, and then it begins at one, as
	 * madvise and mlock want it. */
	struct secrets *s = sodium_malloc(page);

	if (!s)
		return NULL;
	if (madvise(s, page, MADV_DONTDUMP) < 0 || madvise(s, page, MADV_DONTFORK) < 0) {
		sodium_free(s);
		return NULL;
	}
	/* sodium_malloc does not say when this fails. */
	if (mlock(s, page) < 0)
		log_warning("keys may be swapped out: RLIMIT_MEMLOCK is too low");
	sodium_memzero(s, page);
	return s;
}

void secrets_free(struct secrets *s)
{
	sodium_free(s); /* wipes */
}
