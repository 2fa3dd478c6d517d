/* SPDX-License-Identifier: Apache-2.0 */
/* tools/help.h - the option tables as text: help, man pages, shell completion. */
#ifndef QN_TOOLS_HELP_H
#define QN_TOOLS_HELP_H

#include "tools/command.h"

#include <stdio.h>

void qn_help_overview(FILE *to);
void qn_help_print(FILE *to, const qn_command *command);
void qn_help_man(FILE *to, const qn_command *command); /* roff; NULL: of quern itself */
void qn_help_bash(FILE *to);                           /* completion of everything */

#endif
