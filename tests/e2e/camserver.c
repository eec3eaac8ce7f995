/*
 * camserver: a real RTSP server (gst-rtsp-server) with test cameras, on the loopback interface
 * only. All clients of a camera share one stream, as with a real camera. Prints "READY PORT" when it
 * serves; ends on SIGTERM, SIGINT, or when its parent dies. With --tls-cert it is an rtsps server.
 *
 * A camera is MOUNT=KIND[:KEY=VALUE,...]:
 *	live   a moving test picture with its name and a clock, encoded as it goes
 *	       codec=h264|h265|mjpeg size=WxH fps=N kbps=N key=N pattern=NAME label=TEXT
 *	       background=RRGGBB foreground=RRGGBB slices parameters
 *	file   the packets of a file, never decoded, at its own pace, looped
 *	       path=FILE fps=N times=FILE once parameters
 * Both: protocols=tcp|udp, for one of the two only.
 */
#include "camserver.h"

#include <errno.h>
#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

/* What is asked of clients, and what they are shown first. */
struct security {
	const char *user, *password_file, *auth, *digest, *realm, *certificate, *key;
};

static guint number(const char *text, guint base)
{
	guint64 n;

	return g_ascii_string_to_unsigned(text, base, 0, G_MAXUINT32, &n, NULL) ? (guint)n : 0;
}

static gboolean protocols_option(struct camera_spec *s, const char *value)
{
	if (!strcmp(value, "tcp"))
		s->protocols = GST_RTSP_LOWER_TRANS_TCP;
	else if (!strcmp(value, "udp"))
		s->protocols = GST_RTSP_LOWER_TRANS_UDP;
	else
		return FALSE;
	return TRUE;
}

static gboolean spec_option(struct camera_spec *s, const char *key, char *value)
{
	char *by;

	if (!strcmp(key, "slices"))
		s->slices = TRUE;
	else if (!strcmp(key, "parameters"))
		s->parameters = TRUE;
	else if (!strcmp(key, "once"))
		s->quiet_end = TRUE;
	else if (!value)
		return FALSE;
	else if (!strcmp(key, "protocols"))
		return protocols_option(s, value);
	else if (!strcmp(key, "codec"))
		s->codec = value;
	else if (!strcmp(key, "path"))
		s->path = value;
	else if (!strcmp(key, "times"))
		s->times = value;
	else if (!strcmp(key, "pattern"))
		s->pattern = value;
	else if (!strcmp(key, "label"))
		s->label = value;
	else if (!strcmp(key, "fps"))
		s->fps = number(value, 10);
	else if (!strcmp(key, "kbps"))
		s->kbps = number(value, 10);
	else if (!strcmp(key, "key"))
		s->key_interval = number(value, 10);
	else if (!strcmp(key, "background"))
		s->background = number(value, 16);
	else if (!strcmp(key, "foreground"))
		s->foreground = number(value, 16);
	else if (!strcmp(key, "size") && (by = strchr(value, 'x'))) {
		*by = '\0';
		s->width = number(value, 10);
		s->height = number(by + 1, 10);
	} else
		return FALSE;
	return TRUE;
}

/* "MOUNT=KIND:KEY=VALUE,..."; cut up in place. */
static gboolean spec_parse(char *text, struct camera_spec *ret)
{
	struct camera_spec s = {.codec = "h264",
		.pattern = "ball",
		.width = 1280,
		.height = 720,
		.background = 0x203040,
		.foreground = 0xffffff,
		.kbps = 4000,
		.key_interval = 30};
	char *kind = strchr(text, '='), *options;
	gboolean live;

	if (!kind)
		return FALSE;
	*kind++ = '\0';
	s.mount = s.label = text;
	options = strchr(kind, ':');
	if (options)
		*options++ = '\0';
	for (char *key; (key = strsep(&options, ",")) != NULL;) {
		char *value = strchr(key, '=');

		if (value)
			*value++ = '\0';
		if (!spec_option(&s, key, value)) {
			fprintf(stderr, "camserver: %s: %s is no option\n", s.mount, key);
			return FALSE;
		}
	}
	live = !strcmp(kind, "live");
	if (live && !s.fps)
		s.fps = 30;
	if (live ? s.path || !s.width || !s.height : !s.path || strcmp(kind, "file"))
		return FALSE;
	*ret = s;
	return TRUE;
}

