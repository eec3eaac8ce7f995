/* A folder of a test's own, which it works in: made before, gone after. */
#ifndef FRAMEMUX_TESTS_WORK_FOLDER_H
#define FRAMEMUX_TESTS_WORK_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#define WORK_FOLDER_BYTES 64

/* In memory where there is such a place: what is tested is order, not the disk. */
static inline void work_folder_begin(char ret[WORK_FOLDER_BYTES])
{
	snprintf(ret, WORK_FOLDER_BYTES, "%s/framemux-test-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(ret));
	ck_assert_int_eq(chdir(ret), 0);
}

static inline int work_folder_remove_one(
	const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void work_folder_end(const char *folder)
{
	ck_assert_int_eq(chdir("/"), 0);
	nftw(folder, work_folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
