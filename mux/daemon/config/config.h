/*
 * framemux.conf(5): read, checked, and held as values. Made while starting and for each reload; it is
 * replaced as a whole.
 */
#ifndef FRAMEMUX_CONFIG_H
#define FRAMEMUX_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/limits.h"
#include "common/token.h"
#include "mux/daemon/config/config_text.h"
#include "mux/daemon/config/url.h"
#include "mux/daemon/policy/policy_keys.h"

#define CONFIG_CAMERAS_MAX  1024u
#define CONFIG_GRANTS_MAX   1024u
#define CONFIG_ADMINS_MAX   64u
#define CONFIG_GROUP_BYTES  64u
#define CONFIG_SOCKET_BYTES 108u /* sun_path */

struct config_camera {
	char name[LIMIT_NAME];
	struct url source; /* its userinfo has moved to username and password */
	char username[URL_USER_BYTES];
	char *password; /* owned, of locked_alloc(); NULL: none */
	bool has_pin;
	uint8_t tls_pin[TLS_PIN_BYTES]; /* SHA-256 of the public key */
	char tls_ca[LIMIT_PATH];        /* absolute; "": the system's store */
	bool basic;                     /* may be answered, over TLS */
	enum transport transport;       /* RTSP: to begin with */
	bool may_switch;                /* the other transport is permitted */
	bool fingerprint, warm;
	uint32_t memory_mb, max_pixels, patience_s;
	char vendor[LIMIT_LABEL], model[LIMIT_LABEL];
	struct mask masks[LIMIT_MASKS];
	uint32_t n_masks;
};

struct config_grant {
	char name[LIMIT_NAME];
	uid_t uid;
	char unit[LIMIT_UNIT]; /* a cgroup's path; "": any of the user's processes */
	unsigned *cameras;     /* owned; numbers of config.cameras */
	size_t n_cameras;
	uint32_t max_width, max_height, max_fps; /* 0: no limit */
	uint64_t expires_s;                      /* from its first day on; 0: never */
	bool dump;
	char label[LIMIT_LABEL];
	char token_file[LIMIT_PATH]; /* absolute; "": none */
	struct mask masks[LIMIT_MASKS];
	uint32_t n_masks;
};

struct config {
	char socket[CONFIG_SOCKET_BYTES], control_socket[CONFIG_SOCKET_BYTES];
	char state_dir[LIMIT_PATH];
	bool anchor_in_journal;        /* state_anchor */
	char state_anchor[LIMIT_PATH]; /* "": no file */
	char admin_group[CONFIG_GROUP_BYTES];
	uid_t admins[CONFIG_ADMINS_MAX];
	size_t n_admins;
	uint32_t stale_after_ms, linger_s, uid_quota_mb;
	struct policy_key policy_keys[POLICY_KEYS_MAX];
	size_t n_policy_keys;
	uint32_t policy_quorum;         /* of them; 0 without keys */
	char policy_folder[LIMIT_PATH]; /* "": none */
	struct config_camera *cameras;  /* owned */
	size_t n_cameras;
	struct config_grant *grants; /* owned */
	size_t n_grants;
};

/* 0 and the configuration, or -errno and "FILE:LINE: what is wrong". */
int config_load(const char *path, struct config **ret, struct config_error *ret_error);
/* The same, and the places of the token files are looked at too: for a reload, which is all or
 * nothing. */
int config_load_whole(const char *path, struct config **ret, struct config_error *ret_error);
void config_free(struct config *c);

/* The cameras' records have copies of the passwords. */
void config_forget_passwords(struct config *c);

#endif