static char *live_pipeline(const struct camera_spec *s)
{
	const char *parameters = s->parameters ? "config-interval=-1" : "";
	char *encoder, *text;

	if (!strcmp(s->codec, "h264"))
		encoder = g_strdup_printf(
			"x264enc tune=zerolatency speed-preset=ultrafast "
			"bitrate=%u key-int-max=%u %s ! rtph264pay name=pay0 pt=96 %s",
			s->kbps, s->key_interval,
			s->slices ? "sliced-threads=true threads=4"
				  : "sliced-threads=false threads=1",
			parameters);
	else if (!strcmp(s->codec, "h265"))
		encoder =
			g_strdup_printf("x265enc tune=zerolatency speed-preset=ultrafast "
					"bitrate=%u key-int-max=%u ! rtph265pay name=pay0 pt=96 %s",
				s->kbps, s->key_interval, parameters);
	else if (!strcmp(s->codec, "mjpeg"))
		encoder = g_strdup("jpegenc quality=85 ! rtpjpegpay name=pay0 pt=26");
	else
		return NULL;
	text = g_strdup_printf("( videotestsrc is-live=true pattern=%s background-color=0xff%06x "
			       "foreground-color=0xff%06x ! "
			       "video/x-raw,format=I420,width=%u,height=%u,framerate=%u/1 ! "
			       "textoverlay text=\"%s\" valignment=top halignment=left "
			       "font-desc=\"Sans Bold 28\" ! "
			       "clockoverlay time-format=\"%%H:%%M:%%S\" valignment=bottom "
			       "halignment=right font-desc=\"Sans Bold 24\" ! "
			       "timeoverlay valignment=bottom halignment=left "
			       "font-desc=\"Sans Bold 16\" ! %s )",
		s->pattern, s->background, s->foreground, s->width, s->height, s->fps, s->label,
		encoder);
	g_free(encoder);
	return text;
}

static gboolean mount(GstRTSPMountPoints *mounts, const struct camera_spec *spec)
{
	GstRTSPMediaFactory *factory = gst_rtsp_media_factory_new();
	GError *error = NULL;
	char *pipeline = spec->path ? feed_pipeline(spec, &error) : live_pipeline(spec);
	char *path = g_strdup_printf("/%s", spec->mount);

	if (pipeline) {
		gst_rtsp_media_factory_set_launch(factory, pipeline);
		gst_rtsp_media_factory_set_shared(factory, TRUE);
		gst_rtsp_media_factory_set_latency(factory, 0);
		if (spec->protocols)
			gst_rtsp_media_factory_set_protocols(factory, spec->protocols);
		gst_rtsp_media_factory_add_role(factory, AUTH_ROLE,
			GST_RTSP_PERM_MEDIA_FACTORY_ACCESS, G_TYPE_BOOLEAN, TRUE,
			GST_RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, G_TYPE_BOOLEAN, TRUE, NULL);
		if (spec->path)
			feed_attach(factory, spec);
		gst_rtsp_mount_points_add_factory(mounts, path, factory);
	} else {
		fprintf(stderr, "camserver: %s: %s\n", spec->mount,
			error ? error->message : "no such codec");
		g_object_unref(factory);
		g_clear_error(&error);
	}
	g_free(path);
	g_free(pipeline);
	return pipeline != NULL;
}

static gboolean on_signal(gpointer data)
{
	g_main_loop_quit(data);
	return G_SOURCE_CONTINUE;
}

/* A connection that is being closed is taken out of the server: nothing of it is left at the end.
 */
static GstRTSPFilterResult drop_client(GstRTSPServer *server, GstRTSPClient *client, gpointer data)
{
	(void)server, (void)client, (void)data;
	return GST_RTSP_FILTER_REMOVE;
}

/* "--server": what it calls itself in each answer. */
static void set_server(
	GstRTSPClient *client, GstRTSPSession *session, GstRTSPMessage *message, gpointer name)
{
	(void)client, (void)session;
	if (gst_rtsp_message_get_type(message) != GST_RTSP_MESSAGE_RESPONSE)
		return;
	gst_rtsp_message_remove_header(message, GST_RTSP_HDR_SERVER, -1);
	gst_rtsp_message_add_header(message, GST_RTSP_HDR_SERVER, name);
}

static void on_client(GstRTSPServer *server, GstRTSPClient *client, gpointer name)
{
	(void)server;
	g_signal_connect(client, "send-message", G_CALLBACK(set_server), name);
}

static GstRTSPAuth *auth_from_file(const char *how, const char *user, const char *file)
{
	GError *error = NULL;
	GstRTSPAuth *auth = NULL;
	char *password = NULL;

	if (g_file_get_contents(file, &password, NULL, &error))
		auth = auth_make(how, user, g_strchomp(password));
	if (!auth)
		fprintf(stderr, "camserver: %s\n",
			error ? error->message
			      : "--auth is digest or basic, --digest md5, md5-sess or sha256");
	g_clear_error(&error);
	g_free(password);
	return auth;
}

