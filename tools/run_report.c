/* SPDX-License-Identifier: Apache-2.0 */
/* tools/run_report.c - see run_report.h: reads a run folder back. */
#include "tools/run_report.h"

#include "engine/text.h"
#include "formats/files.h"
#include "formats/sha256.h"

#include <stdio.h>
#include <string.h>

/* ---- files ---- */

/* RUN/name as a tree, NULL when there is no such file. */
static quern_status read_tree(const char *folder, const char *name, qn_arena *arena,
                              const qn_tree **out, quern_error *err)
{
    char path[QN_PATH_MAX], *text;
    size_t n;
    *out = NULL;
    QN_TRY(qn_path_format(path, err, "%s/%s", folder, name));
    if (!qn_file_is_there(path)) return QUERN_OK;
    QN_TRY(qn_file_text(arena, path, &text, &n, err));
    const quern_status status = qn_tree_parse(arena, text, n, out, err);
    if (status != QUERN_OK) qn_within(err, "%s", path);
    return status;
}

static size_t count_lines(const char *text, size_t n)
{
    size_t lines = 0;
    for (size_t i = 0; i < n; i++)
        lines += text[i] == '\n';
    return lines + 1;
}

static quern_status read_lines(qn_run_report *r, char *text, size_t n, qn_arena *arena,
                               quern_error *err)
{
    void *rows, *history;
    const size_t most = count_lines(text, n);
    QN_TRY(qn_arena_array(arena, most, sizeof *r->rows, &rows, err));
    QN_TRY(qn_arena_array(arena, most, sizeof(qn_epoch_row), &history, err));
    r->rows = rows;
    r->report.history = history;
    for (const char *line = text; *line; line += line[0] == '\n') {
        const size_t length = strcspn(line, "\n"), i = r->report.n_history;
        if (length > 0) {
            const qn_tree *row;
            QN_TRY(qn_tree_parse(arena, line, length, &row, err));
            r->rows[i] = row;
            ((qn_epoch_row *)history)[i] = (qn_epoch_row){
                qn_tree_real(row, "epoch"),        qn_tree_real(row, "lr"),
                qn_tree_real(row, "train_loss"),   qn_tree_real(row, "train_acc"),
                qn_tree_real(row, "val_loss"),     qn_tree_real(row, "val_acc"),
                qn_tree_real(row, "images_per_s"), qn_tree_real(row, "seconds")};
            r->report.n_history++;
        }
        line += length;
    }
    return QUERN_OK;
}

static quern_status read_history(qn_run_report *r, qn_arena *arena, quern_error *err)
{
    char path[QN_PATH_MAX], *text;
    size_t n;
    QN_TRY(qn_path_format(path, err, "%s/metrics.jsonl", r->folder));
    if (!qn_file_is_there(path)) return QUERN_OK;
    QN_TRY(qn_file_text(arena, path, &text, &n, err));
    const quern_status status = read_lines(r, text, n, arena, err);
    if (status != QUERN_OK)
        qn_within(err, "%s: line %zu", path, r->report.n_history + 1);
    return status;
}

/* The epoch that the metric of the settings likes best: of equals the first. */
static double best_epoch(const qn_run_report *r)
{
    const char *metric = qn_tree_text(r->config, "metric", "top1");
    const bool is_loss = strcmp(metric, "loss") == 0;
    const char *key = is_loss                           ? "val_loss"
                      : strcmp(metric, "macro_f1") == 0 ? "val_f1"
                                                        : "val_acc";
    double best = NAN, epoch = NAN;
    for (size_t i = 0; i < r->report.n_history; i++) {
        const double value = qn_tree_real(r->rows[i], key);
        const double score = is_loss ? -value : value;
        if (isnan(score) || score <= best) continue;
        best = score;
        epoch = r->report.history[i].epoch;
    }
    return epoch;
}

/* ---- facts ---- */

typedef struct fact_list {
    qn_fact *rows;
    size_t n;
} fact_list;

