/* SPDX-License-Identifier: Apache-2.0 */
/* tools/trainer_files.h - a trainer's numbers in files: what every kind of training
 * shares of its checkpoints and its exports. */
#ifndef QN_TOOLS_TRAINER_FILES_H
#define QN_TOOLS_TRAINER_FILES_H

#include "engine/train.h"
#include "formats/buffer.h"
#include "formats/safetensors.h"

/* A number of the run in a checkpoint's metadata; reals keep their bits. */
typedef struct qn_run_number {
    const char *key;
    double *real; /* one of the two */
    int64_t *whole;
} qn_run_number;

/* The checkpoint of a trainer: its arrays, n numbers and, unless NULL, a pair more. */
typedef struct qn_checkpoint {
    qn_trainer *trainer;
    const qn_run_number *numbers;
    int n_numbers;
    const char *key, *text;
} qn_checkpoint;

/* As the bytes of a file; names and texts lie in the arena. */
quern_status qn_checkpoint_bytes(const qn_checkpoint *c, qn_arena *arena, qn_buf *out,
                                 quern_error *err);
/* Numbers first, arrays second, for what has to happen between. */
quern_status qn_checkpoint_numbers(const qn_safetensors *file, const qn_run_number *row,
                                   int n, quern_error *err);
quern_status qn_checkpoint_arrays(const qn_safetensors *file, qn_trainer *trainer,
                                  quern_error *err);

/* FOLDER/checkpoint/last.safetensors anew; the one before becomes previous.safetensors,
 * unless drops_last says that it is not worth it. */
quern_status qn_checkpoint_save(const char *folder, const qn_buf *bytes,
                                bool drops_last, quern_error *err);

/* The network as an ONNX model: raw with the trainer's numbers, with the moving average
 * where there is one. */
quern_status qn_trainer_export(const qn_trainer *trainer, quern_model *raw, qn_mem *mem,
                               qn_buf *out, quern_error *err);

#endif
