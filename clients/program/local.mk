# What programs share that a person starts: how they begin and end. Sees the installed header only.
noinst_LTLIBRARIES += libprogram.la
libprogram_la_SOURCES = \
	clients/program/begin.c clients/program/begin.h \
	clients/program/exit_code.c clients/program/exit_code.h \
	clients/program/usage.c clients/program/usage.h
