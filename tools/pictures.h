/* SPDX-License-Identifier: Apache-2.0 */
/* tools/pictures.h - the pictures that operands name, one after the other: files, all
 * files of a folder, every item of an IDX file, standard input ("-"). */
#ifndef QN_TOOLS_PICTURES_H
#define QN_TOOLS_PICTURES_H

#include "engine/tensor.h"
#include "formats/image.h"

typedef struct qn_pictures {
    qn_arena arena; /* names, IDX files */
    const char *const *operands;
    int n_operands, next;
    int64_t max_pixels;
    const qn_decoder *decoder; /* NULL: this process */
    const char *const *names;  /* of the folder that is being read */
    int n_names, next_name;
    const char *folder;
    qn_tensor idx; /* the IDX file that is being read */
    int64_t next_item, n_items;
    const char *idx_name;
} qn_pictures;

void qn_pictures_init(qn_pictures *p, qn_mem *mem, const char *const *operands, int n,
                      int64_t max_pixels);
void qn_pictures_done(qn_pictures *p);
/* The next picture, its pixels in the arena; its name, too: a path, or "path#item".
 * *is_there false: there are no more.  Files of a folder that are no pictures are
 * passed over.  Errors name the file; the next call goes on behind it. */
quern_status qn_pictures_next(qn_pictures *p, qn_arena *arena, qn_image *out,
                              const char **name, bool *is_there, quern_error *err);
/* How many are still to come, as far as that is known without opening files. */
int64_t qn_pictures_left(const qn_pictures *p);

#endif