/* TLS belongs to the same object as passwords; without any, everybody may look. */
static gboolean speak_tls(GstRTSPAuth *auth, const char *certificate, const char *key)
{
	GError *error = NULL;
	GTlsCertificate *tls = g_tls_certificate_new_from_files(certificate, key, &error);

	if (!tls) {
		fprintf(stderr, "camserver: %s\n", error->message);
		g_clear_error(&error);
		return FALSE;
	}
	gst_rtsp_auth_set_tls_certificate(auth, tls);
	g_object_unref(tls);
	return TRUE;
}

/* What is asked of clients. FALSE: cannot be had. */
static gboolean secure(GstRTSPServer *server, const struct security *s)
{
	GstRTSPAuth *auth;
	gboolean ok;

	if (!s->user && !s->certificate)
		return TRUE;
	auth = s->user ? auth_from_file(strcmp(s->auth, "digest") ? s->auth : s->digest, s->user,
				 s->password_file)
		       : auth_make_open();
	if (!auth)
		return FALSE;
	if (s->realm)
		gst_rtsp_auth_set_realm(auth, s->realm);
	ok = !s->certificate || speak_tls(auth, s->certificate, s->key);
	if (ok)
		gst_rtsp_server_set_auth(server, auth);
	g_object_unref(auth);
	return ok;
}

int main(int argc, char **argv)
{
	const char *port = "0", *name = NULL;
	struct security security = {.auth = "digest", .digest = "md5"};
	char **cameras = NULL;
	GOptionEntry options[] = {
		{"port", 0, 0, G_OPTION_ARG_STRING, &port, "listen on this port (0: any)", "N"},
		{"user", 0, 0, G_OPTION_ARG_STRING, &security.user, "ask for a password", "NAME"},
		{"password-file", 0, 0, G_OPTION_ARG_FILENAME, &security.password_file,
			"first line", "FILE"},
		{"auth", 0, 0, G_OPTION_ARG_STRING, &security.auth, "digest or basic", "NAME"},
		{"digest", 0, 0, G_OPTION_ARG_STRING, &security.digest, "md5, md5-sess or sha256",
			"NAME"},
		{"tls-cert", 0, 0, G_OPTION_ARG_FILENAME, &security.certificate,
			"speak TLS, with this certificate", "FILE"},
		{"tls-key", 0, 0, G_OPTION_ARG_FILENAME, &security.key, "of the certificate",
			"FILE"},
		{"realm", 0, 0, G_OPTION_ARG_STRING, &security.realm, "of digest authentication (md5)",
			"TEXT"},
		{"server", 0, 0, G_OPTION_ARG_STRING, &name, "the Server header", "TEXT"},
		{G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &cameras, NULL,
			"MOUNT=KIND[:KEY=VALUE,...]..."},
		{0},
	};
	GOptionContext *context = g_option_context_new(NULL);
	GMainLoop *loop;
	GstRTSPServer *server;
	GstRTSPMountPoints *mounts;
	GError *error = NULL;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	g_option_context_add_main_entries(context, options, NULL);
	g_option_context_add_group(context, gst_init_get_option_group());
	if (!g_option_context_parse(context, &argc, &argv, &error) || !cameras ||
		!security.user != !security.password_file ||
		!security.certificate != !security.key) {
		fprintf(stderr, "camserver: %s\n",
			error ? error->message
			      : "cameras, --user with --password-file, --tls-cert with --tls-key");
		return 64;
	}
	g_option_context_free(context);
	loop = g_main_loop_new(NULL, FALSE);
	server = gst_rtsp_server_new();
	gst_rtsp_server_set_address(server, "127.0.0.1");
	gst_rtsp_server_set_service(server, port);
	mounts = gst_rtsp_server_get_mount_points(server);
	for (char **c = cameras; *c; c++) {
		struct camera_spec *spec = g_new0(struct camera_spec, 1); /* for the whole run */

		if (!spec_parse(*c, spec) || !mount(mounts, spec)) {
			fprintf(stderr, "camserver: %s: not understood\n", *c);
			return 64;
		}
	}
	g_object_unref(mounts);
	if (!secure(server, &security))
		return 64;
	if (name)
		g_signal_connect(server, "client-connected", G_CALLBACK(on_client), (gpointer)name);
	if (!gst_rtsp_server_attach(server, NULL)) {
		fprintf(stderr, "camserver: cannot listen on 127.0.0.1:%s\n", port);
		return 69;
	}
	g_unix_signal_add(SIGTERM, on_signal, loop);
	g_unix_signal_add(SIGINT, on_signal, loop);
	printf("READY %d\n", gst_rtsp_server_get_bound_port(server));
	fflush(stdout);
	g_main_loop_run(loop);
	gst_rtsp_server_client_filter(server, drop_client, NULL);
	g_object_unref(server);
	g_main_loop_unref(loop);
	return 0;
}
