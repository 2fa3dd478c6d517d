/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmd_help.c - quern help: the option tables as text, roff and shell code. */
#include "tools/help.h"
#include "tools/options.h"

#include <string.h>

const qn_option qn_help_options[] = {
    {"man", 0, QN_OPT_FLAG, NULL, NULL, "print the man page (roff) instead"},
    {"completion", 0, QN_OPT_TEXT, "SHELL", NULL, "print completion code for bash"},
    QN_OPTIONS_END,
};

const char qn_help_about[] =
    "Without operands: the list of commands.  With one: what --help of it says.\n"
    "\n"
    "  quern help --man run | man -l -\n"
    "  quern help --completion bash > "
    "~/.local/share/bash-completion/completions/quern\n";

int qn_cmd_help(const qn_args *args)
{
    const char *shell = qn_arg_text(args, "completion");
    const bool is_man = qn_arg_flag(args, "man");
    int n_words;
    if (shell && strcmp(shell, "bash") != 0)
        return qn_usage(args, "completion is there for bash, not for '%s'", shell);
    const qn_command *c = qn_command_find(args->n_operands, args->operands, &n_words);
    if (args->n_operands > 0 && !c)
        return qn_usage(args, "no command '%s'", args->operands[0]);
    if (shell)
        qn_help_bash(stdout);
    else if (is_man)
        qn_help_man(stdout, c);
    else if (c)
        qn_help_print(stdout, c);
    else
        qn_help_overview(stdout);
    return 0;
}
