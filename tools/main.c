/* SPDX-License-Identifier: Apache-2.0 */
/* tools/main.c - finds the row, parses, calls, exits. */
#include "engine/spelling.h"
#include "tools/help.h"
#include "tools/options.h"
#include "tools/term.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int unknown_command(const char *word)
{
    const char *names[64];
    int n = 0;
    for (const qn_command *c; n < 64 && (c = qn_command_at(n)) != NULL; n++)
        names[n] = c->name;
    const char *near = qn_nearest(word, names, n);
    fprintf(stderr, "quern: no command '%s'%s%s%s (quern help lists them)\n", word,
            near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    return 2;
}

static int run(const qn_command *command, int n, const char *const *words)
{
    qn_mem mem;
    qn_args args;
    int code = 2;
    qn_mem_init(&mem, NULL, 0);
    if (qn_args_parse(&args, command, n, words, &mem)) {
        if (args.wants_help) qn_help_print(stdout, command);
        code = args.wants_help ? 0 : command->run(&args);
    }
    qn_args_done(&args);
    return code;
}

/* The options that stand without a command are commands too. */
static const char *command_word(const char *word)
{
    if (!strcmp(word, "--help") || !strcmp(word, "-h")) return "help";
    return strcmp(word, "--version") ? word : "version";
}

int main(int argc, char **argv)
{
    const char **words = (const char **)argv + 1;
    int n_words = 0, code = 2;
    qn_interrupt_install();
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a write error below */
    if (argc < 2) {
        qn_help_overview(stderr);
    } else {
        words[0] = command_word(words[0]);
        const qn_command *c = qn_command_find(argc - 1, words, &n_words);
        code =
            c ? run(c, argc - 1 - n_words, words + n_words) : unknown_command(words[0]);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "quern: stdout: cannot be written to\n");
        if (code == 0) code = 1;
    }
    exit(code);
}
