/* Makes camera records. Pure code, in framemuxd. */
#include "mux/daemon/camera.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/bytes.h"

/* The pin in its one spelling; "" when there is none. */
#define PIN_TEXT_BYTES 64u
static void pin_text(const struct config_camera *cam, char ret[PIN_TEXT_BYTES])
{
	ret[0] = 0;
	if (!cam->has_pin)
		return;
	memcpy(ret, "sha256//", 8);
	sodium_bin2base64(ret + 8, PIN_TEXT_BYTES - 8, cam->tls_pin, TLS_PIN_BYTES,
		sodium_base64_VARIANT_ORIGINAL);
}

void camera_record_make(const struct config_camera *cam, uint32_t epoch, struct camera_record *ret)
{
	const struct url *u = &cam->source;
	char pin[PIN_TEXT_BYTES];

	*ret = (struct camera_record){
		.epoch = epoch,
		.kind = u->kind,
		.tls = u->tls,
		.port = u->port,
		.width = u->width,
		.height = u->height,
		.fps = u->fps,
		.password = cam->password,
		.n_masks = cam->n_masks,
		.has_pin = cam->has_pin,
		.basic = cam->basic,
		.transport = cam->transport,
		.may_switch = cam->may_switch,
		.fingerprint = cam->fingerprint,
		.warm = cam->warm,
		.memory_mb = cam->memory_mb,
		.max_pixels = cam->max_pixels,
		.patience_s = cam->patience_s,
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
	memcpy(ret->tls_pin, cam->tls_pin, sizeof(ret->tls_pin));
	memcpy(ret->tls_ca, cam->tls_ca, sizeof(ret->tls_ca));
	pin_text(cam, pin);
	camera_id_make(ret->name, ret->canonical, pin, epoch, &ret->id);
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
	char pin[PIN_TEXT_BYTES];

	pin_text(cam, pin);
	crypto_generichash_init(&h, NULL, 0, CAMERA_SOURCE_HASH_BYTES);
	hash_text(&h, "framemux epoch 1");
	hash_text(&h, cam->source.canonical);
	hash_text(&h, pin);
	hash_text(&h, cam->model);
	crypto_generichash_final(&h, ret, CAMERA_SOURCE_HASH_BYTES);
}
