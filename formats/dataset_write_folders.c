/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_write_folders.c - class folders, under train, val and test where the
 * set has splits.  classes.txt is added when the order of the folders' names is not
 * that of the classes, or when a class has no folder that a reader would find. */
#include "formats/dataset_build.h"
#include "formats/dataset_write.h"

#include <string.h>

/* Whether folders alone tell all classes in their order. */
static bool tell_classes(const qn_writer *w)
{
    const bool *has = w->has_split;
    const uint8_t wanted = has[QN_SPLIT_TRAIN] ? 1 << QN_SPLIT_TRAIN : 0xff;
    for (int c = 0; c < w->set->n_classes; c++) {
        if (!(w->class_splits[c] & wanted)) return false;
        if (c && strcmp(w->class_parts[c - 1], w->class_parts[c]) >= 0) return false;
    }
    return true;
}

/* Names that are no folders' names are written as qn_path_part does. */
static quern_status check_names(qn_writer *w, quern_error *err)
{
    const qn_dataset *set = w->set;
    qn_names parts = {.arena = w->arena};
    int64_t index;
    int changed = 0;
    for (int c = 0; c < set->n_classes; c++) {
        changed += strcmp(set->classes[c], w->class_parts[c]) != 0;
        QN_TRY(qn_names_keep(&parts, w->class_parts[c], &index, err));
        if (index != c)
            return qn_fail(err, QUERN_UNSUPPORTED,
                           "classes '%s' and '%s' would be one folder, '%s'",
                           set->classes[index], set->classes[c], w->class_parts[c]);
    }
    if (changed)
        qn_writer_loses(w, "letters of %d class names (as %%XX, or class-N)", changed);
    return QUERN_OK;
}

static quern_status check_splits(const qn_writer *w, quern_error *err)
{
    const bool *has = w->has_split;
    if (!has[QN_SPLIT_NONE]) return QUERN_OK;
    if (has[QN_SPLIT_TRAIN] || has[QN_SPLIT_VAL] || has[QN_SPLIT_TEST])
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "class folders are all under train, val and test or all not, "
                       "and only some of the items have a split");
    if (qn_folders_are_splits(w->class_parts, w->set->n_classes))
        return qn_fail(err, QUERN_UNSUPPORTED,
                       "folders of the classes, '%s' and others, would be taken for "
                       "splits",
                       w->class_parts[0]);
    return QUERN_OK;
}

/* As the reader will find them: without what was not written. */
static quern_status put_names(const qn_writer *w, quern_error *err)
{
    qn_buf text;
    qn_buf_init(&text, w->mem);
    for (int c = 0; c < w->set->n_classes; c++) {
        qn_buf_text(&text, w->class_parts[c]);
        qn_buf_byte(&text, '\n');
    }
    quern_status status = qn_buf_status(&text, err);
    if (status == QUERN_OK)
        status = qn_writer_put(w, "classes.txt", text.p, text.n, err);
    qn_buf_done(&text);
    return status;
}

static quern_status folders_begin(qn_writer *w, quern_error *err)
{
    QN_TRY(check_splits(w, err));
    QN_TRY(check_names(w, err));
    return tell_classes(w) ? QUERN_OK : put_names(w, err);
}

static quern_status folders_place(const qn_writer *w, const qn_piece *piece,
                                  quern_error *err)
{
    return qn_writer_place_file(w, "", piece, err);
}

static quern_status folders_add(qn_writer *w, const qn_piece *piece, quern_error *err)
{
    (void)w, (void)piece, (void)err;
    return QUERN_OK;
}

static quern_status folders_end(qn_writer *w, quern_error *err)
{
    (void)w, (void)err;
    return QUERN_OK;
}

const qn_dataset_writer qn_dataset_write_folders = {
    .name = "folders",
    .other_names = "imagefolder,class-folders",
    .about = "a folder for each class, under train, val and test where there are any",
    .has_files = true,
    .carries = QN_CARRIES_NAMES,
    .begin = folders_begin,
    .place = folders_place,
    .add = folders_add,
    .end = folders_end,
};
