/* SPDX-License-Identifier: Apache-2.0 */
/* formats/evaluation.h - what an evaluation found, and the files it becomes:
 * report.json, confusion.csv, per_class.csv, predictions.csv, reliability.csv. */
#ifndef QN_FORMATS_EVALUATION_H
#define QN_FORMATS_EVALUATION_H

#include "engine/metrics.h"
#include "formats/dataset.h"
#include "formats/json_write.h"

/* The items that share one text in a column of metadata. */
typedef struct qn_slice {
    const char *column, *value; /* value NULL: the manifest has none */
    qn_metrics metrics;
} qn_slice;

typedef struct qn_evaluation {
    const char *model;          /* its file, or NULL */
    const qn_dataset *set;      /* outlives the evaluation */
    const char *split;          /* "test", "val", "train", "all" */
    bool is_by_index;           /* labels could not be matched with classes by name */
    const int64_t *item;        /* [predictions.n]: index in the set */
    qn_predictions predictions; /* labels are the model's classes */
    const char *const *classes; /* [predictions.n_classes]; NULL: no names */
    qn_metrics metrics;
    int bootstrap;       /* resamples behind the intervals; 0: there are none */
    uint64_t seed;       /* of the bootstrap */
    qn_metrics *flipped; /* of the mean of each picture and its mirror image, or NULL */
    qn_temperature temperature;    /* value 0: none was fitted */
    const char *temperature_split; /* on what it was fitted */
    qn_metrics *tempered;          /* with it; or NULL */
    qn_slice *slices;
    int n_slices;
    qn_reject *rejects; /* pictures that could not be read */
    int n_rejects;
    double seconds, images_per_s; /* reading and running */
} qn_evaluation;

/* Name of class k: its own, or its number. */
#define QN_CLASS_TEXT 16
const char *qn_class_name(const char *const *classes, int k, char room[QN_CLASS_TEXT]);

/* Everything, as keys of the object that is open. */
quern_status qn_evaluation_json(const qn_evaluation *e, qn_json *j, qn_arena *arena,
                                quern_error *err);
/* "confusion":[[..]] */
void qn_confusion_json(const qn_metrics *m, qn_json *j);
/* Writes report.json, confusion.csv, per_class.csv, predictions.csv, reliability.csv
 * and, if there are slices, slices.csv into the folder, which is made if need be; each
 * file whole or not at all.  suffix (may be "") stands before the dot: "_val". */
quern_status qn_evaluation_write(const qn_evaluation *e, const char *folder,
                                 const char *suffix, qn_mem *mem, quern_error *err);

#endif
