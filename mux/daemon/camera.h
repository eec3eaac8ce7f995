/*
 * Who a camera is: one immutable record, made once from the configuration. Connecting, secrets,
 * keys and births use this record and never look anything up by name again.
 */
#ifndef FRAMEMUX_CAMERA_H
#define FRAMEMUX_CAMERA_H

#include "common/identity.h"
#include "mux/daemon/config/config.h"

struct camera_record {
	struct camera_id id;
	uint32_t epoch;
	char name[LIMIT_NAME];
	char canonical[LIMIT_PATH]; /* the source that the id stands for */
	char url[LIMIT_PATH];       /* without userinfo: what ingest asks for */
	enum ingest_kind kind;
	bool tls;
	char host[URL_HOST_BYTES];
	uint16_t port;
	char path[LIMIT_PATH]; /* FILE, V4L2 */
	bool has_pin;
	uint8_t tls_pin[TLS_PIN_BYTES];
	char tls_ca[LIMIT_PATH]; /* "": the system's store */
	bool basic;
	enum transport transport;
	bool may_switch, fingerprint, warm;
	uint32_t memory_mb, max_pixels, patience_s;
	uint32_t width, height, fps; /* PATTERN */
	char vendor[LIMIT_LABEL], model[LIMIT_LABEL];
	char username[URL_USER_BYTES];
	const char *password; /* of locked_alloc(), or NULL; whose, says who has the record */
	struct mask masks[LIMIT_MASKS];
	uint32_t n_masks;
};

/* The password stays the configuration's. */
void camera_record_make(const struct config_camera *cam, uint32_t epoch, struct camera_record *ret);

/* BLAKE2b over what raises the epoch when it changes: source, pin, model. */
#define CAMERA_SOURCE_HASH_BYTES 32u
void camera_source_hash(const struct config_camera *cam, uint8_t ret[CAMERA_SOURCE_HASH_BYTES]);

#endif
