/* SPDX-License-Identifier: Apache-2.0 */
/* kernels/tmpl/vlimits.h - clipping to limits in memory, looking for NaN and infinity;
 * included once per floating type behind vunary.h, with T and V(name) as there. */

static void V(v_clip_to)(const void *vx, void *vy, int64_t n, const void *vlo,
                         const void *vhi)
{
    const T *x = vx, lo = *(const T *)vlo, hi = *(const T *)vhi;
    T *y = vy;
    QN_INDEPENDENT
    for (int64_t i = 0; i < n; i++)
        y[i] = V(clip)(x[i], lo, hi);
}

void V(qn_is_nan)(const T *x, uint8_t *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = x[i] != x[i];
}

void V(qn_is_inf)(const T *x, uint8_t *y, int64_t n, bool negative, bool positive)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = (positive && x[i] == (T)INFINITY) || (negative && x[i] == (T)-INFINITY);
}
