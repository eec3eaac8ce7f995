#!/bin/sh
# Every file that ARCHITECTURE.md names exists, and everybody includes what it says that he sees.
set -eu
top=${srcdir:-.}
bad=0
for f in $(grep -o '`[A-Za-z0-9_.-]*/[A-Za-z0-9_./-]*`' "$top/ARCHITECTURE.md" | tr -d '`' | sort -u); do
	[ -e "$top/$f" ] || { echo "ARCHITECTURE.md names $f, which does not exist"; bad=1; }
done

# What a folder may not include: its includes of our own folders but for those that match.
sees() {
	[ -d "$top/$1" ] || { echo "$1 does not exist"; bad=1; return; }
	strangers=$(grep -rnE '#include "(clients|common|mux)/' "$top/$1" | grep -vE "\"($2)" || true)
	[ -z "$strangers" ] || { echo "$1 may see $2 only:"; echo "$strangers"; bad=1; }
}

sees common 'common/'
sees mux/link 'common/|mux/link/'
for role in broker daemon decode ingest resolve; do
	sees "mux/$role" "common/|mux/link/|mux/$role/|mux/[a-z_]*\.h\""
done
sees clients/lib 'common/|clients/lib/'
# What knows nothing of the mux.
plain='common/(breakage|clock|lexer|limits|number)\.h"'
for client in dump gst key picture program screen view wall; do
	sees "clients/$client" "$plain|clients/($client|key|picture|program|screen|wlroots)/"
done
# What others copy.
sees clients/examples 'none'
sees clients/wlroots 'clients/(screen|wlroots)/'
exit $bad
