/* A command line that cannot be done, or that asks for help. */
#ifndef FRAMEMUX_PROGRAM_USAGE_H
#define FRAMEMUX_PROGRAM_USAGE_H

/* Says "PROGRAM: WHAT: VALUE", or without value (NULL), and where help is. EXIT_USAGE. */
int usage_error(const char *program, const char *what, const char *value);

/* After a text that was asked for, on standard output: whether it arrived. EXIT_SUCCESS or EXIT_WRITE. */
int usage_said(const char *program);

#endif
