/* Properties of framemuxsrc. In the application's process. */
#include "clients/gst/properties.h"

#define SLOTS_MIN     2 /* of the library; 0 is its own choice */
#define SLOTS_MAX     16
#define SLOTS_DEFAULT 4

enum {
	PROPERTY_CAMERA = 1,
	PROPERTY_TOKEN,
	PROPERTY_TOKEN_FILE,
	PROPERTY_SOCKET,
	PROPERTY_VERIFY,
	PROPERTY_DUMP,
	PROPERTY_RECONNECT,
	PROPERTY_SLOTS,
	PROPERTY_ON_REVOKED,
	PROPERTY_FLUSH_ON_REVOKED
};

enum verify { VERIFY_SAMPLED, VERIFY_FULL };

static GType enum_type(const char *name, const GEnumValue *values, gsize *once)
{
	if (g_once_init_enter(once))
		g_once_init_leave(once, g_enum_register_static(name, values));
	return *once;
}

static GType ending_type(void)
{
	static const GEnumValue values[] = {
		{FRAMEMUXSRC_EOS, "End of stream", "eos"},
		{FRAMEMUXSRC_ERROR, "An error, resource not authorized", "error"},
		{0},
	};
	static gsize once;

	return enum_type("FramemuxSrcEnding", values, &once);
}

static GType verify_type(void)
{
	static const GEnumValue values[] = {
		{VERIFY_SAMPLED, "The header and a sample of the blocks", "sampled"},
		{VERIFY_FULL, "Every byte", "full"},
		{0},
	};
	static gsize once;

	return enum_type("FramemuxSrcVerify", values, &once);
}

static void set_flag(uint32_t *flags, uint32_t flag, bool is_on)
{
	*flags = is_on ? *flags | flag : *flags & ~flag;
}

static void set_text(char **text, const GValue *value)
{
	session_token_free(*text); /* one of them is the token */
	*text = g_value_dup_string(value);
}

static void set_locked(FramemuxSrc *self, guint id, const GValue *value)
{
	struct session_options *o = &self->set;

	switch (id) {
	case PROPERTY_CAMERA:
		set_text(&o->camera, value);
		break;
	case PROPERTY_TOKEN:
		set_text(&o->token, value);
		break;
	case PROPERTY_TOKEN_FILE:
		set_text(&o->token_file, value);
		break;
	case PROPERTY_SOCKET:
		set_text(&o->socket, value);
		break;
	case PROPERTY_VERIFY:
		set_flag(&o->flags, FRAMEMUX_OPEN_VERIFY_FULL,
			g_value_get_enum(value) == VERIFY_FULL);
		break;
	case PROPERTY_DUMP:
		set_flag(&o->flags, FRAMEMUX_OPEN_DUMP, g_value_get_boolean(value));
		break;
	case PROPERTY_RECONNECT:
		set_flag(&o->flags, FRAMEMUX_OPEN_RECONNECT, g_value_get_boolean(value));
		break;
	case PROPERTY_SLOTS:
		o->slots = g_value_get_uint(value);
		break;
	case PROPERTY_ON_REVOKED:
		self->on_revoked = g_value_get_enum(value);
		break;
	case PROPERTY_FLUSH_ON_REVOKED:
		self->flush_on_revoked = g_value_get_boolean(value);
		break;
	default:
		break;
	}
}

static void get_locked(FramemuxSrc *self, guint id, GValue *value)
{
	const struct session_options *o = &self->set;

	switch (id) {
	case PROPERTY_CAMERA:
		g_value_set_string(value, o->camera);
		break;
	case PROPERTY_TOKEN_FILE:
		g_value_set_string(value, o->token_file);
		break;
	case PROPERTY_SOCKET:
		g_value_set_string(value, o->socket);
		break;
	case PROPERTY_VERIFY:
		g_value_set_enum(
			value, o->flags & FRAMEMUX_OPEN_VERIFY_FULL ? VERIFY_FULL : VERIFY_SAMPLED);
		break;
	case PROPERTY_DUMP:
		g_value_set_boolean(value, !!(o->flags & FRAMEMUX_OPEN_DUMP));
		break;
	case PROPERTY_RECONNECT:
		g_value_set_boolean(value, !!(o->flags & FRAMEMUX_OPEN_RECONNECT));
		break;
	case PROPERTY_SLOTS:
		g_value_set_uint(value, o->slots);
		break;
	case PROPERTY_ON_REVOKED:
		g_value_set_enum(value, self->on_revoked);
		break;
	case PROPERTY_FLUSH_ON_REVOKED:
		g_value_set_boolean(value, self->flush_on_revoked);
		break;
	default: /* a token is not read back */
		break;
	}
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
	FramemuxSrc *self = FRAMEMUX_SRC(object);

	(void)spec;
	GST_OBJECT_LOCK(self);
	set_locked(self, id, value);
	GST_OBJECT_UNLOCK(self);
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
	FramemuxSrc *self = FRAMEMUX_SRC(object);

	(void)spec;
	GST_OBJECT_LOCK(self);
	get_locked(self, id, value);
	GST_OBJECT_UNLOCK(self);
}

