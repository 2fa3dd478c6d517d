/* SPDX-License-Identifier: Apache-2.0 */
/* tools/figures.h - the figures of an evaluation as tables for people. */
#ifndef QN_TOOLS_FIGURES_H
#define QN_TOOLS_FIGURES_H

#include "formats/evaluation.h"

#include <stdio.h>

/* names NULL: classes are numbers. */
quern_status qn_print_confusion(const qn_metrics *m, const char *const *names,
                                qn_mem *mem, FILE *to, quern_error *err);
/* A line per class; where there are many, those of the lowest F1. */
quern_status qn_print_classes(const qn_metrics *m, const char *const *names,
                              qn_arena *arena, FILE *to, quern_error *err);
void qn_print_right(const qn_metrics *m, FILE *to); /* "9271 of 10000 .. right" */
/* All that an evaluation holds. */
quern_status qn_print_evaluation(const qn_evaluation *e, qn_arena *arena, FILE *to,
                                 quern_error *err);

#endif
