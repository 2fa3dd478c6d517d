/* SPDX-License-Identifier: Apache-2.0 */
/* tests/write_kit.h - small data sets with pictures of noise, and writing them. */
#ifndef QN_TESTS_WRITE_KIT_H
#define QN_TESTS_WRITE_KIT_H

#include "formats/dataset_write.h"
#include "tests/dataset_kit.h"

/* A PNG of noise in the test's folder. */
void qn_write_kit_png(qn_test *t, const char *name, int width, int height,
                      int channels);
/* "src/manifest.csv": 13 pictures of classes 10, 9 and "zebra, \"1\"" with splits, or
 * without; of one size, or (width 0) of many; with groups, weights and two columns. */
void qn_write_kit_source(qn_test *t, int width, int height, int channels,
                         const char *const splits[3]);

/* Opens `from`, writes it as `to` in a format, and closes it.  plan may be NULL;
 * result in k->err, too. */
quern_status qn_write_kit_write(qn_set_kit *k, const char *from, const char *to,
                                const char *format, const qn_write_plan *plan,
                                qn_written *out);
/* The sum of a set, all of whose items must be readable and none refused. */
void qn_write_kit_sum(qn_set_kit *k, const char *name, char sum[65]);
/* Writes it in every format, and the sums are equal: for CIFAR at its size, that of
 * what was written.  Targets begin with name.  Items without labels are left out: then
 * the sum is that of the first target. */
void qn_write_kit_everywhere(qn_set_kit *k, const char *source, const char *name,
                             bool is_labelled);

#endif
