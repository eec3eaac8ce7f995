/* The log's head elsewhere. Owns the descriptor of the file's folder. Runs in framemuxd. */
#include "mux/daemon/audit/audit_anchor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "mux/daemon/state/folder.h"

#define TELL_NS (60 * NS_PER_S)

int audit_anchor_open(struct audit_anchor *a, const char *path, bool is_in_journal, char *ret_why,
	size_t why_size)
{
	char folder[LIMIT_PATH];
	const char *slash = strrchr(path, '/');
	int rc;

	*a = (struct audit_anchor){.folder = -1, .is_in_journal = is_in_journal};
	if (!*path)
		return 0;
	snprintf(a->name, sizeof(a->name), "%s", slash ? slash + 1 : path);
	rc = folder_of(path, folder, sizeof(folder));
	if (!rc && !a->name[0])
		rc = -EISDIR;
	if (rc < 0)
		snprintf(ret_why, why_size, "%s", strerror(-rc));
	return rc < 0 ? rc : folder_open(folder, FOLDER_MUST_EXIST, &a->folder, ret_why, why_size);
}

void audit_anchor_close(struct audit_anchor *a)
{
	cleanup_close(&a->folder);
	a->folder = -1;
}

int audit_anchor_load(const struct audit_anchor *a, struct audit_mark *ret)
{
	cleanup_free char *text = NULL;
	uint64_t unix_ms;
	size_t len;
	int rc;

	if (a->folder < 0)
		return -ENOENT;
	rc = folder_read(a->folder, a->name, LIMIT_MESSAGE, &text, &len);
	if (rc < 0)
		return rc;
	return audit_mark_parse(text, ret, &unix_ms) < 0 ? -EBADMSG : 0;
}

int audit_anchor_save(const struct audit_anchor *a, const struct audit_mark *m, uint64_t unix_ms)
{
	char text[AUDIT_MARK_TEXT + 1];

	if (a->folder < 0)
		return 0;
	audit_mark_text(m, unix_ms, text);
	strcat(text, "\n"); /* there is room for it */
	return folder_replace(a->folder, a->name, text, strlen(text), 0644, (unsigned)-1);
}

int audit_anchor_reader(const struct audit_anchor *a)
{
	int fd;

	if (a->folder < 0)
		return -ENOENT;
	fd = openat(a->folder, a->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void audit_anchor_tell(
	struct audit_anchor *a, const struct audit_mark *m, uint64_t unix_ms, bool is_last)
{
	uint64_t now = clock_monotonic_ns();
	char text[AUDIT_MARK_TEXT];

	if (!a->is_in_journal || (!is_last && a->told_ns && now - a->told_ns < TELL_NS))
		return;
	a->told_ns = now;
	audit_mark_text(m, unix_ms, text);
	log_notice("%s", text);
}
