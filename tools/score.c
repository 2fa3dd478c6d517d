/* SPDX-License-Identifier: Apache-2.0 */
/* tools/score.c - see score.h. */
#include "tools/score.h"

#include "tools/out.h"

quern_status qn_score_init(qn_score *s, int n_classes, const char *const *names,
                           qn_arena *arena, quern_error *err)
{
    void *confusion;
    const size_t n = (size_t)n_classes;
    QN_TRY(qn_arena_array(arena, n, n * sizeof(int64_t), &confusion, err));
    *s = (qn_score){.n_classes = n_classes, .names = names, .confusion = confusion};
    return QUERN_OK;
}

void qn_score_add(qn_score *s, int64_t truth, const int *best, int n_best)
{
    if (truth < 0 || truth >= s->n_classes || n_best < 1) return;
    s->n++;
    s->n_top1 += best[0] == truth;
    for (int i = 0; i < n_best && i < 5; i++)
        s->n_top5 += best[i] == truth;
    s->confusion[truth * s->n_classes + best[0]]++;
}

static int64_t row_sum(const qn_score *s, int truth)
{
    int64_t n = 0;
    for (int k = 0; k < s->n_classes; k++)
        n += s->confusion[truth * s->n_classes + k];
    return n;
}

static int64_t column_sum(const qn_score *s, int answer)
{
    int64_t n = 0;
    for (int k = 0; k < s->n_classes; k++)
        n += s->confusion[k * s->n_classes + answer];
    return n;
}

static double part(int64_t a, int64_t b)
{
    return b > 0 ? (double)a / (double)b : 0;
}

void qn_score_json(const qn_score *s, qn_json *j)
{
    qn_json_int(j, "n", s->n);
    qn_json_real(j, "top1", part(s->n_top1, s->n));
    qn_json_real(j, "top5", part(s->n_top5, s->n));
    qn_json_array(j, "confusion");
    for (int i = 0; i < s->n_classes; i++) {
        qn_json_array(j, NULL);
        for (int k = 0; k < s->n_classes; k++)
            qn_json_int(j, NULL, s->confusion[i * s->n_classes + k]);
        qn_json_close(j);
    }
    qn_json_close(j);
}

void qn_score_print(const qn_score *s, qn_mem *mem, FILE *to)
{
    qn_table t;
    static const char *const heads[] = {"class", "pictures", "precision", "recall"};
    qn_table_begin(&t, mem, "lrrr");
    for (int i = 0; i < 4; i++)
        qn_table_cell(&t, "%s", heads[i]);
    for (int i = 0; i < s->n_classes; i++) {
        const int64_t right = s->confusion[i * s->n_classes + i];
        if (s->names)
            qn_table_cell(&t, "%s", s->names[i]);
        else
            qn_table_cell(&t, "%d", i);
        qn_table_cell(&t, "%lld", (long long)row_sum(s, i));
        qn_table_cell(&t, "%.3f", part(right, column_sum(s, i)));
        qn_table_cell(&t, "%.3f", part(right, row_sum(s, i)));
    }
    qn_table_print(&t, to);
    fprintf(to, "%lld of %lld pictures right: accuracy %.2f %%, top 5 %.2f %%\n",
            (long long)s->n_top1, (long long)s->n, 100 * part(s->n_top1, s->n),
            100 * part(s->n_top5, s->n));
}

#define MAX_COLUMNS (QN_TABLE_COLUMNS - 1) /* classes that a terminal has room for */

void qn_score_print_confusion(const qn_score *s, qn_mem *mem, FILE *to)
{
    static const char align[] = "lrrrrrrrrrrrrrrr";
    qn_table t;
    if (s->n_classes > MAX_COLUMNS) {
        fprintf(to, "%d classes: the confusion matrix is in --json only\n",
                s->n_classes);
        return;
    }
    qn_table_begin(&t, mem, align);
    t.n_columns = s->n_classes + 1;
    qn_table_cell(&t, "truth \\ answer");
    for (int k = 0; k < s->n_classes; k++)
        qn_table_cell(&t, "%d", k);
    for (int i = 0; i < s->n_classes; i++) {
        qn_table_cell(&t, "%d %s", i, s->names ? s->names[i] : "");
        for (int k = 0; k < s->n_classes; k++) {
            const int64_t n = s->confusion[i * s->n_classes + k];
            if (n)
                qn_table_cell(&t, "%lld", (long long)n);
            else
                qn_table_cell(&t, ".");
        }
    }
    qn_table_print(&t, to);
}
