/* Makes camera records. Pure code, in framemuxd. */
#include "mux/daemon/camera.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/bytes.h"

/* tls_pin is not built yet: no camera has one. */
#define NO_PIN ""

void camera_record_make(const struct config_camera *cam, uint32_t epoch, struct camera_record *ret)
{
	const struct url *u = &cam->source;

	*ret = (struct camera_record){
		.epoch = epoch,
		.kind = u->kind,
		.port = u->port,
		.width = u->width,
		.height = u->height,
		.fps = u->fps,
		.password = cam->password,
		.n_masks = cam->n_masks,
	};
	memcpy(ret->name, cam->name, sizeof(ret->name));
	memcpy(ret->canonical, u->canonical, sizeof(ret->canonical));
	memcpy(ret->url, u->url, sizeof(ret->url));
	memcpy(ret->host, u->host, sizeof(ret->host));
	memcpy(ret->path, u->path, sizeof(ret->path));
	memcpy(ret->vendor, cam->vendor, sizeof(ret->vendor));
	memcpy(ret->model, cam->model, sizeof(ret->model));
	memcpy(ret->username, cam->username, sizeof(ret->username));
	memcpy(ret->masks, cam->masks, sizeof(ret->masks));
	camera_id_make(ret->name, ret->canonical, NO_PIN, epoch, &ret->id);
}

static void hash_text(crypto_generichash_state *h, const char *text)
{
	uint8_t len[4];

	put_le32(len, (uint32_t)strlen(text));
	crypto_generichash_update(h, len, sizeof(len));
	crypto_generichash_update(h, (const uint8_t *)text, strlen(text));
}

void camera_source_hash(const struct config_camera *cam, uint8_t ret[CAMERA_SOURCE_HASH_BYTES])
{
	crypto_generichash_state h;

	crypto_generichash_init(&h, NULL, 0, CAMERA_SOURCE_HASH_BYTES);
	hash_text(&h, "framemux epoch 1");
	hash_text(&h, cam->source.canonical);
	hash_text(&h, NO_PIN);
	hash_text(&h, cam->model);
	crypto_generichash_final(&h, ret, CAMERA_SOURCE_HASH_BYTES);
}
