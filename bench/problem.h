/* SPDX-License-Identifier: Apache-2.0 */
/* bench/problem.h - a piece of work written on one line:
 *
 *     conv_f32:n1,ic64,h56,w56,oc64,k3x3,s1,p1,act=relu@res2a*3
 *
 * the kind, its fields, a name, and how often the piece occurs in a network.  Fields
 * that have their usual value may be left out; numbers may be lists, {1,2,8}, and
 * ranges, 1..64, 1..64+8 and 1..4096*2, and the line then stands for every combination.
 * Kinds without a type, conv: or gemm:, take the short forms of oneDNN's benchdnn:
 * conv:n1c64h56-k64r3p1:f32+bias+relu.  Files of problems: sweep.h. */
#ifndef QN_BENCH_PROBLEM_H
#define QN_BENCH_PROBLEM_H

#include "engine/mem.h"
#include "formats/buffer.h"

#include <stdbool.h>

enum {
    QN_PROBLEM_FIELDS = 16,
    QN_PROBLEM_NAME = 64,   /* bytes of a name, its zero included */
    QN_PROBLEM_TEXT = 256,  /* bytes of a problem as text */
    QN_PROBLEM_LIST = 4096, /* most problems that one line may stand for */
};

typedef enum qn_field_type {
    QN_FIELD_NUMBERS,
    QN_FIELD_FLAG,
    QN_FIELD_WORD
} qn_field_type;

typedef struct qn_problem_field {
    const char *name;
    qn_field_type type;
    int n; /* numbers: 1, 2 (rows x columns) or 4 (both ends of both) */
    int64_t least;
    int64_t otherwise; /* default; QN_NEEDED: none; QN_LIKE(i): that of field i */
    const char *words; /* of QN_FIELD_WORD: "relu clip", in the order of their values */
} qn_problem_field;
#define QN_NEEDED  INT64_MIN
#define QN_LIKE(i) (INT64_MIN + 1 + (i))

/* Another spelling of a field, or of one of its numbers (at -1: all of them). */
typedef struct qn_problem_alias {
    const char *name;
    int field, at;
} qn_problem_alias;

typedef struct qn_problem qn_problem;
typedef struct qn_truth qn_truth; /* truth.h */

typedef struct qn_problem_kind {
    const char *name, *summary;     /* "conv_f32" */
    const char *brief;              /* "conv": what short forms call it; NULL: none */
    const qn_problem_field *fields; /* name NULL ends them */
    const qn_problem_alias *aliases;
    int flag_field[2]; /* what +bias and +add of short forms set; -1: nothing */
    int act_field;     /* what +relu sets; -1: nothing */
    /* Fails when the fields do not fit together. */
    quern_status (*check)(const qn_problem *p, quern_error *err);
    /* Sizes, work and error of the problem; one result in double, with the sum of the
     * magnitudes of its terms. */
    void (*shape)(const qn_problem *p, qn_truth *truth);
    double (*at)(const qn_truth *truth, int64_t index, double *mass);
} qn_problem_kind;

struct qn_problem {
    const qn_problem_kind *kind;
    int64_t v[QN_PROBLEM_FIELDS][4];
    char name[QN_PROBLEM_NAME]; /* empty: none */
    int64_t count;
};

/* Fields that problems have unless they say else: "n8,act=relu" of a sweep file. */
typedef struct qn_problem_set {
    const char *line, *fields, *end; /* where they stand in their line */
    int number;                      /* of the line */
} qn_problem_set;

typedef struct qn_problems {
    qn_arena *arena;
    qn_problem *p;
    int n, room;
    const qn_problem_set *sets; /* for lines parsed from now on; the last one wins */
    int n_sets;
} qn_problems;

/* Every kind; NULL ends. */
extern const qn_problem_kind *const qn_problem_kinds[];

/* Adds what one line says.  Errors begin "line L, column C: ". */
quern_status qn_problem_parse(qn_problems *list, const char *text, size_t n, int line,
                              quern_error *err);
/* A copy at the end of the list. */
quern_status qn_problems_add(qn_problems *list, const qn_problem *problem,
                             quern_error *err);

/* All that the kind says, every field that is not as usual; reads back as the same.
 * with_name: name and count, too. */
const char *qn_problem_text(char text[QN_PROBLEM_TEXT], const qn_problem *p,
                            bool with_name);
/* The grammar with every kind and its fields. */
void qn_problem_help(qn_buf *out);
/* The field of that name, -1 if the kind has none. */
int qn_problem_field_of(const qn_problem_kind *kind, const char *name);

#endif
