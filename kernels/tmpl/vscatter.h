/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vscatter.h - y[i] = f(y[i], x[i]) for the reductions of the Scatter
 * family, included once per element type with T, IS_NAN, W (the type sums and products
 * are formed in; unsigned for integers, where overflow wraps) and ADD, MUL, MAX, MIN
 * (the names) defined.  NaN in either operand of max and min gives NaN. */

static void ADD(int64_t n, void *to, const void *from)
{
    T *y = to;
    const T *x = from;
    for (int64_t i = 0; i < n; i++)
        y[i] = (T)((W)y[i] + (W)x[i]);
}

static void MUL(int64_t n, void *to, const void *from)
{
    T *y = to;
    const T *x = from;
    for (int64_t i = 0; i < n; i++)
        y[i] = (T)((W)y[i] * (W)x[i]);
}

static void MAX(int64_t n, void *to, const void *from)
{
    T *y = to;
    const T *x = from;
    for (int64_t i = 0; i < n; i++)
        if (x[i] > y[i] || IS_NAN(x[i])) y[i] = x[i];
}

static void MIN(int64_t n, void *to, const void *from)
{
    T *y = to;
    const T *x = from;
    for (int64_t i = 0; i < n; i++)
        if (x[i] < y[i] || IS_NAN(x[i])) y[i] = x[i];
}

#undef T
#undef IS_NAN
#undef W
#undef ADD
#undef MUL
#undef MAX
#undef MIN
