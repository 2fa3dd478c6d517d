/* SPDX-License-Identifier: Apache-2.0 */
/* formats/evaluation_files.c - the files of an evaluation, from one table: what each is
 * called and who fills it; see evaluation.h. */
#include "engine/os.h"
#include "formats/csv_write.h"
#include "formats/evaluation.h"
#include "formats/files.h"

typedef void rows_fn(const qn_evaluation *e, qn_csv *csv);

static void class_cell(qn_csv *csv, const qn_evaluation *e, int k)
{
    char room[QN_CLASS_TEXT];
    qn_csv_text(csv, k < 0 ? NULL : qn_class_name(e->classes, k, room));
}

/* A row per label, a column per answer. */
static void confusion(const qn_evaluation *e, qn_csv *csv)
{
    const qn_metrics *m = &e->metrics;
    qn_csv_text(csv, "label");
    for (int k = 0; k < m->n_classes; k++)
        class_cell(csv, e, k);
    qn_csv_end(csv);
    for (int i = 0; i < m->n_classes; i++) {
        class_cell(csv, e, i);
        for (int k = 0; k < m->n_classes; k++)
            qn_csv_int(csv, m->confusion[(int64_t)i * m->n_classes + k]);
        qn_csv_end(csv);
    }
}

static void per_class(const qn_evaluation *e, qn_csv *csv)
{
    qn_csv_header(csv, "class,n,predicted,hits,precision,recall,f1,roc_auc,"
                       "average_precision");
    for (int k = 0; k < e->metrics.n_classes; k++) {
        const qn_class_metrics *c = &e->metrics.classes[k];
        class_cell(csv, e, k);
        qn_csv_int(csv, c->n);
        qn_csv_int(csv, c->n_predicted);
        qn_csv_int(csv, c->n_hits);
        qn_csv_real(csv, c->precision);
        qn_csv_real(csv, c->recall);
        qn_csv_real(csv, c->f1);
        qn_csv_real(csv, c->roc_auc);
        qn_csv_real(csv, c->average_precision);
        qn_csv_end(csv);
    }
}

static void predictions(const qn_evaluation *e, qn_csv *csv)
{
    char room[QN_ITEM_TEXT];
    qn_csv_header(csv, "item,label,predicted,p,correct,p_label");
    for (int64_t i = 0; i < e->predictions.n; i++) {
        const qn_outcome *o = &e->metrics.outcomes[i];
        const bool is_known = o->label >= 0;
        qn_csv_text(csv, qn_item_name(e->set, e->item[i], room));
        class_cell(csv, e, o->label);
        class_cell(csv, e, o->predicted);
        qn_csv_single(csv, (float)o->confidence);
        qn_csv_text(csv, !is_known ? NULL : o->rank == 0 ? "1" : "0");
        if (is_known)
            qn_csv_single(csv, (float)o->p_label);
        else
            qn_csv_text(csv, NULL);
        qn_csv_end(csv);
    }
}

static void bin_rows(qn_csv *csv, const char *kind, const qn_bin *bins)
{
    for (int b = 0; b < QN_BINS; b++) {
        qn_csv_text(csv, kind);
        qn_csv_real(csv, bins[b].lo);
        qn_csv_real(csv, bins[b].hi);
        qn_csv_int(csv, bins[b].n);
        qn_csv_real(csv, bins[b].confidence);
        qn_csv_real(csv, bins[b].accuracy);
        qn_csv_end(csv);
    }
}

static void reliability(const qn_evaluation *e, qn_csv *csv)
{
    qn_csv_header(csv, "bins,lo,hi,n,confidence,accuracy");
    bin_rows(csv, "equal_width", e->metrics.width);
    bin_rows(csv, "equal_mass", e->metrics.mass);
}

static void slices(const qn_evaluation *e, qn_csv *csv)
{
    qn_csv_text(csv, "column");
    qn_csv_text(csv, "value");
    qn_csv_text(csv, "n");
    for (int f = 0; f < QN_N_FIGURES; f++)
        qn_csv_text(csv, qn_figure_at((qn_figure)f)->key);
    qn_csv_end(csv);
    for (int i = 0; i < e->n_slices; i++) {
        const qn_slice *s = &e->slices[i];
        qn_csv_text(csv, s->column);
        qn_csv_text(csv, s->value);
        qn_csv_int(csv, s->metrics.n);
        for (int f = 0; f < QN_N_FIGURES; f++)
            qn_csv_real(csv, s->metrics.figure[f]);
        qn_csv_end(csv);
    }
}

static const struct {
    const char *name;
    rows_fn *rows;
} tables[] = {
    {"confusion", confusion},     {"per_class", per_class},
    {"predictions", predictions}, {"reliability", reliability},
    {"slices", slices},
};
#define N_TABLES (sizeof tables / sizeof tables[0])

typedef struct target {
    const char *folder, *suffix;
    qn_arena *arena;
    qn_buf out;
} target;

/* Ends a file: what was filled in goes to the folder, and the buffer is empty again. */
static quern_status put(target *t, const char *name, const char *ending,
                        quern_error *err)
{
    char path[QN_PATH_MAX];
    QN_TRY(qn_buf_status(&t->out, err));
    QN_TRY(qn_path_format(path, err, "%s/%s%s.%s", t->folder, name, t->suffix, ending));
    const quern_status status = qn_file_replace(path, t->out.p, t->out.n, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    qn_buf_clear(&t->out);
    return status;
}

static quern_status write_all(const qn_evaluation *e, target *t, quern_error *err)
{
    qn_json j;
    QN_TRY(qn_dir_make(t->folder, err));
    qn_json_begin(&j, &t->out);
    QN_TRY(qn_evaluation_json(e, &j, t->arena, err));
    qn_json_end(&j);
    QN_TRY(put(t, "report", "json", err));
    for (size_t i = 0; i < N_TABLES; i++) {
        qn_csv csv;
        if (tables[i].rows == slices && e->n_slices == 0) continue;
        qn_csv_begin(&csv, &t->out);
        tables[i].rows(e, &csv);
        QN_TRY(put(t, tables[i].name, "csv", err));
    }
    return QUERN_OK;
}

quern_status qn_evaluation_write(const qn_evaluation *e, const char *folder,
                                 const char *suffix, qn_mem *mem, quern_error *err)
{
    qn_arena arena;
    target t = {.folder = folder, .suffix = suffix, .arena = &arena};
    qn_arena_init(&arena, mem);
    qn_buf_init(&t.out, mem);
    const quern_status status = write_all(e, &t, err);
    qn_buf_done(&t.out);
    qn_arena_done(&arena);
    return status;
}