static void install_texts(GObjectClass *object, GParamFlags flags)
{
	g_object_class_install_property(object, PROPERTY_CAMERA,
		g_param_spec_string("camera", "Camera", "The name that the token is for", NULL,
			flags | G_PARAM_READABLE));
	g_object_class_install_property(object, PROPERTY_TOKEN,
		g_param_spec_string("token", "Token",
			"The capability as text; for applications, as command lines are seen by "
			"everybody (NULL: that of token-file, else $FRAMEMUX_TOKEN)",
			NULL, flags));
	g_object_class_install_property(object, PROPERTY_TOKEN_FILE,
		g_param_spec_string("token-file", "Token file",
			"A file with one token, or lines \"CAMERA TOKEN\"", NULL,
			flags | G_PARAM_READABLE));
	g_object_class_install_property(object, PROPERTY_SOCKET,
		g_param_spec_string("socket", "Socket",
			"The mux's client socket (NULL: $FRAMEMUX_SOCKET, else the default)", NULL,
			flags | G_PARAM_READABLE));
}

static void install_choices(GObjectClass *object, GParamFlags flags)
{
	g_object_class_install_property(object, PROPERTY_VERIFY,
		g_param_spec_enum("verify", "Verify", "What the tag of a frame covers",
			verify_type(), VERIFY_SAMPLED, flags));
	g_object_class_install_property(object, PROPERTY_DUMP,
		g_param_spec_boolean("dump", "Dump",
			"Declare that frames are kept or sent on; the token must permit it", FALSE,
			flags));
	g_object_class_install_property(object, PROPERTY_RECONNECT,
		g_param_spec_boolean("reconnect", "Reconnect",
			"Come back after a restart of the mux, instead of an error", FALSE, flags));
	g_object_class_install_property(object, PROPERTY_SLOTS,
		g_param_spec_uint("slots", "Slots", "Frames that the ring holds", SLOTS_MIN,
			SLOTS_MAX, SLOTS_DEFAULT, flags));
	g_object_class_install_property(object, PROPERTY_ON_REVOKED,
		g_param_spec_enum("on-revoked", "On revoked", "What a revocation is downstream",
			ending_type(), FRAMEMUXSRC_EOS, flags));
	g_object_class_install_property(object, PROPERTY_FLUSH_ON_REVOKED,
		g_param_spec_boolean("flush-on-revoked", "Flush on revoked",
			"Frames that still wait downstream are dropped by a revocation", TRUE,
			flags));
}

void properties_install(GObjectClass *object)
{
	const GParamFlags writable =
		G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY;

	object->set_property = set_property;
	object->get_property = get_property;
	install_texts(object, writable);
	install_choices(object, writable | G_PARAM_READABLE);
	gst_type_mark_as_plugin_api(ending_type(), 0);
	gst_type_mark_as_plugin_api(verify_type(), 0);
}

void properties_init(FramemuxSrc *self)
{
	self->set.slots = SLOTS_DEFAULT;
	self->flush_on_revoked = TRUE;
}

void properties_take(FramemuxSrc *self, struct session_options *ret)
{
	GST_OBJECT_LOCK(self);
	*ret = self->set;
	ret->camera = g_strdup(self->set.camera);
	ret->token = g_strdup(self->set.token);
	ret->token_file = g_strdup(self->set.token_file);
	ret->socket = g_strdup(self->set.socket);
	GST_OBJECT_UNLOCK(self);
}
