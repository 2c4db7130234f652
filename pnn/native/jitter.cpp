// Standard deviation of a layer's spikes by its measured noise, in the short form of nonideal.pnn.jitter: three sums over axons,
// then the firing stage. No derivative: the jitter that training draws has none.

#include <algorithm>
#include <cmath>
#include <vector>

#include "vectors.h"

namespace {

constexpr int POINTS = 1025, POWERS = 5, BETAS = 6, SUMS = 3;
constexpr int64_t SAMPLES = VECTOR_BYTES == 64 ? 8 : 4;  // so many share the loads of a weight's terms, as far as there are registers for their sums

// A function from 0 on, by lines between points that are 1 / per apart.
struct Table {
    double per, values[POINTS];

    double operator()(double x) const {
        const double at = std::min(std::max(x, 0.0) * per, POINTS - 1 - 1e-9);
        const int k = int(at);
        return values[k] + (at - k) * (values[k + 1] - values[k]);
    }
};

// One polarity: intensities over sqrt |w|, and beta(|w|) within its range.
struct Side {
    double white[POWERS], flicker[POWERS], beta[BETAS], beta_low, beta_high;
};

struct Law {
    Side side[2];
    Table window, ramp;  // what flicker adds up to over a time, and all that the firing stage adds, over the spike time
    double highest, switched, discharge;
};

template <class T, int N> inline T polynomial(const T (&c)[2][N], bool negative, T x) {
    T value = 0;
    for (int k = N - 1; k >= 0; k--) value = value * x + (negative ? c[1][k] : c[0][k]);
    return value;
}

// What an axon's synapses add to the sums, by vectors of outputs: white noise, flicker, decay, each [LANES]; the next vector's lie ``apart``.
template <class T> void terms_of(const Law &law, const T *__restrict w, int64_t outputs, int64_t wide, T *__restrict scratch, T *__restrict to, int64_t apart) {
    T white[2][POWERS], flicker[2][POWERS], beta[2][BETAS], low[2], high[2];
    for (int side = 0; side < 2; side++) {
        const Side &from = law.side[side];
        for (int k = 0; k < POWERS; k++) white[side][k] = T(from.white[k]), flicker[side][k] = T(from.flicker[k]);
        for (int k = 0; k < BETAS; k++) beta[side][k] = T(from.beta[k]);
        low[side] = T(from.beta_low), high[side] = T(from.beta_high);
    }
    const T highest = T(law.highest);
    for (int64_t k = 0; k < outputs; k++) {
        const T weight = w[k], size = std::abs(weight), root = std::sqrt(std::min(size, highest));
        const bool negative = weight < 0;
        scratch[k] = polynomial(white, negative, root) * size;
        scratch[wide + k] = polynomial(flicker, negative, root) * size * size;
        const T held = std::min(std::max(size, negative ? low[1] : low[0]), negative ? high[1] : high[0]);
        scratch[2 * wide + k] = polynomial(beta, negative, held) * weight;
    }
    for (int64_t k = 0; k < wide; k += LANES<T>)
        for (int64_t sum = 0; sum < SUMS; sum++) store<T>(to + k / LANES<T> * apart + sum * LANES<T>, load<T>(scratch + sum * wide + k));
}

template <class T> double sigma_of(const Law &law, double scale, double white, double flicker, double decay, T v, T time) {
    const double twice = 2 * decay, decayed = std::exp(-twice);
    const double phi = std::abs(twice) < 1e-5 ? 1 - twice / 2 : (1 - decayed) / twice;
    const double per_v = scale / (1 - law.discharge * v);
    return std::sqrt(((white + flicker) * phi + law.switched * decayed) * per_v * per_v + law.ramp(time));
}

template <class T>
void jitter(const T *t, const T *w, const T *v, const T *time, int64_t samples, int64_t inputs, int64_t outputs, const Law &law, T *out) {
    const int64_t wide = (outputs + LANES<T> - 1) / LANES<T> * LANES<T>, apart = inputs * SUMS * LANES<T>;
    std::vector<T> terms(apart * (wide / LANES<T>)), scratch(SUMS * wide, T(0));
    for (int64_t j = 0; j < inputs; j++)
        terms_of(law, w + j * outputs, outputs, wide, scratch.data(), terms.data() + j * SUMS * LANES<T>, apart);
    const double scale = -law.discharge / std::log1p(-law.discharge);
    const int64_t groups = (samples + SAMPLES - 1) / SAMPLES;
    struct Came {
        int64_t axon;
        T left[SAMPLES], window[SAMPLES];
    };
    std::vector<Came> came;  // spikes that never come weigh nothing
    std::vector<size_t> ends;
    came.reserve(groups * inputs);
    for (int64_t group = 0; group < groups; group++) {
        for (int64_t j = 0; j < inputs; j++) {
            Came one{j, {}, {}};
            bool some = false;
            for (int64_t s = 0; s < std::min(SAMPLES, samples - group * SAMPLES); s++) {
                const double rest = 1 - std::min(std::max(double(t[(group * SAMPLES + s) * inputs + j]), 0.0), 1.0);
                one.left[s] = T(rest), one.window[s] = T(rest > 0 ? law.window(rest) : 0);
                some |= rest > 0;
            }
            if (some) came.push_back(one);
        }
        ends.push_back(came.size());
    }
    for (int64_t k = 0; k < wide; k += LANES<T>) {  // a vector's terms stay in the cache for all samples
        const T *const mine = terms.data() + k / LANES<T> * apart;
        for (int64_t group = 0; group < groups; group++) {
            Vec<T> white[SAMPLES] = {}, flicker[SAMPLES] = {}, decay[SAMPLES] = {};
            for (size_t i = group ? ends[group - 1] : 0; i < ends[group]; i++) {
                const Came &one = came[i];
                const T *const row = mine + one.axon * SUMS * LANES<T>;
                const Vec<T> a = load<T>(row), b = load<T>(row + LANES<T>), c = load<T>(row + 2 * LANES<T>);
                for (int64_t s = 0; s < SAMPLES; s++) {
                    white[s] += a * splat<T>(one.left[s]), decay[s] += c * splat<T>(one.left[s]);
                    flicker[s] += b * splat<T>(one.window[s]);
                }
            }
            for (int64_t s = 0; s < std::min(SAMPLES, samples - group * SAMPLES); s++)
                for (int64_t lane = 0; lane < std::min(LANES<T>, outputs - k); lane++) {
                    const int64_t at = (group * SAMPLES + s) * outputs + k + lane;
                    out[at] = T(sigma_of(law, scale, white[s][lane], flicker[s][lane], decay[s][lane], v[at], time[at]));
                }
        }
    }
}

}  // namespace

// t [samples][inputs], w [inputs][outputs], v, time and out [samples][outputs]; law: the numbers of struct Law.
#define JITTER(NAME, T)                                                                                                              \
    extern "C" void jitter_sigma_##NAME(const T *t, const T *w, const T *v, const T *time, int64_t samples, int64_t inputs,          \
                                        int64_t outputs, const void *law, T *out) {                                                  \
        jitter<T>(t, w, v, time, samples, inputs, outputs, *(const Law *)law, out);                                                  \
    }

JITTER(f32, float)
JITTER(f64, double)