static quern_status fact_room(fact_list *f, size_t n, qn_arena *arena, quern_error *err)
{
    void *rows;
    QN_TRY(qn_arena_array(arena, n, sizeof *f->rows, &rows, err));
    *f = (fact_list){rows, 0};
    return QUERN_OK;
}

static void add_fact(fact_list *f, const char *key, const char *value)
{
    if (value) f->rows[f->n++] = (qn_fact){key, value};
}

/* Settings are floats often enough: 0.9, not 0.899999976. */
static const char *number_text(char text[QN_REAL_TEXT], double value)
{
    const bool is_float = fabs(value) < 1e30 && (double)(float)value == value;
    return is_float ? qn_single_text(text, (float)value) : qn_real_text(text, value);
}

/* A value as text: lists by commas, objects not at all. */
static void put_value(qn_buf *out, const qn_tree *value)
{
    char text[QN_REAL_TEXT];
    switch (value->kind) {
    case QN_TREE_TEXT:
        qn_buf_text(out, value->text);
        break;
    case QN_TREE_BOOL:
        qn_buf_text(out, value->number != 0 ? "yes" : "no");
        break;
    case QN_TREE_NUMBER:
        qn_buf_text(out, number_text(text, value->number));
        break;
    case QN_TREE_LIST:
        for (const qn_tree *item = value->first; item; item = item->next) {
            if (item != value->first) qn_buf_text(out, ", ");
            if (item->kind != QN_TREE_LIST) put_value(out, item);
        }
        break;
    default:
        break;
    }
}

static quern_status value_text(const qn_tree *value, qn_arena *arena, const char **out,
                               quern_error *err)
{
    qn_buf text;
    qn_buf_init(&text, arena->mem);
    put_value(&text, value);
    quern_status status = qn_buf_status(&text, err);
    if (status == QUERN_OK)
        status = qn_arena_text(arena, text.n ? text.p : "", text.n, out, err);
    qn_buf_done(&text);
    return status;
}

static quern_status settings(const qn_run_report *r, qn_arena *arena, fact_list *f,
                             quern_error *err)
{
    QN_TRY(fact_room(f, r->config ? (size_t)r->config->n : 0, arena, err));
    if (!r->config) return QUERN_OK;
    for (const qn_tree *item = r->config->first; item; item = item->next) {
        const char *value;
        if (!item->key || item->kind == QN_TREE_NULL ||
            strcmp(item->key, "schema") == 0)
            continue;
        QN_TRY(value_text(item, arena, &value, err));
        add_fact(f, item->key, value);
    }
    return QUERN_OK;
}

/* SHA-256 of RUN/model.onnx, NULL without one. */
static quern_status model_digest(const char *folder, qn_arena *arena, const char **out,
                                 quern_error *err)
{
    char path[QN_PATH_MAX], hex[65];
    qn_file file;
    qn_map map;
    *out = NULL;
    QN_TRY(qn_path_format(path, err, "%s/model.onnx", folder));
    if (qn_file_open(NULL, path, &file, NULL) != QUERN_OK) return QUERN_OK;
    const bool is_mapped = qn_file_map(&file, &map, NULL) == QUERN_OK;
    qn_file_close(&file);
    if (!is_mapped) return QUERN_OK; /* it is empty */
    qn_sha256_hex(map.base, map.bytes, hex);
    qn_map_done(&map);
    return qn_arena_text(arena, hex, 64, out, err);
}

static quern_status origin(const qn_run_report *r, qn_arena *arena, fact_list *f,
                           quern_error *err)
{
    const size_t n = r->report.n_history;
    const char *digest;
    QN_TRY(fact_room(f, 6, arena, err));
    QN_TRY(model_digest(r->folder, arena, &digest, err));
    add_fact(f, "data", qn_tree_text(r->figures, "data", NULL));
    add_fact(f, "split", qn_tree_text(r->figures, "split", NULL));
    add_fact(f, "weights hash of the last epoch",
             n ? qn_tree_text(r->rows[n - 1], "weights_hash", NULL) : NULL);
    add_fact(f, "SHA-256 of model.onnx", digest);
    add_fact(f, "report by", "quern " QUERN_VERSION);
    add_fact(f, "instruction set", quern_cpu_isa());
    return QUERN_OK;
}

