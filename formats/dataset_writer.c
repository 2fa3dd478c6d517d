/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_writer.c - the rows of dataset_writers.def, and what they share. */
#include "formats/dataset_write.h"

#include "engine/text.h"
#include "formats/dataset_build.h"
#include "formats/json_write.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const qn_dataset_writer *const rows[] = {
#define QN_DATASET_WRITER(name) &qn_dataset_write_##name,
#include "formats/dataset_writers.def"
#undef QN_DATASET_WRITER
};
#define N_ROWS ((int)(sizeof rows / sizeof rows[0]))

const qn_dataset_writer *qn_dataset_writer_at(int i)
{
    return i >= 0 && i < N_ROWS ? rows[i] : NULL;
}

/* Whether list, "a,b", has the word. */
static bool is_listed(const char *list, const char *word)
{
    const size_t n = strlen(word);
    while (list && n) {
        const char *comma = strchr(list, ',');
        const size_t k = comma ? (size_t)(comma - list) : strlen(list);
        if (k == n && !memcmp(list, word, n)) return true;
        list = comma ? comma + 1 : NULL;
    }
    return false;
}

const qn_dataset_writer *qn_dataset_writer_find(const char *name)
{
    for (int i = 0; i < N_ROWS; i++)
        if (!strcmp(rows[i]->name, name) || is_listed(rows[i]->other_names, name))
            return rows[i];
    return NULL;
}

/* ---- what writers share ---- */

void qn_writer_loses(qn_writer *w, const char *format, ...)
{
    const size_t n = strlen(w->lost), room = sizeof w->lost;
    va_list list;
    if (n) snprintf(w->lost + n, room - n, ", ");
    va_start(list, format);
    vsnprintf(w->lost + strlen(w->lost), room - strlen(w->lost), format, list);
    va_end(list);
}

quern_status qn_writer_path(const qn_writer *w, const char *name, char out[QN_PATH_MAX],
                            quern_error *err)
{
    return qn_path_join(out, w->folder, name, err);
}

quern_status qn_writer_open(const qn_writer *w, const char *name, qn_out_file *out,
                            quern_error *err)
{
    char path[QN_PATH_MAX], folder[QN_PATH_MAX];
    *out = (qn_out_file){.fd = -1};
    QN_TRY(qn_writer_path(w, name, path, err));
    if (qn_out_create(w->plan->disk, path, QN_MODE_USUAL, out, err) == QUERN_OK)
        return QUERN_OK;
    QN_TRY(qn_path_folder(path, folder, err)); /* the first file of its folder */
    QN_TRY(qn_dir_make(folder, err));
    return qn_out_create(w->plan->disk, path, QN_MODE_USUAL, out, err);
}

quern_status qn_writer_put(const qn_writer *w, const char *name, const void *p,
                           size_t n, quern_error *err)
{
    qn_out_file out;
    QN_TRY(qn_writer_open(w, name, &out, err));
    const quern_status status = qn_out_write(&out, p, n, err);
    qn_out_close(&out); /* the stage is written down as a whole */
    return status;
}

quern_status qn_writer_is_file(qn_writer *w, quern_error *err)
{
    const char *path = w->plan->target, *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    return qn_arena_text(w->arena, base, strlen(base), &w->result, err);
}

bool qn_writer_is_numbered(const qn_writer *w)
{
    char text[16];
    for (int c = 0; c < w->set->n_classes; c++) {
        snprintf(text, sizeof text, "%d", c);
        if (strcmp(w->set->classes[c], text) != 0) return false;
    }
    return true;
}

static bool are_lines(const qn_dataset *set)
{
    for (int c = 0; c < set->n_classes; c++) {
        const char *name = set->classes[c];
        if (!*name || strpbrk(name, "\r\n")) return false;
    }
    return !strchr("[{ \t", set->classes[0][0]) &&
           strncmp(set->classes[0], "\xef\xbb\xbf", 3) != 0;
}

quern_status qn_writer_put_classes(const qn_writer *w, const char *name,
                                   quern_error *err)
{
    const qn_dataset *set = w->set;
    qn_buf text;
    qn_buf_init(&text, w->mem);
    const bool as_lines = are_lines(set);
    if (!as_lines) qn_buf_text(&text, "[");
    for (int c = 0; c < set->n_classes; c++) {
        if (as_lines) {
            qn_buf_text(&text, set->classes[c]);
            qn_buf_byte(&text, '\n');
        } else {
            qn_json_quote(&text, set->classes[c], strlen(set->classes[c]));
            qn_buf_text(&text, c + 1 < set->n_classes ? ",\n" : "]\n");
        }
    }
    quern_status status = qn_buf_status(&text, err);
    if (status == QUERN_OK) status = qn_writer_put(w, name, text.p, text.n, err);
    qn_buf_done(&text);
    return status;
}

void qn_writer_put_pairs(const qn_writer *w, int64_t item, qn_buf *out)
{
    const qn_dataset *set = w->set;
    char text[QN_REAL_TEXT];
    if (set->n_groups && set->group[item] >= 0)
        qn_json_put_pair(out, "group", set->groups[set->group[item]]);
    if (set->weight)
        qn_buf_format(out, ",\"weight\":%s", qn_single_text(text, set->weight[item]));
    for (int c = 0; c < set->n_columns; c++)
        if (set->columns[c].text[item])
            qn_json_put_pair(out, set->columns[c].name, set->columns[c].text[item]);
}

quern_status qn_writer_place_file(const qn_writer *w, const char *above,
                                  const qn_piece *piece, quern_error *err)
{
    char name[QN_PATH_MAX];
    QN_TRY(qn_path_format(name, err, "%s%s%s", above, piece->path, piece->end));
    return qn_writer_put(w, name, piece->file, piece->n_file, err);
}
