#!/bin/sh
# The manual says what the programs say: options, commands, configuration keys, messages and caveats
# are compared both ways; mandoc finds nothing to warn of; the example configuration is accepted.
set -eu
top=${srcdir:-.}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
bad=0

same() { # WHAT CODE PAGE: two sorted lists, and neither empty
	sort -u "$2" >"$tmp/code"
	sort -u "$3" >"$tmp/page"
	if [ ! -s "$tmp/code" ] || ! diff -u "$tmp/code" "$tmp/page"; then
		echo "$1: the program (-) and the manual (+) differ"
		bad=1
	fi
}

# "VERB OPTION" of a page's lists of options; VERB is - outside of a command.
page_options() {
	awk '$1 == ".It" && $2 == "Cm" { verb = $3; print verb, "command" }
		$1 == ".Sh" { verb = "-" }
		$1 == ".It" && $2 == "Fl" {
			for (i = 2; i < NF; i++) {
				if ($i != "Fl")
					continue
				if ($(i + 1) == "Fl") { print verb, "--" $(i + 2); i += 2 }
				else print verb, "-" $(i + 1)
			}
		}' "$1"
}
# The same of a --help text: options begin a line and end before two blanks.
help_options() { # VERB
	sed -n 's/^ \{2,6\}\(-.*\)$/\1/p' | sed 's/   *.*//' | tr ', ' '\n\n' |
		sed -n "s/^--\{0,1\}[a-zA-Z].*/$1 &/p"
}

for page in "$top"/man/*.[18]; do
	name=$(basename "${page%.*}")
	[ "$name" != framemuxctl ] || continue # below: it has commands
	[ -x "./$name" ] || { echo "no $name in this build: its page is not compared"; continue; }
	./"$name" --help | help_options - >"$tmp/help"
	page_options "$page" >"$tmp/options"
	same "$name --help" "$tmp/help" "$tmp/options"
done

./framemuxctl --help >"$tmp/all"
help_options - <"$tmp/all" >"$tmp/help"
for verb in $(sed -n 's/^  \([a-z]\{3,\}\).*/\1/p' "$tmp/all"); do
	echo "$verb command" >>"$tmp/help"
	./framemuxctl "$verb" --help | help_options "$verb" >>"$tmp/help"
done
page_options "$top/man/framemuxctl.1" >"$tmp/options"
same "framemuxctl --help" "$tmp/help" "$tmp/options"

# framemux-wall's configuration: the same of its keys, each shown by the example.
awk '/^static cfg_opt_t/ { section = $3; sub(/_opts.*/, "", section) }
	/^\tCFG_STR\("/ { split($0, part, "\""); print section, part[2] }' \
	"$top/clients/wall/config.c" >"$tmp/keys"
awk '$1 == ".Ss" { section = tolower($2) }
	$1 == ".Sh" { section = "" }
	section && $1 == ".It" && $2 == "Ic" { print section, $3 }' "$top/man/framemux-wall.1" >"$tmp/documented"
same "wall.conf" "$tmp/keys" "$tmp/documented"
for key in $(sed 's/.* //' "$tmp/keys"); do
	grep -q "\<$key *=" "$top/data/wall.conf" || { echo "data/wall.conf does not show $key"; bad=1; }
done

# Keys of the configuration: "SECTION KEY".
awk '/^static cfg_opt_t/ { section = $3; sub(/_opts.*/, "", section) }
	/^\tCFG_(STR|STR_LIST|SEC)\("/ { split($0, part, "\""); print section, part[2] }' \
	"$top/mux/daemon/config/config.c" >"$tmp/keys"
awk '$1 == ".Ss" { section = tolower($2) }
	$1 == ".Sh" { section = "" }
	section && $1 == ".It" && $2 == "Ic" { print section, $3 }' "$top/man/framemux.conf.5" >"$tmp/documented"
same "framemux.conf" "$tmp/keys" "$tmp/documented"
sed -n 's/^#\(	*[a-z_]*\) *[=" ].*/\1/p' "$top/data/framemux.conf" | tr -d '\t' >"$tmp/shown"
for key in $(sed 's/.* //' "$tmp/keys" | sort -u); do
	case $key in user | unit | tls_ca) continue ;; esac # the other one, or not built
	grep -qx "$key" "$tmp/shown" || { echo "data/framemux.conf does not show $key"; bad=1; }
done

# Messages: "NAME NUMBER", "NAME KIND FIELD" in order.
awk '/^WIRE_DEFINE\(/ { split($0, part, /[(,)] */); print part[2], part[3] }' \
	"$top/common/protocol.c" >"$tmp/messages"
