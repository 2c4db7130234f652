// Weights that are codes: the nearest code of every latent weight, and what a full scale's change does to a loss; one pass each.

#include <algorithm>
#include <cmath>

#include "vectors.h"

namespace {

constexpr int64_t PARTS = 16;  // of a sum, a whole number of any vectors

// x for |x| < 2^22, to the nearest even whole number
template <class T> inline T nearest(T x) {
    constexpr T magic = sizeof(T) == 4 ? T(12582912) : T(6755399441055744);  // 1.5 * 2^mantissa
    return (x + magic) - magic;
}
template <class T> inline T held(T x, T limit) { return std::max(-limit, std::min(limit, x)); }

// Latent weights are held half a step beyond the full scale.
template <class T> void round(T *latent, int64_t count, T top, T step, T *weight, int32_t *code) {
    const T per_step = 1 / step, limit = (top + T(0.5)) * step;
    for (int64_t i = 0; i < count; i++) {
        const T x = held(latent[i], limit), c = nearest(held(x * per_step, top));
        latent[i] = x;
        weight[i] = c * step;
        code[i] = int32_t(c);
    }
}

// Sum of grad times d weight / d ln(full scale) / step: code less latent inside the full scale, top at it and beyond.
template <class T> double slope(const T *grad, const T *latent, int64_t count, T top, T step) {
    const T per_step = 1 / step;
    double total = 0;
    for (int64_t first = 0; first < count; first += 64 * PARTS) {
        const int64_t end = std::min(count, first + 64 * PARTS);
        T part[PARTS] = {};
        int64_t i = first;
        for (; i + PARTS <= end; i += PARTS)
            for (int64_t k = 0; k < PARTS; k++) {
                const T v = latent[i + k] * per_step, inside = nearest(held(v, top)) - v;
                part[k] += grad[i + k] * (std::abs(v) < top ? inside : std::copysign(top, v));
            }
        for (; i < end; i++) {
            const T v = latent[i] * per_step;
            part[0] += grad[i] * (std::abs(v) < top ? nearest(v) - v : std::copysign(top, v));
        }
        for (const T x : part) total += x;
    }
    return total;
}

}  // namespace

// latent, weight, code, grad [count], in one order
#define CODES(NAME, T)                                                                                                              \
    extern "C" void codes_round_##NAME(T *latent, int64_t count, double top, double step, T *weight, int32_t *code) {               \
        round<T>(latent, count, T(top), T(step), weight, code);                                                                     \
    }                                                                                                                               \
    extern "C" void codes_slope_##NAME(const T *grad, const T *latent, int64_t count, double top, double step, double *out) {       \
        *out = slope<T>(grad, latent, count, T(top), T(step));                                                                      \
    }

CODES(f32, float)
CODES(f64, double)
