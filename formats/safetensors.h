/* SPDX-License-Identifier: Apache-2.0 */
/* formats/safetensors.h - named arrays in a file: 8 bytes length, a JSON header, data.
 *
 *   u64 n | {"__metadata__":{"key":"text"},"name":{"dtype":"F32","shape":[2,3],
 *            "data_offsets":[0,24]}, ...} padded with blanks | data
 *
 * Source: the safetensors format as published by Hugging Face.  Written here with data
 * aligned to 64 bytes; read with every offset checked, in any order, without holes or
 * overlaps. */
#ifndef QN_FORMATS_SAFETENSORS_H
#define QN_FORMATS_SAFETENSORS_H

#include "engine/tensor.h"
#include "formats/buffer.h"

typedef struct qn_named_tensor {
    const char *name;
    qn_tensor t;
} qn_named_tensor;

typedef struct qn_safe_pair {
    const char *key, *value;
} qn_safe_pair;

typedef struct qn_safetensors {
    qn_named_tensor *tensors;
    int n_tensors;
    qn_safe_pair *metadata;
    int n_metadata;
} qn_safetensors;

/* Element types: float32, float64, float16, bfloat16, the integers, bool. */
quern_status qn_safetensors_write(qn_buf *to, const qn_safetensors *file,
                                  quern_error *err);
/* Names and metadata go to the arena; data point into bytes, aligned or not. */
quern_status qn_safetensors_parse(qn_arena *arena, const void *bytes, size_t n,
                                  qn_safetensors *out, quern_error *err);
/* Value of a metadata key, or NULL; tensor of a name, or NULL. */
const char *qn_safetensors_text(const qn_safetensors *file, const char *key);
const qn_tensor *qn_safetensors_find(const qn_safetensors *file, const char *name);

#endif
