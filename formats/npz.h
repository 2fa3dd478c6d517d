/* SPDX-License-Identifier: Apache-2.0 */
/* formats/npz.h - NumPy's .npz files: a zip archive of .npy members, stored or
 * deflated, also beyond 4 GiB. Encrypted and split archives are refused. */
#ifndef QN_FORMATS_NPZ_H
#define QN_FORMATS_NPZ_H

#include "engine/tensor.h"

typedef struct qn_npz_member {
    const char *name; /* without .npy */
    qn_tensor value;
} qn_npz_member;

/* An archive whose members are read one by one. */
typedef struct qn_npz qn_npz;

/* *out lives in the arena and is to be closed before it. */
quern_status qn_npz_open(qn_arena *arena, const char *path, qn_npz **out,
                         quern_error *err);
void qn_npz_close(qn_npz *npz);                    /* NULL is fine */
const char *qn_npz_name(const qn_npz *npz, int i); /* without .npy; NULL past the end */
quern_status qn_npz_read(const qn_npz *npz, int i, qn_arena *arena, qn_tensor *out,
                         quern_error *err);
/* The same without a copy where the numbers stand in the file as in memory: they last
 * as long as the archive and the arena, and are not to be written to. */
quern_status qn_npz_view(const qn_npz *npz, int i, qn_arena *arena, qn_tensor *out,
                         quern_error *err);

/* Every member, in the order of the archive's directory. */
quern_status qn_npz_parse(qn_arena *arena, const void *bytes, size_t n,
                          qn_npz_member **members, int *n_members, quern_error *err);
quern_status qn_npz_load(qn_arena *arena, const char *path, qn_npz_member **members,
                         int *n_members, quern_error *err);
/* Members are stored, not compressed, like numpy.savez. */
quern_status qn_npz_save(qn_mem *mem, const char *path, const qn_npz_member *members,
                         int n_members, quern_error *err);

#endif
