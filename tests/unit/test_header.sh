#!/bin/sh
# The installed header compiles alone as C11 and as C++17, pedantically; the library exports what it
# declares and nothing else.
set -eu
srcdir=${srcdir:-.}
header=$srcdir/include/framemux.h
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

${CC:-cc} -std=c11 -pedantic-errors -Wall -Wextra -Werror -fsyntax-only -x c "$header"
if command -v "${CXX:-c++}" >/dev/null; then
	${CXX:-c++} -std=c++17 -pedantic-errors -Wall -Wextra -Werror -fsyntax-only -x c++ "$header"
else
	echo "no C++ compiler: C++17 not tried"
fi

lib=$(ls .libs/libframemux.so.*.*.* | head -n 1)
nm -D --defined-only "$lib" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort >"$tmp/exported"
sed -n 's/^[a-z].*[ *]\(framemux_[a-z_]*\)(.*/\1/p' "$header" | sort >"$tmp/declared"
diff -u "$tmp/declared" "$tmp/exported"
nm -D --defined-only "$lib" | awk '$2 != "A" && $3 !~ /@@FRAMEMUX_0/ { print "without version: " $3; bad = 1 }
	END { exit bad }'
