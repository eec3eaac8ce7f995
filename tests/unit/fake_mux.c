/* The broker's and the decoder's side of a client's conversation. Only for unit tests. */
#include "tests/unit/fake_mux.h"

#include <drm_fourcc.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "common/bytes.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/memfd.h"
#include "common/sock.h"
#include "tests/unit/unit.h"

void fake_begin(struct fake_mux *f)
{
	uint8_t root[KEY_BYTES], id[TOKEN_ID_BYTES];

	ck_assert_int_ge(sodium_init(), 0);
	*f = (struct fake_mux){.conn_fd = -1, .ring.socket_fd = -1};
	snprintf(f->folder, sizeof(f->folder), "/tmp/framemux-unit-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/client.sock", f->folder);
	ck_assert_int_eq(sock_listen(f->path, 0600, &f->listen_fd), 0);
	randombytes_buf(root, sizeof(root));
	randombytes_buf(id, sizeof(id));
	token_begin(root, 1, id, &f->token);
	ck_assert_int_eq(token_limit_camera(&f->token, FAKE_CAMERA, 1), 0);
	ck_assert_int_eq(token_limit_uid(&f->token, 1000), 0);
	ck_assert_int_eq(token_limit_expiry(&f->token, UINT64_MAX), 0);
	ck_assert_int_eq(token_format(&f->token, f->token_text), 0);
}

void fake_end(struct fake_mux *f)
{
	fake_drop_ring(&f->ring);
	if (f->conn_fd >= 0)
		close(f->conn_fd);
	if (f->listen_fd >= 0)
		close(f->listen_fd);
	unlink(f->path);
	rmdir(f->folder);
}

void fake_welcome(struct fake_mux *f)
{
	struct pollfd p = {.fd = f->listen_fd, .events = POLLIN};
	struct msg_welcome w = {.version = PROTOCOL_VERSION};
	struct msg_hello hello;

	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	f->conn_fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	ck_assert_int_ge(f->conn_fd, 0);
	fake_expect(f, &wire_hello, &hello);
	ck_assert_uint_eq(hello.magic, PROTOCOL_MAGIC);
	ck_assert_uint_eq(hello.version, PROTOCOL_VERSION);
	randombytes_buf(f->challenge, sizeof(f->challenge));
	memcpy(w.challenge, f->challenge, sizeof(w.challenge));
	fake_send(f, &wire_welcome, &w);
}

void fake_expect(struct fake_mux *f, const struct wire_message *m, void *ret_msg)
{
	struct pollfd p = {.fd = f->conn_fd, .events = POLLIN};
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n;

	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	n = sock_recv(f->conn_fd, buf, sizeof(buf), NULL, NULL);
	ck_assert_int_gt(n, 0);
	ck_assert_msg(wire_type(buf, (size_t)n) == m->type, "got message %#x, not %s",
		wire_type(buf, (size_t)n), m->name);
	ck_assert_int_eq(wire_decode(m, buf, (size_t)n, ret_msg), 0);
}

bool fake_is_quiet(struct fake_mux *f)
{
	struct pollfd p = {.fd = f->conn_fd, .events = POLLIN};

	return poll(&p, 1, 0) == 0;
}

void fake_send(struct fake_mux *f, const struct wire_message *m, const void *msg)
{
	ck_assert_int_eq(sock_send_msg(f->conn_fd, m, msg), 0);
}

void fake_state(struct fake_mux *f, uint32_t view, uint32_t state, const char *reason)
{
	struct msg_state m = {.view = view, .state = state};

	snprintf(m.reason, sizeof(m.reason), "%s", reason);
	fake_send(f, &wire_state, &m);
}

uint32_t fake_lease(struct fake_mux *f)
{
	uint8_t buf[LIMIT_MESSAGE], proof[TOKEN_PROOF_BYTES];
	struct msg_open open;
	struct msg_lease lease = {.lease = 7};
	ssize_t n;

	fake_expect(f, &wire_open, &open);
	ck_assert_str_eq(open.camera, FAKE_CAMERA);
	ck_assert_mem_eq(open.token, f->token.body, f->token.body_len);
	memcpy(proof, open.proof, sizeof(proof));
	memset(open.proof, 0, sizeof(open.proof));
	n = wire_encode(&wire_open, &open, buf, sizeof(buf));
	ck_assert_ptr_null(memmem(buf, (size_t)n, f->token.tag, 8)); /* it never travels */
	token_prove(f->token.tag, f->challenge, buf, (size_t)n, open.proof);
	ck_assert_mem_eq(proof, open.proof, sizeof(proof));
	lease.view = open.view;
	fake_send(f, &wire_lease, &lease);
	return open.view;
}

struct msg_attach fake_attach_for(struct fake_mux *f, uint32_t view)
{
	struct msg_attach m = {
		.view = view,
		.lease = 7,
		.attach = ++f->next_attach,
		.generation = 3,
		.camera = FAKE_CAMERA,
		.width = 64,
		.height = 32,
		.fourcc = DRM_FORMAT_NV12,
		.slots = 4,
		.color_encoding = 1,
		.sar_num = 1,
		.sar_den = 1,
		.tag_mode = TAG_FULL,
		.stale_ns = NS_PER_S,
	};
	struct picture p;

	ck_assert_int_eq(picture_layout(m.fourcc, m.width, m.height, &p), 0);
	m.ring_bytes = m.slots * p.slot_bytes;
	memset(m.camera_id, 0x11, sizeof(m.camera_id));
	randombytes_buf(m.k_attach, sizeof(m.k_attach));
	return m;
}

