# Files of tokens: for every client that is started by hand or by a file. Sees the installed header only.
noinst_LTLIBRARIES += libkey.la
libkey_la_SOURCES = clients/key/key.c clients/key/key.h
