/* ingest and decode as a pair's tests have them: which of their ways, the camera's name says. */
#ifndef FRAMEMUX_TESTS_PAIR_ROLES_H
#define FRAMEMUX_TESTS_PAIR_ROLES_H

/* For main: the exit code of a role, when the program was started as one; else -1. */
int pair_roles_play(int argc, char **argv);

#endif
