/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_digest.h - one number for what a data set holds, whatever its format:
 * equal sets have equal sums before and after any conversion that loses no pixel.
 *
 * Of each item SHA-256 is taken over class name, split and picture (size, channels and
 * pixels); these digests are sorted, and SHA-256 over them is the sum.  Names of items,
 * their order, groups and further columns do not count. */
#ifndef QN_FORMATS_DATASET_DIGEST_H
#define QN_FORMATS_DATASET_DIGEST_H

#include "formats/dataset.h"

#define QN_DIGEST 32 /* bytes */

/* Of height, width, channels and pixels. */
void qn_picture_digest(const qn_image *image, uint8_t digest[QN_DIGEST]);
/* Of an item, from its picture's; class NULL: none.  Both may be one. */
void qn_item_digest(const char *class, qn_split split, const uint8_t picture[QN_DIGEST],
                    uint8_t digest[QN_DIGEST]);
/* Sorts n digests of items; hex gets 64 digits and a zero. */
void qn_content_sum(uint8_t (*items)[QN_DIGEST], int64_t n, char hex[65]);
/* The sum of the items of a set that a survey could read. */
quern_status qn_survey_sum(const qn_dataset *set, const qn_survey *survey, char hex[65],
                           quern_error *err);

#endif
