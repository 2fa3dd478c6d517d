/* SPDX-License-Identifier: Apache-2.0 */
/* tools/options.h - a command line, parsed by the option table of its command.
 *
 * Long options take their argument as --name=ARG or --name ARG, short ones as -nARG or
 * -n ARG; flags may be joined (-qv); -- ends the options; - alone is an operand.  Every
 * command understands --help and --require-sandbox; a flag that is a setting, too, can
 * be taken back by --no-NAME.  Numbers are checked while parsing,
 * so the getters below cannot fail; asking for an option that is not in the table is a
 * bug (assert). */
#ifndef QN_TOOLS_OPTIONS_H
#define QN_TOOLS_OPTIONS_H

#include "engine/mem.h"
#include "tools/command.h"

typedef struct qn_given {
    const qn_option *option;
    const char *text; /* NULL for flags */
} qn_given;

struct qn_args {
    const qn_command *command;
    bool wants_help, needs_sandbox;
    int n_operands, n_given;
    const char **operands;
    qn_given *given;
    const struct qn_user_settings *settings; /* between what is given and defaults */
    const struct qn_sandbox *sandbox;        /* that the command runs in */
    const struct qn_decoder *decoder;        /* of pictures; NULL: this process */
    const char *scratch; /* folder for what archives unpack to, or NULL */
    qn_arena arena;      /* of the two lists */
};

/* Parses what follows the command's name: 0, or the exit code of a mistake that stderr
 * was told of.  The lists live in memory from mem until qn_args_done, which is due in
 * both cases. */
int qn_args_parse(qn_args *args, const qn_command *command, int n,
                  const char *const *words, qn_mem *mem);
void qn_args_done(qn_args *args);

bool qn_arg_flag(const qn_args *args, const char *name);
/* Or the user's setting of that name, or the default. */
const char *qn_arg_text(const qn_args *args, const char *name);
int qn_arg_count(const qn_args *args, const char *name); /* times given */
const char *qn_arg_nth(const qn_args *args, const char *name, int i);
int64_t qn_arg_int(const qn_args *args, const char *name);
double qn_arg_real(const qn_args *args, const char *name);
size_t qn_arg_size(const qn_args *args, const char *name);
/* Value of --limit NAME=VALUE, else the setting limit.NAME, else otherwise. */
double qn_arg_limit(const qn_args *args, const char *name, double otherwise);

/* "quern run: text" and where help is, on stderr; returns 2. */
int qn_usage(const qn_args *args, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Whole text as a number; false when it is none.  Sizes know K, M, G (powers of 1024).
 */
bool qn_word_int(const char *text, int64_t *out);
bool qn_word_real(const char *text, double *out);
bool qn_word_size(const char *text, size_t *out);

#endif
