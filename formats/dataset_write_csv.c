/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_write_csv.c - a folder of manifest.csv, classes.txt and images/.
 *
 *   path,label,split,group,weight,<further columns>
 *
 * Cells that a spreadsheet would run as a formula get an apostrophe in front
 * (csv_write.h), which the reader takes away again. */
#include "formats/csv_write.h"
#include "formats/dataset_build.h"
#include "formats/dataset_write.h"

typedef struct manifest {
    qn_out_file file;
    qn_buf text;
    qn_csv csv;
} manifest;

enum { FULL = 1 << 16 }; /* bytes that are written at a time */

static quern_status flush(manifest *m, size_t least, quern_error *err)
{
    QN_TRY(qn_buf_status(&m->text, err));
    if (m->text.n < least) return QUERN_OK;
    QN_TRY(qn_out_write(&m->file, m->text.p, m->text.n, err));
    qn_buf_clear(&m->text);
    return QUERN_OK;
}

static quern_status csv_begin(qn_writer *w, quern_error *err)
{
    const qn_dataset *set = w->set;
    void *room;
    QN_TRY(qn_arena_alloc(w->arena, sizeof(manifest), &room, err));
    manifest *m = room;
    m->file.fd = -1;
    qn_buf_init(&m->text, w->mem);
    qn_csv_begin(&m->csv, &m->text);
    w->state = m;
    QN_TRY(qn_writer_put_classes(w, "classes.txt", err));
    QN_TRY(qn_writer_open(w, "manifest.csv", &m->file, err));
    qn_csv_text(&m->csv, "path");
    qn_csv_text(&m->csv, "label");
    qn_csv_text(&m->csv, "split");
    if (set->n_groups) qn_csv_text(&m->csv, "group");
    if (set->weight) qn_csv_text(&m->csv, "weight");
    for (int c = 0; c < set->n_columns; c++)
        qn_csv_text(&m->csv, set->columns[c].name);
    qn_csv_end(&m->csv);
    return QUERN_OK;
}

static quern_status csv_place(const qn_writer *w, const qn_piece *piece,
                              quern_error *err)
{
    return qn_writer_place_file(w, "images/", piece, err);
}

static quern_status csv_add(qn_writer *w, const qn_piece *piece, quern_error *err)
{
    const qn_dataset *set = w->set;
    const int64_t i = piece->item;
    manifest *m = w->state;
    char path[QN_PATH_MAX];
    QN_TRY(qn_path_format(path, err, "images/%s%s", piece->path, piece->end));
    qn_csv_text(&m->csv, path);
    qn_csv_text(&m->csv, set->classes[piece->label]);
    qn_csv_text(&m->csv, qn_split_name(piece->split));
    if (set->n_groups)
        qn_csv_text(&m->csv, set->group[i] < 0 ? NULL : set->groups[set->group[i]]);
    if (set->weight) qn_csv_single(&m->csv, set->weight[i]);
    for (int c = 0; c < set->n_columns; c++)
        qn_csv_text(&m->csv, set->columns[c].text[i]);
    qn_csv_end(&m->csv);
    return flush(m, FULL, err);
}

static quern_status csv_end(qn_writer *w, quern_error *err)
{
    return flush(w->state, 0, err);
}

static void csv_done(qn_writer *w)
{
    manifest *m = w->state;
    if (!m) return;
    qn_out_close(&m->file);
    qn_buf_done(&m->text);
}

const qn_dataset_writer qn_dataset_write_csv = {
    .name = "csv",
    .other_names = "manifest",
    .about = "manifest.csv with path, label, split and all columns, and images/",
    .has_files = true,
    .carries =
        QN_CARRIES_GROUPS | QN_CARRIES_WEIGHTS | QN_CARRIES_COLUMNS | QN_CARRIES_NAMES,
    .begin = csv_begin,
    .place = csv_place,
    .add = csv_add,
    .end = csv_end,
    .done = csv_done,
};
