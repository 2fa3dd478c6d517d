/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_build.h - what the readers of data sets fill their tables with. */
#ifndef QN_FORMATS_DATASET_BUILD_H
#define QN_FORMATS_DATASET_BUILD_H

#include "formats/dataset.h"
#include "formats/files.h"
#include "formats/names.h"

#define QN_MAX_CLASSES (1 << 20)

/* Moves a list (a pointer to it is at `list`) of n elements of `size` bytes to where
 * there is zeroed room for more; the old one stays behind in the arena. */
quern_status qn_list_grow(qn_arena *arena, void *list, size_t n, size_t room,
                          size_t size, quern_error *err);
/* Appends an item; name belongs to the set's arena, or is NULL in all items. */
quern_status qn_set_add(qn_dataset *set, const char *name, int32_t label,
                        qn_split split, quern_error *err);
/* Appends n items of one split, without names; labels are filled in by the caller.  A
 * second part of the same split is refused. */
quern_status qn_set_add_part(qn_dataset *set, qn_split split, int64_t n,
                             int32_t **labels, quern_error *err);
/* Notes an item that could not be taken; both texts are copied. */
quern_status qn_set_reject(qn_dataset *set, const char *item, quern_error *err,
                           const char *reason, ...)
    __attribute__((format(printf, 4, 5)));
/* Notes that item i could not be read, and why; that memory lacked is no reason, but
 * fails. */
quern_status qn_set_reject_item(qn_dataset *set, int64_t i, const quern_error *why,
                                quern_error *err);

/* Says what all pictures of the set are like; [n][height][width][channels] are checked,
 * and shapes that differ from an earlier call's are refused. */
quern_status qn_set_shape_of(qn_dataset *set, int64_t height, int64_t width,
                             int64_t channels, quern_error *err);
/* Room for the pixels of n pictures of that shape. */
quern_status qn_set_pixels(qn_dataset *set, int64_t n, uint8_t **pixels,
                           quern_error *err);

/* Classes "0" .. for labels without names, up to the largest that an item has. */
quern_status qn_set_number_classes(qn_dataset *set, quern_error *err);
/* Classes from a file of one name a line, if there is one; it must have as many as the
 * labels need.  *found: there was. */
quern_status qn_set_read_classes(qn_dataset *set, const char *path, bool *found,
                                 quern_error *err);
/* Classes are names, of which labels so far are indices: in order of their values if
 * all are numbers, else by their bytes.  Labels follow; the names must last. */
quern_status qn_set_sort_classes(qn_dataset *set, const qn_names *names,
                                 quern_error *err);
/* A class with items for choosing or testing must have some to train on, if there are
 * any. */
quern_status qn_set_check_splits(const qn_dataset *set, quern_error *err);

/* The bytes of a file as they are; paths as below. */
quern_status qn_set_file(const char *folder, const char *path, qn_arena *arena,
                         const void **bytes, size_t *n, quern_error *err);
/* The bytes of a file decoded: path is relative to folder and may not leave it, or
 * folder is NULL. */
quern_status qn_set_decode(const qn_dataset *set, const char *folder, const char *path,
                           qn_arena *arena, qn_image *out, quern_error *err);

/* The bytes of a picture's file, decoded. */
quern_status qn_set_decode_bytes(const qn_dataset *set, const void *bytes, size_t n,
                                 qn_arena *arena, qn_image *out, quern_error *err);

/* Why the file at path cannot be an item of the set whose folder is `real` (without
 * links; NULL: anywhere), or NULL when it can: a regular file, or a link to one inside.
 */
const char *qn_set_refuses(const char *real, const char *path);

/* Counts a file that is missing, if that is why it is refused; of a set that is but a
 * table it is taken all the same: *why becomes NULL. */
void qn_set_lacks(qn_dataset *set, const char **why);

/* Whether a path is absolute or has a part "..". */
bool qn_path_leads_out(const char *path);
/* Whether folders of these names are splits: all are, or train and another one. */
bool qn_folders_are_splits(const char *const *names, int n);
/* Whether name ends like a picture that is read; like any picture. */
bool qn_is_picture_name(const char *name);
bool qn_is_any_picture_name(const char *name);
/* folder/name; fails when that is too long. */
quern_status qn_path_join(char out[QN_PATH_MAX], const char *folder, const char *name,
                          quern_error *err);

#endif
