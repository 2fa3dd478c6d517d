/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vunary_int.h - functions of one integer operand, included once per type
 * with T, ELEM, U (unsigned, at least as wide as int: it wraps), SIGNED (0 or 1) and
 * V(name) defined, and undefined again at the end. */

QN_ALWAYS_INLINE void V(map)(const void *vx, void *vy, int64_t n, T (*f)(T))
{
    const T *x = vx;
    T *y = vy;
    QN_INDEPENDENT
    for (int64_t i = 0; i < n; i++)
        y[i] = f(x[i]);
}

static inline T V(bit_not)(T x)
{
    return (T) ~(U)x;
}

static inline T V(sign)(T x)
{
    return x > 0 ? 1 : x == 0 ? 0 : (T)-1;
}

static inline T V(neg)(T x)
{
    return (T)(0 - (U)x);
}

static inline T V(abs)(T x)
{
    return SIGNED && x < 1 ? V(neg)(x) : x;
}

static inline T V(relu)(T x)
{
    return x < 1 ? 0 : x;
}

#define INT_MAP(X) X(abs) X(neg) X(sign) X(relu) X(bit_not)
#define X(name)                                                                \
    static void V(v_##name)(const void *x, void *y, int64_t n, const float *p) \
    {                                                                          \
        (void)p;                                                               \
        V(map)(x, y, n, V(name));                                              \
    }
INT_MAP(X)
#undef X
#undef INT_MAP

static void V(v_shrink)(const void *vx, void *vy, int64_t n, const float *p)
{
    const T *x = vx;
    T *y = vy;
    for (int64_t i = 0; i < n; i++) {
        double d = (double)x[i], r = d < -p[1] ? d + p[0] : d > p[1] ? d - p[0] : 0;
        qn_convert(&r, QN_E_F64, &y[i], ELEM, 1, 0);
    }
}

static void V(v_clip_to)(const void *vx, void *vy, int64_t n, const void *vlo,
                         const void *vhi)
{
    const T *x = vx, lo = *(const T *)vlo, hi = *(const T *)vhi;
    T *y = vy;
    QN_INDEPENDENT
    for (int64_t i = 0; i < n; i++) {
        T t = x[i] < lo ? lo : x[i];
        y[i] = t > hi ? hi : t;
    }
}

static qn_unary_fn *const V(unary_table)[QN_UNARY_COUNT] = {
    [QN_UNARY_abs] = V(v_abs),       [QN_UNARY_neg] = V(v_neg),
    [QN_UNARY_sign] = V(v_sign),     [QN_UNARY_relu] = V(v_relu),
    [QN_UNARY_shrink] = V(v_shrink), [QN_UNARY_bit_not] = V(v_bit_not),
};
#undef T
#undef U
#undef SIGNED
#undef ELEM
#undef V
