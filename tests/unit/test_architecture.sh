#!/bin/sh
# Every file that ARCHITECTURE.md names exists.
set -eu
top=${srcdir:-.}
missing=0
for f in $(grep -o '`[a-z_]*/[a-z_/]*\(\.[a-z]*\)\{0,1\}`' "$top/ARCHITECTURE.md" | tr -d '`' | sort -u); do
	[ -e "$top/$f" ] || { echo "ARCHITECTURE.md names $f, which does not exist"; missing=1; }
done
exit $missing
