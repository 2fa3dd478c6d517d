/* SPDX-License-Identifier: Apache-2.0 */
/* tools/trainer_files.c - checkpoints as safetensors, networks as ONNX. */
#include "tools/trainer_files.h"

#include "engine/os.h"
#include "formats/files.h"
#include "formats/onnx_export.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the arrays ---- */

enum { N_ARRAYS = 5 };
static const char *const array_names[N_ARRAYS] = {"weight", "moment0", "moment1",
                                                  "held", "average"};

static float **array_at(qn_trained *t, int k)
{
    float **const arrays[N_ARRAYS] = {&t->data, &t->moment[0], &t->moment[1], &t->held,
                                      &t->average};
    return arrays[k];
}

static quern_status gather_arrays(qn_trainer *trainer, qn_arena *arena,
                                  qn_safetensors *file, quern_error *err)
{
    void *p;
    const int n = qn_trainer_n(trainer);
    QN_TRY(qn_arena_array(arena, (size_t)n * N_ARRAYS, sizeof *file->tensors, &p, err));
    file->tensors = p;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < N_ARRAYS; k++) {
            qn_trained *t = qn_trainer_at(trainer, i);
            float *data = *array_at(t, k);
            char name[512];
            if (!data) continue;
            qn_named_tensor *one = &file->tensors[file->n_tensors++];
            snprintf(name, sizeof name, "%s/%s", array_names[k], t->name);
            QN_TRY(qn_arena_text(arena, name, strlen(name), &one->name, err));
            qn_set_shape(&one->t, QUERN_FLOAT, t->rank, t->dim);
            one->t.data = data;
        }
    return QUERN_OK;
}

quern_status qn_checkpoint_arrays(const qn_safetensors *file, qn_trainer *trainer,
                                  quern_error *err)
{
    char name[512];
    for (int i = 0; i < qn_trainer_n(trainer); i++)
        for (int k = 0; k < N_ARRAYS; k++) {
            qn_trained *t = qn_trainer_at(trainer, i);
            float *data = *array_at(t, k);
            if (!data) continue;
            snprintf(name, sizeof name, "%s/%s", array_names[k], t->name);
            const qn_tensor *from = qn_safetensors_find(file, name);
            if (!from || from->dtype != QUERN_FLOAT || qn_tensor_count(from) != t->n)
                return qn_fail(err, QUERN_INVALID,
                               "it is of another network: %s '%s' of %lld numbers",
                               from ? "it has other dims for" : "it lacks", name,
                               (long long)t->n);
            memcpy(data, from->data, (size_t)t->n * sizeof(float));
        }
    return QUERN_OK;
}

/* ---- the numbers, as text ---- */

/* Reals as the bits they are. */
static quern_status number_text(qn_arena *arena, const qn_run_number *row,
                                const char **out, quern_error *err)
{
    char text[24];
    uint64_t bits;
    memcpy(&bits, row->real ? (const void *)row->real : row->whole, sizeof bits);
    if (row->real)
        snprintf(text, sizeof text, "%016" PRIx64, bits);
    else
        snprintf(text, sizeof text, "%" PRId64, *row->whole);
    return qn_arena_text(arena, text, strlen(text), out, err);
}

static quern_status read_number(const qn_safetensors *file, const qn_run_number *row,
                                quern_error *err)
{
    char *end = NULL;
    const char *text = qn_safetensors_text(file, row->key);
    if (text && row->whole) *row->whole = strtoll(text, &end, 10);
    if (text && row->real) {
        const uint64_t bits = strtoull(text, &end, 16);
        memcpy(row->real, &bits, sizeof bits);
    }
    if (text && end != text && *end == 0) return QUERN_OK;
    return qn_fail(err, QUERN_FORMAT, "its metadata has no number '%s'", row->key);
}

quern_status qn_checkpoint_numbers(const qn_safetensors *file, const qn_run_number *row,
                                   int n, quern_error *err)
{
    for (int i = 0; i < n; i++)
        QN_TRY(read_number(file, &row[i], err));
    return QUERN_OK;
}

/* ---- a checkpoint ---- */

quern_status qn_checkpoint_bytes(const qn_checkpoint *c, qn_arena *arena, qn_buf *out,
                                 quern_error *err)
{
    void *p;
    qn_safetensors file = {0};
    QN_TRY(gather_arrays(c->trainer, arena, &file, err));
    QN_TRY(qn_arena_array(arena, (size_t)c->n_numbers + 1, sizeof *file.metadata, &p,
                          err));
    file.metadata = p;
    for (int i = 0; i < c->n_numbers; i++) {
        qn_safe_pair *pair = &file.metadata[file.n_metadata++];
        pair->key = c->numbers[i].key;
        QN_TRY(number_text(arena, &c->numbers[i], &pair->value, err));
    }
    if (c->key) file.metadata[file.n_metadata++] = (qn_safe_pair){c->key, c->text};
    return qn_safetensors_write(out, &file, err);
}

quern_status qn_checkpoint_save(const char *folder, const qn_buf *bytes,
                                bool drops_last, quern_error *err)
{
    char next[QN_PATH_MAX], last[QN_PATH_MAX], previous[QN_PATH_MAX];
    QN_TRY(qn_buf_status(bytes, err));
    QN_TRY(qn_path_format(last, err, "%s/checkpoint/last.safetensors", folder));
    QN_TRY(qn_path_format(previous, err, "%s/checkpoint/previous.safetensors", folder));
    QN_TRY(qn_path_format(next, err, "%s/checkpoint/next.safetensors", folder));
    const quern_status status = qn_file_replace(next, bytes->p, bytes->n, err);
    if (status != QUERN_OK) qn_within(err, "%s", next);
    QN_TRY(status);
    if (qn_file_is_there(last) && !drops_last)
        QN_TRY(qn_file_move(last, previous, err));
    return qn_file_move(next, last, err);
}

/* ---- the network ---- */

quern_status qn_trainer_export(const qn_trainer *trainer, quern_model *raw, qn_mem *mem,
                               qn_buf *out, quern_error *err)
{
    void *p;
    const int n = qn_trainer_n(trainer);
    QN_TRY(qn_mem_alloc(mem, (size_t)n * sizeof(qn_export_weight), &p, err));
    qn_export_weight *w = p;
    for (int k = 0; k < n; k++) {
        const qn_trained *t = qn_trainer_at(trainer, k);
        w[k] = (qn_export_weight){t->name, t->average ? t->average : t->data, t->n};
    }
    const quern_status status = qn_export_weights(raw, w, n, err);
    qn_mem_free(mem, p, (size_t)n * sizeof *w);
    return status == QUERN_OK ? qn_onnx_write(out, raw, err) : status;
}
