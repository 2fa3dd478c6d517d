/* SPDX-License-Identifier: Apache-2.0 */
/* tools/listing.c - see listing.h. */
#include "tools/listing.h"

#include "formats/csv_write.h"
#include "formats/dataset_build.h"
#include "tools/out.h"

#include <string.h>

/* Whether items are files that a manifest can name. */
static bool has_files(const qn_dataset *set, const char *base)
{
    char path[QN_PATH_MAX];
    const char *name = set->n > 0 && set->name ? set->name[0] : NULL;
    if (set->n == 0 || (name && (name[0] == '/' || set->is_table))) return true;
    return name && qn_path_join(path, base, name, NULL) == QUERN_OK &&
           qn_path_look(path) != QN_PATH_ABSENT;
}

/* The folder that names of items start from. */
static quern_status base_of(const qn_dataset *set, char out[QN_PATH_MAX],
                            quern_error *err)
{
    char folder[QN_PATH_MAX];
    if (qn_path_look(set->path) == QN_PATH_FILE)
        QN_TRY(qn_path_folder(set->path, folder, err));
    else
        snprintf(folder, sizeof folder, "%s", set->path);
    return qn_path_resolve(folder, out, err);
}

/* What stands before a name so that it starts from the manifest's folder. */
static quern_status prefix_of(const char *base, const char *path, char out[QN_PATH_MAX],
                              quern_error *err)
{
    char folder[QN_PATH_MAX], real[QN_PATH_MAX];
    out[0] = 0;
    if (!strcmp(path, "-")) return QUERN_OK;
    QN_TRY(qn_path_folder(path, folder, err));
    QN_TRY(qn_path_resolve(folder, real, err));
    const size_t n = strcmp(real, "/") ? strlen(real) : 0;
    if (strncmp(base, real, n) != 0 || (base[n] && base[n] != '/'))
        return qn_fail(err, QUERN_INVALID,
                       "%s: a manifest names files below its own folder, and the "
                       "pictures are in %s: write it there or above",
                       path, base);
    if (base[n]) snprintf(out, QN_PATH_MAX, "%s/", base + n + 1);
    return QUERN_OK;
}

static void put_head(qn_csv *csv, const qn_dataset *set)
{
    qn_csv_text(csv, "path");
    qn_csv_text(csv, "label");
    qn_csv_text(csv, "split");
    if (set->group) qn_csv_text(csv, "group");
    if (set->weight) qn_csv_text(csv, "weight");
    for (int c = 0; c < set->n_columns; c++)
        qn_csv_text(csv, set->columns[c].name);
    qn_csv_end(csv);
}

static void put_item(qn_csv *csv, const qn_dataset *set, int64_t i, const char *prefix)
{
    char path[2 * QN_PATH_MAX];
    snprintf(path, sizeof path, "%s%s", set->name[i][0] == '/' ? "" : prefix,
             set->name[i]);
    qn_csv_text(csv, path);
    qn_csv_text(csv, set->label[i] < 0 ? NULL : set->classes[set->label[i]]);
    qn_csv_text(csv, qn_split_name((qn_split)set->split[i]));
    if (set->group)
        qn_csv_text(csv, set->group[i] < 0 ? NULL : set->groups[set->group[i]]);
    if (set->weight) qn_csv_single(csv, set->weight[i]);
    for (int c = 0; c < set->n_columns; c++)
        qn_csv_text(csv, set->columns[c].text[i]);
    qn_csv_end(csv);
}

static quern_status put_files(qn_csv *csv, const qn_dataset *set, const char *base,
                              const char *path, const uint8_t *leave_out,
                              quern_error *err)
{
    char prefix[QN_PATH_MAX];
    QN_TRY(prefix_of(base, path, prefix, err));
    put_head(csv, set);
    for (int64_t i = 0; i < set->n; i++)
        if (!leave_out || !leave_out[i]) put_item(csv, set, i, prefix);
    return QUERN_OK;
}

/* How a list at path calls the set: from its own folder on, or else absolutely. */
static quern_status source_of(const qn_dataset *set, const char *path,
                              char out[QN_PATH_MAX], quern_error *err)
{
    char folder[QN_PATH_MAX], real[QN_PATH_MAX], source[QN_PATH_MAX];
    QN_TRY(qn_path_resolve(set->path, source, err));
    size_t n = 0;
    if (strcmp(path, "-") != 0) {
        QN_TRY(qn_path_folder(path, folder, err));
        QN_TRY(qn_path_resolve(folder, real, err));
        n = strcmp(real, "/") ? strlen(real) : 0;
        if (strncmp(source, real, n) != 0 || source[n] != '/') n = 0;
    }
    snprintf(out, QN_PATH_MAX, "%s", source + (n ? n + 1 : 0));
    return QUERN_OK;
}

/* Items of a set that holds its pictures itself: an archive, arrays, a table of them.
 */
static quern_status put_selection(qn_csv *csv, const qn_dataset *set, const char *path,
                                  const uint8_t *leave_out, quern_error *err)
{
    char source[QN_PATH_MAX], room[QN_ITEM_TEXT];
    QN_TRY(source_of(set, path, source, err));
    static const char *const head[] = {"set", "item", "label", "split"};
    for (size_t k = 0; k < sizeof head / sizeof head[0]; k++)
        qn_csv_text(csv, head[k]);
    qn_csv_end(csv);
    for (int64_t i = 0; i < set->n; i++) {
        if (leave_out && leave_out[i]) continue;
        qn_csv_text(csv, source);
        qn_csv_text(csv, qn_item_name(set, i, room));
        qn_csv_text(csv, set->label[i] < 0 ? NULL : set->classes[set->label[i]]);
        qn_csv_text(csv, qn_split_name((qn_split)set->split[i]));
        qn_csv_end(csv);
    }
    return QUERN_OK;
}

quern_status qn_listing_write(const qn_dataset *set, const char *path,
                              const uint8_t *leave_out, qn_mem *mem, quern_error *err)
{
    char base[QN_PATH_MAX];
    qn_buf out;
    qn_csv csv;
    QN_TRY(base_of(set, base, err));
    qn_buf_init(&out, mem);
    qn_csv_begin(&csv, &out);
    quern_status status = has_files(set, base)
                              ? put_files(&csv, set, base, path, leave_out, err)
                              : put_selection(&csv, set, path, leave_out, err);
    if (status == QUERN_OK) status = qn_buf_status(&out, err);
    if (status == QUERN_OK && !strcmp(path, "-"))
        qn_out_flush(&out);
    else if (status == QUERN_OK)
        status = qn_file_replace(path, out.p, out.n, err);
    qn_buf_done(&out);
    return status;
}