static quern_status read_facts(qn_run_report *r, qn_arena *arena, quern_error *err)
{
    fact_list f;
    void *p;
    QN_TRY(qn_arena_array(arena, 2, sizeof(qn_facts), &p, err));
    qn_facts *facts = p;
    size_t n = 0;
    QN_TRY(settings(r, arena, &f, err));
    if (f.n > 0) facts[n++] = (qn_facts){"Settings", f.rows, f.n};
    QN_TRY(origin(r, arena, &f, err));
    facts[n++] = (qn_facts){"Origin", f.rows, f.n};
    r->report.facts = facts;
    r->report.n_facts = n;
    return QUERN_OK;
}

/* ---- all of it ---- */

/* "fast16 on fashion-mnist", from the settings; else the folder. */
static quern_status name_it(qn_run_report *r, qn_arena *arena, quern_error *err)
{
    char text[512], part[2][QN_PATH_MAX];
    const char *net = qn_tree_text(r->config, "model", NULL);
    const char *data = qn_tree_text(r->config, "data", NULL);
    if (!net || !*net) net = qn_tree_text(r->config, "arch", NULL);
    if (!net || !data) {
        r->report.title = r->folder;
        return QUERN_OK;
    }
    const char *const full[2] = {net, data};
    for (int i = 0; i < 2; i++) { /* without folders, without a slash at the end */
        snprintf(part[i], sizeof part[i], "%s", full[i]);
        for (size_t n = strlen(part[i]); n > 1 && part[i][n - 1] == '/';)
            part[i][--n] = 0;
        const char *slash = strrchr(part[i], '/');
        if (slash && slash[1]) memmove(part[i], slash + 1, strlen(slash));
    }
    snprintf(text, sizeof text, "%.200s on %.200s", part[0], part[1]);
    return qn_arena_text(arena, text, strlen(text), &r->report.title, err);
}

quern_status qn_run_report_read(const char *folder, qn_arena *arena, qn_run_report *out,
                                quern_error *err)
{
    *out = (qn_run_report){.folder = folder};
    out->report.temperature = out->report.tempered_ece = NAN;
    QN_TRY(read_tree(folder, "config.json", arena, &out->config, err));
    QN_TRY(read_tree(folder, "report.json", arena, &out->figures, err));
    QN_TRY(read_history(out, arena, err));
    if (!out->config && !out->figures && out->report.n_history == 0)
        return qn_fail(
            err, QUERN_INVALID,
            "%s: no run folder: it has neither config.json nor metrics.jsonl "
            "nor report.json",
            folder);
    out->report.best_epoch = best_epoch(out);
    QN_TRY(name_it(out, arena, err));
    if (out->figures) {
        const quern_status status = qn_run_figures(out, arena, err);
        if (status != QUERN_OK) qn_within(err, "%s/report.json", folder);
        QN_TRY(status);
    }
    return read_facts(out, arena, err);
}

quern_status qn_run_report_write(const char *folder, const qn_evaluation *e,
                                 qn_mem *mem, quern_error *no_pictures,
                                 quern_error *err)
{
    qn_run_report r;
    qn_arena arena;
    qn_arena_init(&arena, mem);
    quern_status status = qn_run_report_read(folder, &arena, &r, err);
    if (status == QUERN_OK && e && r.report.metrics)
        status = qn_run_report_mistakes(&r, e, &arena, err);
    if (status == QUERN_OK)
        status = qn_train_report_write(&r.report, folder, mem, no_pictures, err);
    qn_arena_done(&arena);
    return status;
}
