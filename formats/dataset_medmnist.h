/* SPDX-License-Identifier: Apache-2.0 */
/* formats/dataset_medmnist.h - names for the classes of the MedMNIST sets, by the names
 * of their files. */
#ifndef QN_FORMATS_DATASET_MEDMNIST_H
#define QN_FORMATS_DATASET_MEDMNIST_H

#include <stdbool.h>

/* The names of the set that is published as a file of that name and has as many
 * classes, or NULL. */
const char *const *qn_medmnist_classes(const char *path, int n_classes);

#endif
