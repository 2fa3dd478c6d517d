/* SPDX-License-Identifier: Apache-2.0 */
/* engine/blas.h - OpenBLAS as one implementation of the gemm slots, opened on first
 * use.
 *
 * The engine is complete without it.  How many threads OpenBLAS uses is one number for
 * the whole process, so the library must not set it: OpenBLAS takes it from the cores
 * it sees while it is loaded, and is loaded here while the calling thread may use one
 * core only.  When something else in the process has loaded it before with more
 * threads, it is left alone and our own kernels stay in place. */
#ifndef QN_ENGINE_BLAS_H
#define QN_ENGINE_BLAS_H

#include "kernels/kernels.h"

/* Puts OpenBLAS into the gemm slots of k; false, and k unchanged, when it is not there
 * or runs more than one thread.  It stays loaded. */
bool qn_blas_open(qn_kernels *k);

#endif
