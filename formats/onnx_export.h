/* SPDX-License-Identifier: Apache-2.0 */
/* formats/onnx_export.h - from trained numbers to a file that needs no flags: weights
 * into the initializers of the raw model that was trained, pictures and classes into
 * its metadata.  qn_onnx_write or qn_onnx_save do the rest. */
#ifndef QN_FORMATS_ONNX_EXPORT_H
#define QN_FORMATS_ONNX_EXPORT_H

#include "formats/onnx.h"

/* n numbers for the initializer of that name, whatever its float type. */
typedef struct qn_export_weight {
    const char *name;
    const float *data;
    int64_t n;
} qn_export_weight;

/* Copies the numbers; fails where the model has no such initializer or one of another
 * size, and then has changed nothing.  Initializers that are not listed stay. */
quern_status qn_export_weights(quern_model *raw, const qn_export_weight *trained, int n,
                               quern_error *err);

/* What a picture goes through before the network, and what comes out. */
typedef struct qn_export_recipe {
    int height, width;
    const char *resize;     /* "fit", "crop", "pad", "stretch" */
    const char *channels;   /* "gray", "rgb", "bgr" */
    int n_channels;         /* of mean and std: 1 or 3 */
    double mean[3], std[3]; /* on the 0..1 scale, in the order of the channels */
    double temperature;     /* 0: not known */
    const char *const *classes;
    int n_classes;
} qn_export_recipe;

/* The pairs quern.schema, .classes, .size, .resize, .channels, .mean, .std and
 * .temperature; others of the model stay. */
quern_status qn_export_metadata(quern_model *raw, const qn_export_recipe *recipe,
                                quern_error *err);

#endif
