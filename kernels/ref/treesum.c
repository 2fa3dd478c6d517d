/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/ref/treesum.c - the sum of the shards of a gradient. */
#include "kernels/conv.h"

#define T        float
#define TREE_SUM qn_tree_sum_f32
#include "kernels/tmpl/treesum.h"
#undef T
#undef TREE_SUM
#define T        double
#define TREE_SUM qn_tree_sum_f64
#include "kernels/tmpl/treesum.h"
