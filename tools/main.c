/* SPDX-License-Identifier: Apache-2.0 */
/* tools/main.c - finds the row, parses, calls, exits. */
#include "engine/spelling.h"
#include "tools/decode.h"
#include "tools/help.h"
#include "tools/options.h"
#include "tools/out.h"
#include "tools/place.h"
#include "tools/scratch.h"
#include "tools/term.h"
#include "tools/user_settings.h"

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

static bool has_limits(const qn_command *command)
{
    for (const qn_option *o = command->options; o->name; o++)
        if (!strcmp(o->name, "limit")) return true;
    return false;
}

/* Pictures are decoded in processes of their own, where there is a sandbox to keep them
 * in.  Now is when they are started: without threads, and with nothing open. */
static qn_decode *start_decoding(qn_args *args, qn_sandbox *sandbox)
{
    char why[sizeof sandbox->reason];
    qn_decode *decode;
    quern_error err;
    if (!(args->command->may & QN_MAY_DECODE) || sandbox->level == QN_SANDBOX_NONE)
        return NULL;
    const double pixels =
        has_limits(args->command) ? qn_arg_limit(args, "pixels", 0) : 0;
    const qn_decode_plan plan = qn_decode_usual(
        pixels < INT32_MAX ? (int64_t)pixels : INT32_MAX, sandbox->has_filter);
    if (qn_decode_start(&plan, args->arena.mem, &decode, &err) == QUERN_OK) {
        args->decoder = qn_decode_handle(decode);
    } else {
        snprintf(why, sizeof why, "pictures are not decoded apart: %.100s", err.text);
        qn_sandbox_lacks(sandbox, why);
    }
    return decode;
}

/* The command, from where it can do no more than its row says. */
static int run_inside(qn_args *args)
{
    qn_outputs outputs;
    qn_sandbox sandbox;
    char why[192];
    int code = 1;
    qn_outputs_find(args, &outputs);
    if (args->command->may & QN_MAY_STORE) qn_place_allow(&outputs);
    qn_scratch_begin(args, &outputs);
    qn_sandbox_enter(args->command->may, &outputs, &sandbox);
    args->sandbox = &sandbox;
    qn_decode *decode = start_decoding(args, &sandbox);
    if (args->needs_sandbox && sandbox.level != QN_SANDBOX_FULL) {
        fprintf(stderr, "quern: the sandbox is %s (--require-sandbox)\n",
                qn_sandbox_text(&sandbox, why));
    } else {
        qn_place_resolve(args);
        code = args->command->run(args);
    }
    qn_decode_stop(decode);
    qn_scratch_end(args);
    qn_outputs_tidy(&outputs);
    return code;
}

/* Settings that cannot be read are an error, since they may ask for safety; the
 * commands that can change that go on.  Returns 0 or an exit code. */
static int take_settings(qn_args *args, qn_user_settings *settings)
{
    qn_place place;
    quern_error err;
    *settings = (qn_user_settings){.text = {NULL}};
    args->settings = settings;
    if (qn_place_find(&place, NULL) == QUERN_OK &&
        qn_user_settings_load(settings, place.settings, &args->arena, &err) !=
            QUERN_OK &&
        strncmp(args->command->name, "settings", 8) != 0)
        return qn_report(NULL, &err);
    args->needs_sandbox |= qn_user_settings_flag(settings, "require-sandbox");
    if (!qn_user_settings_flag(settings, "colour")) setenv("NO_COLOR", "1", 1);
    return 0;
}

static int run_ready(qn_args *args)
{
    qn_user_settings settings;
    const int code = take_settings(args, &settings);
    return code ? code : run_inside(args);
}

static int run(const qn_command *command, int n, const char *const *words,
               bool needs_sandbox)
{
    qn_mem mem;
    qn_args args;
    qn_mem_init(&mem, NULL, 0);
    int code = qn_args_parse(&args, command, n, words, &mem);
    if (code == 0) {
        args.needs_sandbox |= needs_sandbox;
        if (args.wants_help)
            qn_help_print(stdout, command);
        else
            code = run_ready(&args);
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

static int run_words(int n, const char **words)
{
    const bool needs_sandbox = n > 1 && !strcmp(words[0], "--require-sandbox");
    int n_words = 0;
    words += needs_sandbox;
    n -= needs_sandbox;
    words[0] = command_word(words[0]);
    const qn_command *c = qn_command_find(n, words, &n_words);
    return c ? run(c, n - n_words, words + n_words, needs_sandbox)
             : unknown_command(words[0]);
}

int main(int argc, char **argv)
{
    int code = 2;
    qn_interrupt_install();
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a write error below */
    if (argc < 2)
        qn_help_overview(stderr);
    else
        code = run_words(argc - 1, (const char **)argv + 1);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "quern: stdout: cannot be written to\n");
        if (code == 0) code = 1;
    }
    exit(code);
}
