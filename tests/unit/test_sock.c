/* common/sock and outbox: messages, descriptors, slow and dead peers. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/outbox.h"
#include "common/protocol.h"
#include "common/sock.h"
#include "tests/unit/unit.h"

START_TEST(test_fds_arrive_only_where_wanted)
{
	int before = unit_count_fds(), pair[2], fds[SOCK_FDS_MAX],
	    zero = open("/dev/zero", O_RDONLY);
	size_t n_fds = 0;
	char buf[16];

	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, pair), 0);
	ck_assert_int_eq(sock_send(pair[0], "one", 3, &zero, 1), 0);
	ck_assert_int_eq(sock_recv(pair[1], buf, sizeof(buf), fds, &n_fds), 3);
	ck_assert_uint_eq(n_fds, 1);
	ck_assert_int_eq(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
	sock_close_fds(fds, n_fds);
	/* Without a control buffer the message comes and the descriptor does not. */
	ck_assert_int_eq(sock_send(pair[0], "two", 3, &zero, 1), 0);
	ck_assert_int_eq(sock_recv(pair[1], buf, sizeof(buf), NULL, NULL), 3);
	close(zero);
	close(pair[0]);
	ck_assert_int_eq(sock_recv(pair[1], buf, sizeof(buf), NULL, NULL), -EPIPE);
	close(pair[1]);
	ck_assert_int_eq(unit_count_fds(), before);
}
END_TEST

START_TEST(test_empty_and_long_messages)
{
	int pair[2];
	char buf[8];

	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, pair), 0);
	ck_assert_int_eq(sock_recv(pair[1], buf, sizeof(buf), NULL, NULL), -EAGAIN);
	ck_assert_int_eq(send(pair[0], "", 0, 0), 0);
	ck_assert_int_eq(sock_recv(pair[1], buf, sizeof(buf), NULL, NULL), -EBADMSG);
	ck_assert_int_eq(sock_send(pair[0], "longer than eight", 17, NULL, 0), 0);
	ck_assert_int_eq(sock_recv(pair[1], buf, sizeof(buf), NULL, NULL), -EBADMSG);
	ck_assert_int_eq(sock_recv(pair[1], buf, sizeof(buf), NULL, NULL), -EAGAIN);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(test_more_fds_than_a_message_has)
{
	int before = unit_count_fds(), pair[2], fds[SOCK_FDS_MAX];
	char control[CMSG_SPACE(100 * sizeof(int))] = {0}, buf[8];
	char byte = 0;
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	size_t n_fds = 0;

	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, pair), 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(100 * sizeof(int));
	memset(CMSG_DATA(c), 0, 100 * sizeof(int)); /* a hundred times descriptor 0 */
	ck_assert_int_eq(sendmsg(pair[0], &msg, 0), 1);
	ck_assert_int_eq(sock_recv(pair[1], buf, sizeof(buf), fds, &n_fds), -EBADMSG);
	close(pair[0]);
	close(pair[1]);
	ck_assert_int_eq(unit_count_fds(), before);
}
END_TEST

START_TEST(test_listen_replaces_nothing_alive)
{
	char dir[] = "/tmp/framemux-test-XXXXXX", path[64], file[64];
	int fd, other;
	struct stat st;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	snprintf(file, sizeof(file), "%s/file", dir);
	ck_assert_int_eq(sock_listen(path, 0666, &fd), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0666);
	ck_assert_int_eq(sock_listen(path, 0666, &other), -EADDRINUSE);
	close(fd); /* dead: left over */
	ck_assert_int_eq(sock_listen(path, 0660, &fd), 0);
	close(fd);
	close(open(file, O_CREAT | O_WRONLY, 0600));
	ck_assert_int_eq(sock_listen(file, 0660, &fd), -ENOTSOCK);
	unlink(file);
	unlink(path);
	ck_assert_int_eq(symlink("/tmp", path), 0);
	ck_assert_int_eq(sock_listen(path, 0660, &fd), -ENOTSOCK);
	unlink(path);
	rmdir(dir);
}
END_TEST

START_TEST(test_outbox_is_bounded_and_ordered)
{
	int before = unit_count_fds(), pair[2], zero = open("/dev/zero", O_RDONLY), r, last = 0;
	struct outbox *ob = outbox_new(10);
	uint8_t buf[LIMIT_MESSAGE];
	unsigned sent = 0;
	ssize_t n;

	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, pair), 0);
	do {
		struct msg_shut m = {.view = ++sent};

		r = outbox_send(ob, pair[0], &wire_shut, &m, &zero, 1);
	} while (r == 0);
	ck_assert_int_eq(r, -ENOBUFS);
	ck_assert(outbox_is_pending(ob));
	for (;;) {
		struct msg_shut m;

		ck_assert_int_eq(outbox_flush(ob, pair[0]), 0);
		n = sock_recv(pair[1], buf, sizeof(buf), NULL, NULL);
		if (n == -EAGAIN)
			break;
		ck_assert_int_eq(wire_decode(&wire_shut, buf, (size_t)n, &m), 0);
		ck_assert_int_eq((int)m.view, last + 1);
		last = (int)m.view;
	}
	ck_assert_int_eq(last, (int)sent - 1);
	ck_assert(!outbox_is_pending(ob));
	close(pair[1]);
	ck_assert_int_eq(
		outbox_send(ob, pair[0], &wire_shut, &(struct msg_shut){1}, NULL, 0), -EPIPE);
	outbox_free(ob);
	close(pair[0]);
	close(zero);
	ck_assert_int_eq(unit_count_fds(), before);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sock");
	TCase *t = tcase_create("sock");

	tcase_add_test(t, test_fds_arrive_only_where_wanted);
	tcase_add_test(t, test_empty_and_long_messages);
	tcase_add_test(t, test_more_fds_than_a_message_has);
	tcase_add_test(t, test_listen_replaces_nothing_alive);
	tcase_add_test(t, test_outbox_is_bounded_and_ordered);
	suite_add_tcase(s, t);
	return unit_run(s);
}
