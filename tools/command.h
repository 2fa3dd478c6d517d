/* SPDX-License-Identifier: Apache-2.0 */
/* tools/command.h - what a command of the program is: a row of commands.def and a table
 * of options.  The same table parses the command line and prints --help, the man page
 * and the shell completion, so the four cannot disagree. */
#ifndef QN_TOOLS_COMMAND_H
#define QN_TOOLS_COMMAND_H

#include "engine/quern.h"

#include <stdbool.h>

/* What a command may do once its arguments are read; the sandbox is built from it. */
enum qn_may {
    QN_MAY_READ = 1,    /* files it was given */
    QN_MAY_WRITE = 2,   /* files and folders it was told to */
    QN_MAY_HELPERS = 4, /* start processes */
    QN_MAY_NETWORK = 8, /* have a helper use the network */
    QN_MAY_STORE = 16,  /* change the store */
    QN_MAY_DECODE = 64, /* have processes of its own decode pictures */
    QN_MAY_TRACE = 32   /* watch other processes: such a command stays outside */
};

typedef enum qn_opt_kind {
    QN_OPT_FLAG, /* no argument */
    QN_OPT_TEXT,
    QN_OPT_LIST, /* text; may be given more than once */
    QN_OPT_INT,
    QN_OPT_REAL,
    QN_OPT_SIZE /* bytes: 1500, 64K, 512M, 2G */
} qn_opt_kind;

/* One option: --name ARG, -letter ARG. */
typedef struct qn_option {
    const char *name; /* NULL ends a table */
    char letter;      /* 0: none */
    qn_opt_kind kind;
    const char *arg;       /* what help calls the argument; NULL for flags */
    const char *otherwise; /* text of the default; NULL: not given */
    const char *help;
} qn_option;

/* Options that mean the same everywhere; a table names those that it takes. */
#define QN_OPTION_JSON                                             \
    {                                                              \
        "json", 0, QN_OPT_FLAG, NULL, NULL, "print JSON to stdout" \
    }
#define QN_OPTION_QUIET                                                             \
    {                                                                               \
        "quiet", 'q', QN_OPT_FLAG, NULL, NULL, "no progress and no notes on stderr" \
    }
#define QN_OPTION_THREADS                                                             \
    {                                                                                 \
        "threads", 't', QN_OPT_INT, "N", "0", "threads to use; 0: the physical cores" \
    }
#define QN_OPTION_LIMIT                              \
    {                                                \
        "limit", 0, QN_OPT_LIST, "NAME=VALUE", NULL, \
            "a limit on resources: " QN_LIMIT_NAMES  \
    }
#define QN_OPTIONS_END \
    {                  \
        .name = NULL   \
    }
#define QN_LIMIT_NAMES                                                           \
    "memory (bytes, 512M), seconds (of a test), pixels (of an image), entries, " \
    "unpacked (bytes) and ratio of an archive"

typedef struct qn_args qn_args; /* a parsed command line; see options.h */

/* Does the work and returns the exit code (contract: 0 done, 1 failed, 2 usage ...). */
typedef int qn_command_fn(const qn_args *args);

typedef struct qn_command {
    const char *name;     /* one word, or two: "bench model" */
    const char *operands; /* "MODEL [IMAGE...]" */
    const char *summary;  /* one line, no full stop */
    qn_command_fn *run;
    const qn_option *options;
    const char *about; /* paragraphs for --help and the man page, ends with a newline */
    unsigned may;      /* qn_may */
} qn_command;

/* Every row of commands.def; the i-th, or NULL past the end. */
const qn_command *qn_command_at(int i);
/* The command that the words name, or NULL; *n_words: how many of them it took. */
const qn_command *qn_command_find(int n, const char *const *words, int *n_words);

#define QN_COMMAND(name, operands, fn, options, about, may, summary) \
    int fn(const qn_args *args);                                     \
    extern const qn_option options[];                                \
    extern const char about[];
#include "tools/commands.def"
#undef QN_COMMAND

#endif
