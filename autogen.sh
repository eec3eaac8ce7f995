#!/bin/sh
# Makes configure and the Makefile.in files. Needs autoconf, automake, libtool, autoconf-archive, pkg-config.
set -e
cd "$(dirname "$0")"
exec autoreconf --install --force --warnings=all
