# What programs share that a person starts: how they end. Sees the installed header only.
noinst_LTLIBRARIES += libprogram.la
libprogram_la_SOURCES = \
	clients/program/exit_code.c clients/program/exit_code.h \
	clients/program/usage.c clients/program/usage.h
