/* SPDX-License-Identifier: Apache-2.0 */
/* formats/coco_files.h - where a data set in COCO's form has its annotations and its
 * pictures: folders differ from one to the next. */
#ifndef QN_FORMATS_COCO_FILES_H
#define QN_FORMATS_COCO_FILES_H

#include "formats/dataset_build.h"

typedef struct qn_coco_file {
    const char *path;   /* of the annotations */
    const char *folder; /* of the set */
    qn_split split;
    bool has_root;
    char root[QN_PATH_MAX]; /* the folder that pictures' names are relative to */
} qn_coco_file;

typedef struct qn_coco_files {
    qn_coco_file *at; /* [n] */
    int n;
} qn_coco_files;

/* Whether path is such a file, or a folder with some. */
bool qn_coco_is(const char *path);
/* At least one. */
quern_status qn_coco_find(qn_dataset *set, qn_coco_files *out, quern_error *err);
/* Finds the root by where a picture of that name is; beside the annotations if it is
 * nowhere. */
void qn_coco_find_root(qn_coco_file *file, const char *name);
/* What of a path stands behind the set's folder. */
const char *qn_coco_within(const qn_coco_file *file, const char *path);

#endif
