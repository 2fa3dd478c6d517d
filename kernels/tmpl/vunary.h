/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vunary.h - functions of one floating operand, included once per type
 * with T, V(name) (a name with the type's suffix), M(name) (libm) and Q(name) (vmath.h)
 * defined.  Each is a scalar function of x and two parameters; map makes the loop. */

QN_ALWAYS_INLINE void V(map)(const void *vx, void *vy, int64_t n, const float *p,
                             T (*f)(T, T, T))
{
    const T *x = vx, a = (T)p[0], b = (T)p[1];
    T *y = vy;
    QN_INDEPENDENT
    for (int64_t i = 0; i < n; i++)
        y[i] = f(x[i], a, b);
}

#define UNARY(name)                                           \
    static inline T V(name)(T x, __attribute__((unused)) T a, \
                            __attribute__((unused)) T b)

/* clang-format off */
UNARY(ceil) { return M(ceil)(x); }
UNARY(floor) { return M(floor)(x); }
UNARY(round) { return M(rint)(x); }
UNARY(sqrt) { return M(sqrt)(x); }
UNARY(reciprocal) { return 1 / x; }
UNARY(exp) { return Q(exp)(x); }
UNARY(log) { return M(log)(x); }
UNARY(erf) { return Q(erf)(x); }
UNARY(sin) { return M(sin)(x); }
UNARY(cos) { return M(cos)(x); }
UNARY(tan) { return M(tan)(x); }
UNARY(asin) { return M(asin)(x); }
UNARY(acos) { return M(acos)(x); }
UNARY(atan) { return M(atan)(x); }
UNARY(sinh) { return M(sinh)(x); }
UNARY(cosh) { return M(cosh)(x); }
UNARY(tanh) { return Q(tanh)(x); }
UNARY(asinh) { return M(asinh)(x); }
UNARY(acosh) { return M(acosh)(x); }
UNARY(atanh) { return M(atanh)(x); }
UNARY(abs) { return M(fabs)(x); }
UNARY(neg) { return -x; }
UNARY(sign) { return x > 0 ? 1 : x < 0 ? -1 : x == 0 ? 0 : x; }
UNARY(relu) { return x < 0 ? 0 : x; }
UNARY(leaky_relu) { return x < 0 ? a * x : x; }
UNARY(thresholded_relu) { return x > a ? x : 0; }
UNARY(elu) { T e = a * Q(expm1_neg)(x); return x < 0 ? e : x; }
UNARY(selu) { T e = a * Q(expm1_neg)(x); return b * (x < 0 ? e : x); }
UNARY(shrink) { return x < -b ? x + a : x > b ? x - a : 0; }
UNARY(softsign) { return x / (1 + M(fabs)(x)); }
/* clang-format on */

UNARY(clip)
{
    T y = x < a ? a : x;
    return y > b ? b : y;
}

UNARY(celu)
{
    T e = a * M(expm1)(x / a);
    return (x < 0 ? 0 : x) + (e > 0 ? 0 : e);
}

UNARY(sigmoid)
{
    T e = Q(exp)(-M(fabs)(x)), r = 1 / (1 + e); /* e <= 1: nothing overflows */
    return x < 0 ? e * r : r;
}

UNARY(hard_sigmoid)
{
    T y = a * x + b;
    y = y > 1 ? 1 : y;
    return y < 0 ? 0 : y;
}

UNARY(hard_swish)
{
    return x * V(hard_sigmoid)(x, (T)1 / 6, (T)0.5);
}

UNARY(softplus)
{
    T e = M(log1p)(Q(exp)(-M(fabs)(x)));
    return (x < 0 ? 0 : x) + e;
}

UNARY(gelu)
{
    return (T)0.5 * x * (1 + Q(erf)(x * (T)0.70710678118654752440));
}

UNARY(gelu_tanh)
{
    /* (1 + tanh u) / 2 is sigmoid(2u) */
    T u = (T)1.59576912160573071176 * (x + (T)0.044715 * x * x * x);
    return x * V(sigmoid)(u, 0, 0);
}

UNARY(swish)
{
    return x * V(sigmoid)(a * x, 0, 0);
}

UNARY(mish)
{
    /* tanh(log(1 + e)) = (e^2 + 2e) / (e^2 + 2e + 2); 1 from x = 20 on */
    T e = Q(exp)(x > 20 ? 20 : x), m = e * (e + 2);
    return x * (m / (m + 2));
}

#define X(name)                                                                \
    static void V(v_##name)(const void *x, void *y, int64_t n, const float *p) \
    {                                                                          \
        V(map)(x, y, n, p, V(name));                                           \
    }
QN_UNARY_FLOAT_MAP(X)
QN_UNARY_NUMBER_MAP(X)
#undef X

static qn_unary_fn *const V(unary_table)[QN_UNARY_COUNT] = {
#define X(name) [QN_UNARY_##name] = V(v_##name),
    QN_UNARY_FLOAT_MAP(X) QN_UNARY_NUMBER_MAP(X)
#undef X
};
#undef UNARY
