/* Reckons the clock floor, and reads and writes its file. Runs in framemuxd. */
#include "mux/daemon/state/clock_floor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/number.h"
#include "mux/daemon/state/folder.h"

#define HEADER "framemux clock 1\n"

void clock_floor_begin(struct clock_floor *f, uint64_t kept_s, uint64_t real_s, uint64_t boot_ns)
{
	*f = (struct clock_floor){
		.least = {kept_s, boot_ns}, .seen = {real_s, boot_ns}, .steady_since_ns = boot_ns};
}

static bool has_jumped(const struct clock_mark *seen, uint64_t real_s, uint64_t boot_ns)
{
	uint64_t expected_s = seen->real_s + (boot_ns - seen->boot_ns) / NS_PER_S;
	uint64_t off_s = real_s > expected_s ? real_s - expected_s : expected_s - real_s;

	return off_s > CLOCK_FLOOR_JUMP_S;
}

bool clock_floor_look(struct clock_floor *f, uint64_t real_s, uint64_t boot_ns)
{
	if (has_jumped(&f->seen, real_s, boot_ns))
		f->steady_since_ns = boot_ns;
	f->seen = (struct clock_mark){real_s, boot_ns};
	if (boot_ns - f->steady_since_ns < CLOCK_FLOOR_HELD_NS || real_s > CLOCK_FLOOR_MAX_S ||
		real_s <= clock_mark_now_s(&f->least, boot_ns))
		return false;
	f->least = f->seen;
	return true;
}

uint64_t clock_floor_now_s(const struct clock_floor *f, uint64_t real_s, uint64_t boot_ns)
{
	uint64_t least_s = clock_mark_now_s(&f->least, boot_ns);

	return real_s > least_s ? real_s : least_s;
}

static int parse(const char *text, size_t len, uint64_t *ret_s)
{
	const size_t header = strlen(HEADER);
	char number[CLOCK_TEXT_MAX] = "";

	/* Whole to the newline: a cut number is an earlier time. */
	if (strlen(text) != len || len <= header || strncmp(text, HEADER, header) != 0 ||
		text[len - 1] != '\n')
		return -EBADMSG;
	memcpy(number, text + header, len - header - 1);
	return number_parse(number, 1, CLOCK_FLOOR_MAX_S, ret_s) < 0 ? -EBADMSG : 0;
}

int clock_floor_load(int folder, uint64_t *ret_s, char *ret_why, size_t why_size)
{
	cleanup_free char *text = NULL;
	uint64_t s = 0;
	size_t len = 0;
	int rc = folder_read(folder, CLOCK_FILE, CLOCK_TEXT_MAX - 1, &text, &len);

	if (!rc)
		rc = parse(text, len, &s);
	if (rc == -EBADMSG || rc == -EFBIG) {
		snprintf(ret_why, why_size,
			CLOCK_FILE " is damaged: which tokens have expired is not known; if this "
				   "machine's clock is right, remove the file");
		return -EBADMSG;
	}
	if (rc < 0 && rc != -ENOENT) {
		snprintf(ret_why, why_size, CLOCK_FILE ": %s", strerror(-rc));
		return rc;
	}
	*ret_s = s;
	return 0;
}

size_t clock_floor_text(uint64_t s, char ret[CLOCK_TEXT_MAX])
{
	return (size_t)snprintf(ret, CLOCK_TEXT_MAX, HEADER "%" PRIu64 "\n", s);
}
