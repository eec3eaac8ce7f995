/* The table of framemuxctl's commands. */
#include "clients/ctl/verbs.h"

#include <stddef.h>

#define LIMITS_HELP                                                                                \
	"      --unit UNIT        only processes of this unit: the whole path of its cgroup,\n"    \
	"                         as /system.slice/hub.service\n"                                  \
	"      --max-size WxH     pictures no larger than this\n"                                  \
	"      --max-fps N        at most N frames a second\n"                                     \
	"      --mask X,Y,WxH     black out a rectangle of the camera's own pixels; repeatable\n"  \
	"      --label TEXT       who or what it is for, as status and the audit show it\n"

const struct verb verbs[] = {
	{"status", "[--watch]",
		"Show the mux, its cameras and leases.\n"
		"      --watch            again every second\n",
		"w", 0, verb_status},
	{"grant", "--camera NAME [LIMIT]...",
		"Print one token on standard output and nothing else.\n"
		"      --camera NAME      the camera it is for\n"
		"      --uid UID          who may use it (default: the caller)\n"
		"      --expires DUR      valid for so long, or never (default 24h)\n"
		"      --dump             permits saving pictures (framemux-dump)\n" LIMITS_HELP,
		"cuUzfemld", 0, verb_grant},
	{"attenuate", "[-k FILE] [LIMIT]...",
		"Print a narrower token, made offline from one; it can do what both permit.\n"
		"  -k, --key FILE         the token (else $FRAMEMUX_TOKEN, else standard input)\n"
		"      --camera NAME      of a file with several tokens, the one for this camera\n"
		"      --uid UID          refused unless it is the token's own\n"
		"      --expires DUR      valid for so long from now, not longer than before\n"
		"      --no-dump          no saving of pictures\n" LIMITS_HELP,
		"kcuUzfemlD", 0, verb_attenuate},
	{"inspect", "[-k FILE] [--camera NAME]",
		"Show what a token says, offline. Whether it is genuine only the mux can tell.\n"
		"  -k, --key FILE         the token (else $FRAMEMUX_TOKEN, else standard input)\n"
		"      --camera NAME      of a file with several tokens, the one for this camera\n",
		"kc", 0, verb_inspect},
	{"revoke", "ID | --camera NAME | --uid UID | --all",
		"End a lease, or a token with all narrowed from it and their leases, for good.\n"
		"Returns when the pictures are erased. ID: from status, grant --json or inspect.\n"
		"      --camera NAME      every token issued so far for this camera\n"
		"      --uid UID          every token issued so far to this user\n"
		"      --all              every token issued so far\n"
		"A standing grant whose token is killed gets a new one at the next reload.\n",
		"cua", 1, verb_revoke},
	{"key", "show | rotate | retire",
		"The root keys with which tokens are made.\n"
		"  show                   their ids, and since when\n"
		"  rotate                 make a new one: tokens are made with it from now on, and "
		"the\n"
		"                         token files are written anew; tokens of the key before "
		"stay good\n"
		"  retire                 end the key before the newest, all its tokens and their "
		"leases;\n"
		"                         returns when the pictures are erased\n",
		"", 1, verb_key},
	{"accept", "--camera NAME | --state",
		"Accept what the camera calls itself now: forget its fingerprint and lift the "
		"block\n"
		"by pin or fingerprint.\n"
		"      --camera NAME      the camera\n"
		"      --state            accept that the state folder was rolled back, as status "
		"says:\n"
		"                         grant again\n",
		"cy", 0, verb_accept},
	{"reload", "",
		"Read the configuration again: all of it is put in force, or nothing is changed.\n"
		"Prints what changed. What is not touched loses no frame; leases of what was "
		"changed "
		"or\n"
		"removed have ended when it returns.\n",
		"", 0, verb_reload},
	{"disable", "--camera NAME | --vendor NAME | --uid UID",
		"The kill switch. Returns when its processes are gone and the pictures erased; "
		"lasts\n"
		"over restarts until it is enabled. Works without the broker, too.\n"
		"      --camera NAME      the camera is disconnected, and not connected to any "
		"more\n"
		"      --vendor NAME      every camera of this vendor, those to come too\n"
		"      --uid UID          this user's leases end, and it gets none\n",
		"cuv", 0, verb_disable},
	{"enable", "--camera NAME | --vendor NAME | --uid UID",
		"Lift what disable has set; a camera may still be off by its vendor, or blocked.\n"
		"      --camera NAME      the camera\n"
		"      --vendor NAME      the vendor\n"
		"      --uid UID          the user\n",
		"cuv", 0, verb_enable},
	{"audit", "[FILTER]... | verify [FILE] | report --camera NAME --at T [FILE]",
		"Who saw what, and when; is the log whole (65 when not); in sentences.\n"
		"      --camera NAME      records of this camera\n"
		"      --uid UID          of this user\n"
		"      --since T          not older; T: RFC 3339, or so long ago (2h)\n"
		"      --until T          not newer\n"
		"      --follow           and what comes, until it is ended\n"
		"      --at T             report: who could see the camera then, who did\n"
		"      --anchor FILE      verify, report: a copy of what state_anchor has kept\n"
		"FILE: a copy of the log, one segment or a folder of them; else the mux's own. "
		"--json "
		"prints\n"
		"the records themselves.\n",
		"cuSTFAn", 2, verb_audit},
	{"watch", "[--camera NAME]",
		"What happens, as it happens, a JSON object a line: time, event, camera, lease,\n"
		"uid, pid, reason. First what is, up to the event now; then what changes, until\n"
		"it is ended. A lease is opened before its first picture can be seen, and closed\n"
		"when all is erased.\n"
		"      --camera NAME      only what concerns this camera\n",
		"c", 0, verb_watch},
	{"policy", "apply FILE | show",
		"A fleet's signed policy (framemux-policy(7)). apply: in force, with what it "
		"blocks\n"
		"blind and gone, when this returns; or refused (77; 65: that is no policy), and "
		"nothing\n"
		"has changed. FILE may be -, standard input. show: what is in force, who has "
		"signed\n"
		"it, and which cameras it blocks.\n",
		"", 2, verb_policy},
	{"snapshot", "CAMERA [-k FILE] [-o FILE] [--timeout SEC]",
		"Save one picture as png: one that arrived after this was asked, or none.\n"
		"  -k, --key FILE         the token (else $FRAMEMUX_TOKEN, else standard input);\n"
		"                         it has to permit saving pictures\n"
		"  -o, --output FILE      the file, whole or not at all (default: standard "
		"output)\n"
		"      --timeout SEC      how long to wait for it (default 10)\n"
		"--json prints what was saved. The mux is asked on $FRAMEMUX_SOCKET, else on the\n"
		"socket client.sock beside the control socket that was named, else the default.\n",
		"kot", 1, verb_snapshot},
	{"metrics", "",
		"What status shows, as OpenMetrics text for a collector (its textfile, or a "
		"socket\n"
		"of its own). No series names a token, a lease or a label.\n",
		"", 0, verb_metrics},
	{"check", "[SECONDS]",
		"Try the guarantees on this machine, for so many seconds (10), in a mux of its "
		"own\n"
		"with pattern cameras; no other mux is touched. Clients that look at every block "
		"of\n"
		"every frame join and leave, and are stopped, killed and revoked; so are "
		"decoders.\n"
		"70 when a guarantee did not hold.\n",
		"", 1, verb_check},
	{0},
};
