/* The broker's decoders, clients and framemuxctl, played. In the test's process. */
#include <check.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/memfd.h"
#include "common/picture.h"
#include "common/sock.h"
#include "framemux.h"
#include "mux/broker/grant.h"
#include "tests/unit/broker_scene.h"

/* --- the decoder ---------------------------------------------------------------------------- */

void pair_begin(const struct scene *s, unsigned camera, uint64_t generation, struct pair *ret)
{
	struct msg_pair_born m = {.generation = generation};
	uint8_t buf[LIMIT_MESSAGE];
	int link[2];
	ssize_t n;

	memcpy(m.id, s->camera[camera].b, sizeof(m.id));
	ck_assert_int_eq(sock_pair(SOCK_SEQPACKET, link), 0);
	n = wire_encode(&wire_pair_born, &m, buf, sizeof(buf));
	ck_assert_int_eq(sock_send(s->daemon, buf, (size_t)n, &link[0], 1), 0);
	close(link[0]);
	*ret = (struct pair){.fd = link[1], .camera = camera, .generation = generation};
}

void pair_format(const struct pair *p, uint32_t serial, uint32_t width, uint32_t height)
{
	const struct msg_format m = {.serial = serial,
		.width = width,
		.height = height,
		.sar_num = 1,
		.sar_den = 1,
		.fps_milli = 25000};

	tell(p->fd, &wire_format, &m);
}

void pair_end(const struct scene *s, struct pair *p, const char *reason)
{
	struct msg_pair_dead m = {.generation = p->generation};

	close(p->fd);
	p->fd = -1;
	memcpy(m.id, s->camera[p->camera].b, sizeof(m.id));
	strcpy(m.reason, reason);
	tell(s->daemon, &wire_pair_dead, &m);
}

void give_take(const struct pair *p, struct given *ret)
{
	struct picture picture;
	int fds[RING_GIVE_FDS];
	struct stat st;

	expect(p->fd, &wire_ring_give, &ret->give, fds, RING_GIVE_FDS);
	ck_assert_uint_eq(ret->give.generation, p->generation);
	ck_assert_int_eq(
		picture_layout(ret->give.fourcc, ret->give.width, ret->give.height, &picture), 0);
	ret->bytes = picture.slot_bytes * ret->give.slots;
	ck_assert_int_eq(fstat(fds[RING_GIVE_FD_RING], &st), 0);
	ck_assert_uint_eq((uint64_t)st.st_size, ret->bytes);
	ret->map = mmap(
		NULL, ret->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fds[RING_GIVE_FD_RING], 0);
	ck_assert_ptr_ne(ret->map, MAP_FAILED);
	close(fds[RING_GIVE_FD_RING]);
	ret->socket = fds[RING_GIVE_FD_SOCKET];
}

void give_mapped(const struct pair *p, const struct given *g)
{
	const struct msg_ring_mapped m = {.lease = g->give.lease, .attach = g->give.attach};

	tell(p->fd, &wire_ring_mapped, &m);
}

void give_drop(const struct pair *p, struct given *g)
{
	struct msg_ring_drop drop;
	struct msg_let_go m = {.lease = g->give.lease,
		.attach = g->give.attach,
		.published = 10,
		.delivered = 5,
		.dropped = 3};

	expect(p->fd, &wire_ring_drop, &drop, NULL, 0);
	ck_assert_uint_eq(drop.attach, g->give.attach);
	munmap(g->map, g->bytes);
	close(g->socket);
	tell(p->fd, &wire_let_go, &m);
}

/* --- the client ----------------------------------------------------------------------------- */

void token_for(const struct scene *s, unsigned camera, uint64_t not_after, struct token *ret)
{
	struct rights r = {.epoch = 1,
		.has_camera = true,
		.has_uid = true,
		.has_expiry = true,
		.uid = getuid(),
		.not_after = not_after,
		.never_expires = not_after == UINT64_MAX};
	uint8_t id[TOKEN_ID_BYTES];

	strcpy(r.camera, scene_names[camera]);
	randombytes_buf(id, sizeof(id));
	ck_assert_int_eq(grant_mint(s->root, SCENE_KEY_ID, id, &r, ret), 0);
}

void viewer_connect(const struct scene *s, struct viewer *ret)
{
	const struct msg_hello hello = {.magic = PROTOCOL_MAGIC, .version = PROTOCOL_VERSION};
	struct msg_welcome welcome;

	ck_assert_int_eq(sock_connect(s->clients_path, &ret->fd), 0);
	tell(ret->fd, &wire_hello, &hello);
	expect(ret->fd, &wire_welcome, &welcome, NULL, 0);
	ck_assert_uint_eq(welcome.version, PROTOCOL_VERSION);
	memcpy(ret->challenge, welcome.challenge, sizeof(ret->challenge));
}

