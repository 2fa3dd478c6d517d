/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vstrided.h - strided copies of one element size, included once per size
 * with T (a type that may alias any other), ROW and TILE (the names) defined. */

static void ROW(int64_t n, void *to, int64_t ts, const void *from, int64_t fs)
{
    T *y = to;
    const T *x = from;
    if (fs == 0) {
        const T v = n > 0 ? *x : (T){0};
        for (int64_t i = 0; i < n; i++)
            y[i * ts] = v;
    } else if (ts == 1) {
        for (int64_t i = 0; i < n; i++)
            y[i] = x[i * fs];
    } else {
        for (int64_t i = 0; i < n; i++)
            y[i * ts] = x[i * fs];
    }
}

static void TILE(int64_t n, int64_t m, void *to, int64_t ts, const void *from,
                 int64_t fs)
{
    enum { SIDE = 8 };
    T *y = to;
    const T *x = from;
    int64_t i = 0;
    for (; i + SIDE <= n; i += SIDE) {
        int64_t j = 0;
        for (; j + SIDE <= m; j += SIDE)
            for (int64_t b = 0; b < SIDE; b++)
                for (int64_t a = 0; a < SIDE; a++)
                    y[(i + a) * ts + j + b] = x[(j + b) * fs + i + a];
        for (; j < m; j++)
            for (int64_t a = 0; a < SIDE; a++)
                y[(i + a) * ts + j] = x[j * fs + i + a];
    }
    for (; i < n; i++)
        for (int64_t j = 0; j < m; j++)
            y[i * ts + j] = x[j * fs + i];
}
