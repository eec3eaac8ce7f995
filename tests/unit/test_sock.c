/* common/sock and outbox: messages, descriptors, slow and dead peers. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

/* A peer that has not read everything and goes: what it said last is read all the same. */
START_TEST(test_last_words_of_one_that_does_not_read)
{
	struct sock_sender sender;
	int pair[2];
	char buf[8];

	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, pair), 0);
	ck_assert_int_eq(sock_name_senders(pair[1]), 0);
	ck_assert_int_eq(sock_send(pair[1], "unread", 6, NULL, 0), 0);
	ck_assert_int_eq(sock_send(pair[0], "last", 4, NULL, 0), 0);
	close(pair[0]);
	if (_i)
		ck_assert_int_eq(sock_recv_from(pair[1], buf, sizeof(buf), &sender), 4);
	else
		ck_assert_int_eq(sock_recv(pair[1], buf, sizeof(buf), NULL, NULL), 4);
	ck_assert_int_eq(sock_recv(pair[1], buf, sizeof(buf), NULL, NULL), -EPIPE);
	ck_assert_int_eq(sock_recv_from(pair[1], buf, sizeof(buf), &sender), -EPIPE);
	close(pair[1]);
}
END_TEST

/* Each message names the process that sent it, whoever connected. */
START_TEST(test_senders)
{
	struct sock_sender sender = {0};
	int pair[2], status;
	char buf[8];
	pid_t child;

	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, pair), 0);
	ck_assert_int_eq(sock_name_senders(pair[1]), 0);
	ck_assert_int_eq(sock_recv_from(pair[1], buf, sizeof(buf), &sender), -EAGAIN);
	ck_assert_int_eq(sock_send(pair[0], "mine", 4, NULL, 0), 0);
	ck_assert_int_eq(sock_recv_from(pair[1], buf, sizeof(buf), &sender), 4);
	ck_assert_int_eq(sender.pid, getpid());
	ck_assert_uint_eq(sender.uid, getuid());
	child = fork();
	if (child == 0) {
		if (getuid() == 0 && setuid(65534) < 0)
			_exit(1);
		_exit(sock_send(pair[0], "its", 3, NULL, 0) == 0 ? 0 : 2);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(sock_recv_from(pair[1], buf, sizeof(buf), &sender), 3);
	ck_assert_int_eq(sender.pid, child); /* reaped by now, and known all the same */
	ck_assert_uint_eq(sender.uid, getuid() == 0 ? 65534 : getuid());
	ck_assert_int_eq(send(pair[0], "", 0, 0), 0);
	ck_assert_int_eq(sock_recv_from(pair[1], buf, sizeof(buf), &sender), -EBADMSG);
	ck_assert_int_eq(sock_send(pair[0], "longer than eight", 17, NULL, 0), 0);
	ck_assert_int_eq(sock_recv_from(pair[1], buf, sizeof(buf), &sender), -EBADMSG);
	close(pair[0]);
	ck_assert_int_eq(sock_recv_from(pair[1], buf, sizeof(buf), &sender), -EPIPE);
	close(pair[1]);
}
END_TEST

/* Without stamps there would be room for descriptors: they are closed, the message refused. */
START_TEST(test_senders_not_asked_for)
{
	int before = unit_count_fds(), pair[2], fds[SOCK_FDS_MAX] = {0};
	struct sock_sender sender;
	char buf[8];

	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, pair), 0);
	ck_assert_int_eq(sock_send(pair[0], "x", 1, fds, SOCK_FDS_MAX), 0);
	ck_assert_int_eq(sock_recv_from(pair[1], buf, sizeof(buf), &sender), -EBADMSG);
	ck_assert_int_eq(sock_send(pair[0], "x", 1, NULL, 0), 0);
	ck_assert_int_eq(sock_recv_from(pair[1], buf, sizeof(buf), &sender), -EBADMSG);
	close(pair[0]);
	close(pair[1]);
	ck_assert_int_eq(unit_count_fds(), before);
}
END_TEST

#define MOST_FDS 253 /* that a message may carry: SCM_MAX_FD */
#define FLOOD    3000

static int send_most_fds(int fd)
{
	static char control[CMSG_SPACE(MOST_FDS * sizeof(int))];
	char byte = 'x';
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(MOST_FDS * sizeof(int));
	memset(CMSG_DATA(c), 0, MOST_FDS * sizeof(int));
	return sendmsg(fd, &msg, 0) == 1 ? 0 : -errno;
}

/* One that only receives; somebody else looks at its descriptors meanwhile. */
static int receive_flood(int fd, pid_t sender_pid)
{
	struct sock_sender sender;
	char buf[8];

	for (;;) {
		ssize_t n = sock_recv_from(fd, buf, sizeof(buf), &sender);

		if (n == -EPIPE)
			return 0;
		if (n == -EAGAIN)
			continue;
		if (n != 1 || sender.pid != sender_pid)
			return 1;
	}
}

static int count_fds_of(pid_t pid)
{
	char path[64];
	DIR *d;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	ck_assert_ptr_nonnull(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Not one descriptor of a flood is ever there, not even while a message is being received. */
START_TEST(test_no_fd_beside_a_sender)
{
	int pair[2], status, before, r;
	pid_t child, parent = getpid();

	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, pair), 0);
	ck_assert_int_eq(sock_name_senders(pair[1]), 0);
	if (_i)
		sock_refuse_fds(pair[1]);
	child = fork();
	if (child == 0) {
		close(pair[0]);
		_exit(receive_flood(pair[1], parent));
	}
	ck_assert_int_eq(sock_send(pair[0], "x", 1, NULL, 0), 0);
	usleep(50000); /* past its close() */
	before = count_fds_of(child);
	for (unsigned i = 0; i < FLOOD; i++) {
		r = send_most_fds(pair[0]);
		if (_i && r == -EPERM) /* the kernel refuses already (Linux 6.16) */
			break;
		ck_assert(r == 0 || r == -EAGAIN || r == -ETOOMANYREFS);
		ck_assert_int_eq(count_fds_of(child), before);
	}
	ck_assert_int_eq(sock_send(pair[0], "x", 1, NULL, 0), 0);
	close(pair[0]);
	close(pair[1]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
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
	tcase_add_loop_test(t, test_last_words_of_one_that_does_not_read, 0, 2);
	tcase_add_test(t, test_senders);
	tcase_add_test(t, test_senders_not_asked_for);
	tcase_add_loop_test(t, test_no_fd_beside_a_sender, 0, 2);
	suite_add_tcase(s, t);
	return unit_run(s);
}
