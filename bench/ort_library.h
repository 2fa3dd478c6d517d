/* SPDX-License-Identifier: Apache-2.0 */
/* bench/ort_library.h - the other side of ort.h when ONNX Runtime is there as a shared
 * library and not as a Python package: what a second quern does that was started to be
 * it. */
#ifndef QN_BENCH_ORT_LIBRARY_H
#define QN_BENCH_ORT_LIBRARY_H

#include "engine/mem.h"

/* Opens the library and the model (path empty: its size in a line of standard input and
 * then its bytes), says "ready", and answers what stdin says on stdout until it ends.
 */
quern_status qn_ort_library_serve(const char *library, const char *path, int threads,
                                  qn_arena *arena, quern_error *err);

#endif
