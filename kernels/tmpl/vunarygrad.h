/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vunarygrad.h - d f'(v) for the functions of vunary.h, which the includer
 * has included with the same T, V, M and Q.  v is f's argument or its value; see
 * qn_unary_grad_from_value.  Where f has a corner, f' is one of its two slopes. */

QN_ALWAYS_INLINE void V(grad_map)(const void *vd, const void *vv, void *vy, int64_t n,
                                  const double *p, T (*f)(T, T, T, T))
{
    const T *d = vd, *v = vv, a = (T)p[0], b = (T)p[1];
    T *y = vy;
    QN_INDEPENDENT
    for (int64_t i = 0; i < n; i++)
        y[i] = f(d[i], v[i], a, b);
}

#define GRAD(name)                                                \
    static inline T V(d_##name)(T d, __attribute__((unused)) T v, \
                                __attribute__((unused)) T a,      \
                                __attribute__((unused)) T b)

/* clang-format off */
/* From the value. */
GRAD(relu) { return v <= 0 ? 0 : d; }
GRAD(clip) { return v <= a ? 0 : v >= b ? 0 : d; }
GRAD(sigmoid) { return d * v * (1 - v); }
GRAD(tanh) { return d * (1 - v * v); }
GRAD(exp) { return d * v; }
GRAD(sqrt) { return (T)0.5 * d / v; }
GRAD(reciprocal) { return -d * v * v; }

/* From the argument. */
GRAD(log) { return d / v; }
GRAD(erf) { return d * ((T)1.12837916709551257390 * Q(exp)(-v * v)); }
GRAD(sin) { return d * M(cos)(v); }
GRAD(cos) { return -d * M(sin)(v); }
GRAD(tan) { T t = M(tan)(v); return d * (1 + t * t); }
GRAD(asin) { return d / M(sqrt)((1 - v) * (1 + v)); }
GRAD(acos) { return -d / M(sqrt)((1 - v) * (1 + v)); }
GRAD(atan) { return d / (1 + v * v); }
GRAD(sinh) { return d * M(cosh)(v); }
GRAD(cosh) { return d * M(sinh)(v); }
GRAD(asinh) { return d / M(sqrt)(1 + v * v); }
GRAD(acosh) { return d / M(sqrt)((v - 1) * (v + 1)); }
GRAD(atanh) { return d / ((1 - v) * (1 + v)); }
GRAD(abs) { return v > 0 ? d : v < 0 ? -d : d * v; }
GRAD(neg) { return -d; }
GRAD(leaky_relu) { return v > 0 ? d : a * d; }
GRAD(thresholded_relu) { return v > a ? d : 0; }
GRAD(elu) { T e = a * Q(exp)(v); return v > 0 ? d : d * e; }
GRAD(selu) { T e = a * Q(exp)(v); return d * (b * (v > 0 ? 1 : e)); }
GRAD(celu) { T e = Q(exp)(v / a); return v > 0 ? d : d * e; }
GRAD(shrink) { return v < -b ? d : v > b ? d : 0; }
GRAD(softplus) { return d * V(sigmoid)(v, 0, 0); }
GRAD(softsign) { T t = 1 + M(fabs)(v); return d / (t * t); }
/* clang-format on */

GRAD(hard_sigmoid)
{
    T y = a * v + b;
    return y <= 0 ? 0 : y >= 1 ? 0 : a * d;
}

GRAD(hard_swish)
{
    T slope = v * ((T)1 / 3) + (T)0.5;
    return v <= -3 ? 0 : v >= 3 ? d : d * slope;
}

GRAD(gelu)
{
    T below = (T)0.5 * (1 + Q(erf)(v * (T)0.70710678118654752440));
    T density = (T)0.39894228040143267794 * Q(exp)(-v * v * (T)0.5);
    return d * (below + v * density);
}

GRAD(gelu_tanh)
{
    T z = v * v, c = (T)1.59576912160573071176;
    T s = V(sigmoid)(c * v * (1 + (T)0.044715 * z), 0, 0);
    return d * (s + v * c * (1 + (T)0.134145 * z) * s * (1 - s));
}

GRAD(swish)
{
    T s = V(sigmoid)(a * v, 0, 0);
    return d * (s + a * v * s * (1 - s));
}

GRAD(mish)
{
    /* with e = exp(v), m = e^2 + 2e: tanh(softplus) is m / (m + 2), its square 1 less
     * 4 (m + 1) / (m + 2)^2 */
    T u = v > 20 ? 20 : v, e = Q(exp)(u), m = e * (e + 2), t = m / (m + 2);
    T rest = 4 * (m + 1) / ((m + 2) * (m + 2));
    return d * (t + u * rest * (e / (1 + e)));
}

#define X(name)                                                                \
    static void V(dv_##name)(const void *d, const void *v, void *y, int64_t n, \
                             const double *p)                                  \
    {                                                                          \
        V(grad_map)(d, v, y, n, p, V(d_##name));                               \
    }
QN_UNARY_GRAD_MAP(X)
#undef X

static qn_unary_grad_fn *const V(unary_grad_table)[QN_UNARY_COUNT] = {
#define X(name) [QN_UNARY_##name] = V(dv_##name),
    QN_UNARY_GRAD_MAP(X)
#undef X
};
#undef GRAD
