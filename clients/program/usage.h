/* A command line that cannot be done. */
#ifndef FRAMEMUX_PROGRAM_USAGE_H
#define FRAMEMUX_PROGRAM_USAGE_H

/* Says "PROGRAM: WHAT: VALUE", or without value (NULL), and where help is. EXIT_USAGE. */
int usage_error(const char *program, const char *what, const char *value);

#endif
