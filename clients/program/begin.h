/* What every client program does first. */
#ifndef FRAMEMUX_PROGRAM_BEGIN_H
#define FRAMEMUX_PROGRAM_BEGIN_H

/*
 * Where standard input, output or error is closed, the next descriptor would take its place: the mux's
 * socket, and it would be sent what was to be printed. What stands there after this can be neither read
 * nor written.
 */
void program_begin(void);

#endif