void viewer_ask(const struct viewer *v, const struct token *t, struct msg_open o)
{
	uint8_t buf[LIMIT_MESSAGE];
	ssize_t n;

	memcpy(o.token, t->body, t->body_len);
	o.token_len = (uint16_t)t->body_len;
	if (!*o.camera)
		strcpy(o.camera, scene_names[0]);
	n = wire_encode(&wire_open, &o, buf, sizeof(buf));
	ck_assert_int_gt(n, 0);
	token_prove(t->tag, v->challenge, buf, (size_t)n, o.proof);
	tell(v->fd, &wire_open, &o);
}

uint64_t viewer_lease(const struct viewer *v, const struct token *t, struct msg_open o)
{
	struct msg_lease lease;

	viewer_ask(v, t, o);
	expect(v->fd, &wire_lease, &lease, NULL, 0);
	ck_assert_uint_eq(lease.view, o.view);
	ck_assert_uint_ne(lease.lease, 0);
	expect_state(v->fd, o.view, FRAMEMUX_STATE_CONNECTING);
	return lease.lease;
}

void viewer_end(struct viewer *v)
{
	close(v->fd);
	v->fd = -1;
}

void watch_take(const struct scene *s, const struct viewer *v, struct watched *ret)
{
	const struct msg_attach *m = &ret->attach;
	uint8_t k_cam[KEY_BYTES], key[KEY_BYTES];
	int fds[ATTACH_FDS];
	struct stat st;

	expect(v->fd, &wire_attach, &ret->attach, fds, ATTACH_FDS);
	ck_assert_int_eq(memfd_check(fds[ATTACH_FD_RING], m->ring_bytes), 0);
	ck_assert_int_eq(memfd_check(fds[ATTACH_FD_DEAD], DEAD_PAGE_BYTES), 0);
	ck_assert_int_eq(fstat(fds[ATTACH_FD_RING], &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0400);
	key_camera(s->k_session, (const struct camera_id *)m->camera_id, k_cam);
	key_attach(k_cam, m->lease, m->attach, m->generation, key);
	ck_assert_mem_eq(m->k_attach, key, sizeof(key));
	ret->ring_fd = fds[ATTACH_FD_RING];
	ret->map = mmap(NULL, m->ring_bytes, PROT_READ, MAP_SHARED, ret->ring_fd, 0);
	ret->dead = mmap(NULL, DEAD_PAGE_BYTES, PROT_READ, MAP_SHARED, fds[ATTACH_FD_DEAD], 0);
	ck_assert_ptr_ne(ret->map, MAP_FAILED);
	ck_assert_ptr_ne((const void *)ret->dead, MAP_FAILED);
	ck_assert_uint_eq(*ret->dead, 0);
	close(fds[ATTACH_FD_DEAD]);
	ret->socket = fds[ATTACH_FD_SOCKET];
}

void watch_ack(const struct viewer *v, const struct watched *w)
{
	const struct msg_attached m = {.view = w->attach.view, .attach = w->attach.attach};

	tell(v->fd, &wire_attached, &m);
}

void watch_end(struct watched *w)
{
	munmap((void *)w->map, w->attach.ring_bytes);
	munmap((void *)w->dead, DEAD_PAGE_BYTES);
	close(w->ring_fd);
	close(w->socket);
}

void attach_all(const struct scene *s, const struct pair *p, const struct viewer *v,
	struct given *g, struct watched *w)
{
	struct msg_ring_go go;

	give_take(p, g);
	give_mapped(p, g);
	watch_take(s, v, w);
	watch_ack(v, w);
	expect(p->fd, &wire_ring_go, &go, NULL, 0);
	ck_assert_uint_eq(go.attach, g->give.attach);
	ck_assert_uint_eq(w->attach.attach, g->give.attach);
	ck_assert_mem_eq(g->give.id, w->attach.camera_id, CAMERA_ID_BYTES);
	memset(g->map, 0xaa, g->bytes);
	ck_assert_uint_eq(w->map[g->bytes - 1], 0xaa); /* the same memory */
}

bool all_zero(const uint8_t *p, size_t n)
{
	return sodium_is_zero(p, n) == 1;
}

/* --- framemuxctl ---------------------------------------------------------------------------- */

int control_open(const struct scene *s)
{
	const struct msg_hello hello = {.magic = PROTOCOL_MAGIC, .version = PROTOCOL_VERSION};
	int fd;

	ck_assert_int_eq(sock_connect(s->control_path, &fd), 0);
	tell(fd, &wire_hello, &hello);
	return fd;
}

void control_finish(int fd, struct msg_ctl_done *ret_done, unsigned *ret_ended)
{
	uint8_t buf[LIMIT_MESSAGE];
	struct msg_ctl_ended ended;
	ssize_t n;

	*ret_ended = 0;
	for (;;) {
		expect_something(fd);
		n = sock_recv(fd, buf, sizeof(buf), NULL, NULL);
		ck_assert_int_gt(n, 0);
		if (wire_decode(&wire_ctl_done, buf, (size_t)n, ret_done) == 0)
			return;
		*ret_ended += wire_decode(&wire_ctl_ended, buf, (size_t)n, &ended) == 0;
	}
}