awk '/^#define [A-Z_]*_FIELDS\(M, T\)/ { name = tolower($2); sub(/_fields.*/, "", name); n = 0 }
	{
		while (match($0, /M\(T, [A-Z0-9]+, [a-z_0-9]+/)) {
			split(substr($0, RSTART, RLENGTH), part, ", ")
			kind = tolower(part[2]); if (kind == "str") kind = "text"
			print name, ++n, kind, part[3]
			$0 = substr($0, RSTART + RLENGTH)
		}
	}' "$top/common/protocol.h" >>"$tmp/messages"
awk '$1 == ".It" { name = ""; n = 0 }
	$1 == ".It" && $2 == "Ic" && $4 ~ /^0x/ { name = $3; print name, $4 }
	$1 == ".Sh" || $1 == ".Ss" { name = "" }
	name && /^(u16|u32|u64|bytes\[[0-9]+\]|text\[[0-9]+\]|blob\[[0-9]+\]) / {
		kind = $1; sub(/\[.*/, "", kind); print name, ++n, kind, $2
	}' "$top/man/framemux-protocol.7" >"$tmp/described"
same "framemux-protocol" "$tmp/messages" "$tmp/described"

# Caveats: "NUMBER NAME".
sed -n 's/^	CAVEAT_\([A-Z_]*\) = \([0-9]*\),.*/\2 \1/p' "$top/common/token_private.h" |
	tr 'A-Z' 'a-z' >"$tmp/caveats"
sed -n 's/^\.It Li \([0-9]* [a-z_]*\)$/\1/p' "$top/man/framemux-capability.7" >"$tmp/described"
same "framemux-capability" "$tmp/caveats" "$tmp/described"

# Functions of the library.
sed -n 's/^[a-z].*[ *]\(framemux_[a-z_]*\)(.*/\1/p' "$top/include/framemux.h" >"$tmp/declared"
awk '$1 == ".Sh" { synopsis = $2 == "SYNOPSIS" }
	synopsis && ($1 == ".Fn" || $1 == ".Fo") { print $2 }' "$top/man/libframemux.3" >"$tmp/described"
same "libframemux" "$tmp/declared" "$tmp/described"

sed -n 's/^\(#define \)\{0,1\}	*\(FRAMEMUX_\(STATE\|OPEN\|FRAME\)_[A-Z_]*\).*/\2/p' \
	"$top/include/framemux.h" >"$tmp/declared"
sed -n 's/^\.It Dv \(FRAMEMUX_[A-Z_]*\)$/\1/p' "$top/man/libframemux.3" >"$tmp/described"
same "libframemux, names" "$tmp/declared" "$tmp/described"
awk '/^struct framemux_(request|frame) \{/ { inside = 1; next }
	/^\};/ { inside = 0 }
	inside && /^\t[a-z].*;/ {
		sub(/;.*/, ""); n = split($0, part, ",")
		for (i = 1; i <= n; i++) { sub(/\[[0-9]*\]/, "", part[i]); sub(/.*[ *\t]/, "", part[i]); print part[i] }
	}' "$top/include/framemux.h" >"$tmp/declared"
sed -n 's/^\.It Fa //p' "$top/man/libframemux.3" | tr -s ', ' '\n' >"$tmp/described"
same "libframemux, members" "$tmp/declared" "$tmp/described"

# Guarantees: the breakages that they are shown by are those of the tests. The others are of no guarantee.
grep -o -E '\b(audit|broker|clock|daemon|decode|gst|ingest|keep|kill|lib|miscount|policy|role|view|wall|watch)-[a-z-]*' \
	"$top/tests/e2e/test_breakage.py" | grep -v -x -e audit-hurry -e ingest-no-reorder \
	-e wall-captures-cameras >"$tmp/broken"
awk '$1 == ".It" { shown = $0 ~ /Sy Shown by/ }
	shown && $1 == ".Cm" { for (i = 2; i <= NF; i++) if ($i != ",") print $i }' \
	"$top/man/framemux-guarantees.7" >"$tmp/described"
same "framemux-guarantees" "$tmp/broken" "$tmp/described"

# The example, as it is and with everything in it switched on. framemuxd cannot be looked into, which
# is what a leak checker would want to do.
mkdir "$tmp/conf"
sed 's/^#\([^ ]\)/\1/' "$top/data/framemux.conf" >"$tmp/conf/on.conf"
(umask 077 && for who in porch garage; do echo secret >"$tmp/conf/$who.secret"; done)
for file in "$top/data/framemux.conf" "$tmp/conf/on.conf"; do
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 ./framemuxd -t -c "$file" ||
		{ echo "data/framemux.conf is refused"; bad=1; }
done

# Each page names each other.
for page in "$top"/man/*.[1-8]; do
	for other in "$top"/man/*.[1-8]; do
		name=$(basename "${other%.*}")
		[ "$page" = "$other" ] || grep -q "^\.Xr $name ${other##*.}" "$page" ||
			{ echo "$page does not refer to $name"; bad=1; }
	done
done

[ "$bad" = 0 ] || exit 1
if ! command -v mandoc >/dev/null; then
	echo "SKIPPED: mandoc (Debian: mandoc) is missing, the pages were not linted; all else is right"
	exit 77
fi
for page in "$top"/man/*.[1-8]; do
	mandoc -T lint -W warning "$page" || bad=1
done
exit "$bad"
