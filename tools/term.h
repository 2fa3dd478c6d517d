/* SPDX-License-Identifier: Apache-2.0 */
/* tools/term.h - the terminal and the interrupt key.  The library installs no handler;
 * the program does, once, and hands the library a cancel callback. */
#ifndef QN_TOOLS_TERM_H
#define QN_TOOLS_TERM_H

#include <stdbool.h>
#include <stdio.h>

bool qn_term_is_tty(FILE *stream);
int qn_term_width(FILE *stream);       /* columns; 80 where there is no terminal */
bool qn_term_has_colour(FILE *stream); /* a terminal that takes 24-bit colour */

/* The first SIGINT or SIGTERM asks the work to stop; the second ends the program. */
void qn_interrupt_install(void);
void qn_interrupt_default(void); /* for child processes */
int qn_interrupted(void *ctx);   /* a quern_cancel_fn */

#endif
