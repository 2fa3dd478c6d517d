/* SPDX-License-Identifier: Apache-2.0 */
/* formats/npz.h - NumPy's .npz files: a zip archive of .npy members, stored or
 * deflated. Encrypted, split and 64-bit archives are refused. */
#ifndef QN_FORMATS_NPZ_H
#define QN_FORMATS_NPZ_H

#include "engine/tensor.h"

typedef struct qn_npz_member {
    const char *name; /* without .npy */
    qn_tensor value;
} qn_npz_member;

/* Every member, in the order of the archive's directory. */
quern_status qn_npz_parse(qn_arena *arena, const void *bytes, size_t n,
                          qn_npz_member **members, int *n_members, quern_error *err);
quern_status qn_npz_load(qn_arena *arena, const char *path, qn_npz_member **members,
                         int *n_members, quern_error *err);
/* Members are stored, not compressed, like numpy.savez. */
quern_status qn_npz_save(qn_mem *mem, const char *path, const qn_npz_member *members,
                         int n_members, quern_error *err);

#endif