/* A memory file, its writable map, and what is handed out of it. */
static void *make_file(const char *name, uint64_t size, bool is_sealed, int flags, int *ret_fd)
{
	int fd;
	void *map;

	ck_assert_int_eq(memfd_make(name, size, &fd), 0);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(memfd_reopen(fd, flags, ret_fd), 0);
	if (is_sealed)
		ck_assert_int_eq(memfd_seal(fd, size), 0);
	close(fd);
	return map;
}

void fake_attach(struct fake_mux *f, const struct msg_attach *m, enum fake_fault fault)
{
	struct fake_ring *r = &f->ring;
	uint8_t buf[LIMIT_MESSAGE];
	int fds[ATTACH_FDS], pair[2];
	ssize_t n;

	fake_drop_ring(r);
	r->attach = *m;
	if (picture_layout(m->fourcc, m->width, m->height, &r->picture) < 0)
		r->picture = (struct picture){.slot_bytes = 4096};
	r->bytes = m->ring_bytes - (fault == FAKE_SMALL ? 4096 : 0);
	r->map = make_file("framemux-ring", r->bytes, fault != FAKE_UNSEALED,
		fault == FAKE_WRITABLE ? O_RDWR : O_RDONLY, &fds[ATTACH_FD_RING]);
	for (uint64_t at = 0; at + r->picture.slot_bytes <= r->bytes; at += r->picture.slot_bytes)
		slot_mark_unwritten(r->map + at, &r->picture); /* the decoder does */
	r->dead = make_file("framemux-dead", DEAD_PAGE_BYTES, fault != FAKE_DEAD_UNSEALED, O_RDONLY,
		&fds[ATTACH_FD_DEAD]);
	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, pair), 0);
	r->socket_fd = pair[0];
	fds[ATTACH_FD_SOCKET] = pair[1];
	if (fault == FAKE_NO_SOCKET) {
		close(pair[1]);
		fds[ATTACH_FD_SOCKET] = open("/dev/null", O_RDWR | O_CLOEXEC);
	}
	n = wire_encode(&wire_attach, m, buf, sizeof(buf));
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(sock_send(f->conn_fd, buf, (size_t)n, fds, ATTACH_FDS), 0);
	sock_close_fds(fds, ATTACH_FDS);
}

void fake_drop_ring(struct fake_ring *r)
{
	if (r->map)
		munmap(r->map, r->bytes);
	if (r->dead)
		munmap(r->dead, DEAD_PAGE_BYTES);
	if (r->socket_fd >= 0)
		close(r->socket_fd);
	*r = (struct fake_ring){.socket_fd = -1};
}

void fake_erase(struct fake_ring *r)
{
	__atomic_store_n(r->dead, 1, __ATOMIC_SEQ_CST);
	memset(r->map, 0, r->bytes);
}

struct msg_frame fake_frame(struct fake_ring *r, uint32_t slot, uint64_t seq, uint8_t value)
{
	uint64_t now = clock_monotonic_ns();
	struct msg_frame m = {
		.slot = slot,
		.seq = seq,
		.capture_ns = now - 2,
		.arrival_ns = now - 1,
		.publish_ns = now,
		.publish_boot_ns = clock_boot_ns(),
	};

	if (slot < r->attach.slots)
		memset(r->map + slot * r->picture.slot_bytes, value, r->picture.bytes);
	return m;
}

void fake_tag(struct fake_ring *r, struct msg_frame *m)
{
	struct tag_header h = {
		.lease = r->attach.lease,
		.attach = r->attach.attach,
		.generation = r->attach.generation,
		.seq = m->seq,
		.capture_ns = m->capture_ns,
		.arrival_ns = m->arrival_ns,
		.publish_ns = m->publish_ns,
		.publish_boot_ns = m->publish_boot_ns,
		.slot = m->slot,
		.flags = m->flags,
		.mode = r->attach.tag_mode,
		.color_encoding = r->attach.color_encoding,
		.color_range = r->attach.color_range,
		.sar_num = r->attach.sar_num,
		.sar_den = r->attach.sar_den,
		.picture = &r->picture,
	};
	uint8_t *slot = r->map + (m->slot % r->attach.slots) * r->picture.slot_bytes;

	memcpy(h.camera.b, r->attach.camera_id, CAMERA_ID_BYTES);
	tag_make(r->attach.k_attach, &h, slot, m->tag);
	slot_trailer_write(slot, &r->picture, m->seq, m->tag);
}

void fake_send_lease(struct fake_ring *r, const struct wire_message *m, const void *msg)
{
	ck_assert_int_eq(sock_send_msg(r->socket_fd, m, msg), 0);
}

void fake_publish(struct fake_ring *r, uint32_t slot, uint64_t seq, uint8_t value)
{
	struct msg_frame m = fake_frame(r, slot, seq, value);

	fake_tag(r, &m);
	fake_send_lease(r, &wire_frame, &m);
}

bool fake_credit(struct fake_ring *r, struct msg_credit *ret)
{
	uint8_t buf[256];
	ssize_t n = sock_recv(r->socket_fd, buf, sizeof(buf), NULL, NULL);

	if (n < 0)
		return false;
	ck_assert_int_eq(wire_decode(&wire_credit, buf, (size_t)n, ret), 0);
	return true;
}
