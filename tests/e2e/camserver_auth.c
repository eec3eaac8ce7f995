/*
 * Digest authentication of camserver beyond what gst-rtsp-server offers (MD5 with no qop): MD5-sess
 * and SHA-256 with qop=auth, after RFC 7616. Test code: one user, one nonce for the whole run.
 */
#include "camserver.h"

#include <string.h>

typedef struct {
	GstRTSPAuth parent;
	GChecksumType hash;
	gboolean session; /* the -sess variant */
	const char *algorithm;
	char *user, *password, *nonce;
} CamAuth;

typedef struct {
	GstRTSPAuthClass parent_class;
} CamAuthClass;

GType cam_auth_get_type(void);
G_DEFINE_TYPE(CamAuth, cam_auth, GST_TYPE_RTSP_AUTH)

static const char *param(GstRTSPAuthCredential *cred, const char *name)
{
	for (GstRTSPAuthParam **p = cred->params; p && *p; p++)
		if (!g_ascii_strcasecmp((*p)->name, name))
			return (*p)->value;
	return "";
}

static char *hash(const CamAuth *a, char *text /* taken */)
{
	char *hex = g_compute_checksum_for_string(a->hash, text, -1);

	g_free(text);
	return hex;
}

static gboolean is_right(const CamAuth *a, GstRTSPAuthCredential *cred, const char *method)
{
	const char *nc = param(cred, "nc"), *cnonce = param(cred, "cnonce");
	char *ha1, *ha2, *want;
	gboolean ok;

	if (cred->scheme != GST_RTSP_AUTH_DIGEST || strcmp(param(cred, "username"), a->user) ||
		strcmp(param(cred, "nonce"), a->nonce) ||
		strcmp(param(cred, "realm"), AUTH_REALM) || strcmp(param(cred, "qop"), "auth") ||
		g_ascii_strcasecmp(param(cred, "algorithm"), a->algorithm))
		return FALSE;
	ha1 = hash(a, g_strdup_printf("%s:%s:%s", a->user, AUTH_REALM, a->password));
	if (a->session) {
		char *base = ha1;

		ha1 = hash(a, g_strdup_printf("%s:%s:%s", base, a->nonce, cnonce));
		g_free(base);
	}
	ha2 = hash(a, g_strdup_printf("%s:%s", method, param(cred, "uri")));
	want = hash(a, g_strdup_printf("%s:%s:%s:%s:auth:%s", ha1, a->nonce, nc, cnonce, ha2));
	ok = !strcmp(want, param(cred, "response"));
	g_free(ha1);
	g_free(ha2);
	g_free(want);
	return ok;
}

static GstRTSPToken *viewer(void)
{
	return gst_rtsp_token_new(
		GST_RTSP_TOKEN_MEDIA_FACTORY_ROLE, G_TYPE_STRING, AUTH_ROLE, NULL);
}

static gboolean cam_auth_authenticate(GstRTSPAuth *auth, GstRTSPContext *ctx)
{
	CamAuth *a = (CamAuth *)auth;
	GstRTSPAuthCredential **creds =
		gst_rtsp_message_parse_auth_credentials(ctx->request, GST_RTSP_HDR_AUTHORIZATION);

	for (GstRTSPAuthCredential **c = creds; c && *c; c++) {
		if (!is_right(a, *c, gst_rtsp_method_as_text(ctx->method)))
			continue;
		if (!ctx->token)
			ctx->token = viewer();
		break;
	}
	if (creds)
		gst_rtsp_auth_credentials_free(creds);
	return TRUE; /* who has no token is answered 401 */
}

static void cam_auth_challenge(GstRTSPAuth *auth, GstRTSPContext *ctx)
{
	CamAuth *a = (CamAuth *)auth;

	gst_rtsp_message_take_header(ctx->response, GST_RTSP_HDR_WWW_AUTHENTICATE,
		g_strdup_printf("Digest realm=\"%s\", nonce=\"%s\", algorithm=%s, qop=\"auth\"",
			AUTH_REALM, a->nonce, a->algorithm));
}

static void cam_auth_finalize(GObject *object)
{
	CamAuth *a = (CamAuth *)object;

	g_free(a->user);
	g_free(a->password);
	g_free(a->nonce);
	G_OBJECT_CLASS(cam_auth_parent_class)->finalize(object);
}

static void cam_auth_class_init(CamAuthClass *klass)
{
	GST_RTSP_AUTH_CLASS(klass)->authenticate = cam_auth_authenticate;
	GST_RTSP_AUTH_CLASS(klass)->generate_authenticate_header = cam_auth_challenge;
	G_OBJECT_CLASS(klass)->finalize = cam_auth_finalize;
}

static void cam_auth_init(CamAuth *a)
{
	a->nonce = g_strdup_printf(
		"%08x%08x%08x%08x", g_random_int(), g_random_int(), g_random_int(), g_random_int());
}

static GstRTSPAuth *auth_make_md5(const char *user, const char *password)
{
	GstRTSPAuth *auth = gst_rtsp_auth_new();
	GstRTSPToken *token = viewer();

	gst_rtsp_auth_set_supported_methods(auth, GST_RTSP_AUTH_DIGEST);
	gst_rtsp_auth_add_digest(auth, user, password, token);
	gst_rtsp_token_unref(token);
	return auth;
}

static GstRTSPAuth *auth_make_basic(const char *user, const char *password)
{
	GstRTSPAuth *auth = gst_rtsp_auth_new();
	GstRTSPToken *token = viewer();
	char *basic = gst_rtsp_auth_make_basic(user, password);

	gst_rtsp_auth_set_supported_methods(auth, GST_RTSP_AUTH_BASIC);
	gst_rtsp_auth_add_basic(auth, basic, token);
	gst_rtsp_token_unref(token);
	g_free(basic);
	return auth;
}

GstRTSPAuth *auth_make_open(void)
{
	GstRTSPAuth *auth = gst_rtsp_auth_new();
	GstRTSPToken *token = viewer();

	gst_rtsp_auth_set_default_token(auth, token);
	gst_rtsp_token_unref(token);
	return auth;
}

GstRTSPAuth *auth_make(const char *how, const char *user, const char *password)
{
	CamAuth *a;

	if (!strcmp(how, "md5"))
		return auth_make_md5(user, password);
	if (!strcmp(how, "basic"))
		return auth_make_basic(user, password);
	if (strcmp(how, "md5-sess") && strcmp(how, "sha256"))
		return NULL;
	a = g_object_new(cam_auth_get_type(), NULL);
	a->session = !strcmp(how, "md5-sess");
	a->hash = a->session ? G_CHECKSUM_MD5 : G_CHECKSUM_SHA256;
	a->algorithm = a->session ? "MD5-sess" : "SHA-256";
	a->user = g_strdup(user);
	a->password = g_strdup(password);
	return GST_RTSP_AUTH(a);
}
