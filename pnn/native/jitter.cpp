// Standard deviation of a layer's spikes by its measured noise, in the short form of nonideal.pnn.jitter: three sums over axons,
// then the firing stage. No derivative: the jitter that training draws has none.

#include <algorithm>
#include <cmath>
#include <vector>

#include "vectors.h"

namespace {

constexpr int POINTS = 1025, POWERS = 5, BETAS = 6, SUMS = 3;
constexpr int64_t SAMPLES = VECTOR_BYTES == 64 ? 8 : 4;  // as far as there are registers for their sums
constexpr int64_t MANY = 2;  // where one of so many axons spikes, or more, samples are summed together

// How much of the phase a spike leaves.
inline double left_of(double t) { return 1 - std::min(std::max(t, 0.0), 1.0); }

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

// Of both polarities: [power][negative].
template <class T> struct Coefficients {
    T white[POWERS][2], flicker[POWERS][2], beta[BETAS][2], low[2], high[2], highest;

    explicit Coefficients(const Law &law) : highest(T(law.highest)) {
        for (int side = 0; side < 2; side++) {
            const Side &from = law.side[side];
            for (int k = 0; k < POWERS; k++) white[k][side] = T(from.white[k]), flicker[k][side] = T(from.flicker[k]);
            for (int k = 0; k < BETAS; k++) beta[k][side] = T(from.beta[k]);
            low[side] = T(from.beta_low), high[side] = T(from.beta_high);
        }
    }
};

template <class T> inline Vec<T> of_side(const T (&c)[2], Bits<T> negative) { return negative ? splat<T>(c[1]) : splat<T>(c[0]); }
template <class T, int N> inline Vec<T> polynomial(const T (&c)[N][2], Bits<T> negative, Vec<T> x) {
    Vec<T> value = of_side<T>(c[N - 1], negative);
    for (int k = N - 2; k >= 0; k--) value = value * x + of_side<T>(c[k], negative);
    return value;
}
template <class T> inline Vec<T> least(Vec<T> a, Vec<T> b) { return a < b ? a : b; }
template <class T> inline Vec<T> most(Vec<T> a, Vec<T> b) { return a < b ? b : a; }

// What an axon's synapses with a vector of outputs add to the sums: white noise, flicker, decay, each [LANES].
template <class T> inline void terms_of(const Coefficients<T> &c, Vec<T> w, T *to) {
    const Bits<T> negative = (Bits<T>)(w < Vec<T>{});
    const Vec<T> size = absolute<T>(w), root = root_of<T>(least<T>(size, splat<T>(c.highest)));
    const Vec<T> held = least<T>(most<T>(size, of_side<T>(c.low, negative)), of_side<T>(c.high, negative));
    store<T>(to, polynomial(c.white, negative, root) * size);
    store<T>(to + LANES<T>, polynomial(c.flicker, negative, root) * size * size);
    store<T>(to + 2 * LANES<T>, polynomial(c.beta, negative, held) * w);
}

// Spikes on an axon in GROUP samples, which share the loads of its terms: how much of the phase each leaves, and what flicker adds up to over that.
template <class T, int64_t GROUP> struct Came {
    const T *terms;
    T left[GROUP], window[GROUP];
};

// Of GROUP samples: white noise, flicker, decay.
template <class T, int64_t GROUP> struct Sums {
    Vec<T> white[GROUP] = {}, flicker[GROUP] = {}, decay[GROUP] = {};

    inline void add(const Came<T, GROUP> &one) {
        const Vec<T> a = load<T>(one.terms), b = load<T>(one.terms + LANES<T>), c = load<T>(one.terms + 2 * LANES<T>);
        for (int64_t s = 0; s < GROUP; s++) {
            white[s] += a * splat<T>(one.left[s]), decay[s] += c * splat<T>(one.left[s]);
            flicker[s] += b * splat<T>(one.window[s]);
        }
    }
};

template <class T, int64_t GROUP>
void jitter_of(const T *t, const T *w, const T *v, const T *time, int64_t samples, int64_t inputs, int64_t outputs, const Law &law, T *out) {
    const Coefficients<T> coefficients(law);
    std::vector<T> terms(inputs * SUMS * LANES<T>);  // of one vector of outputs: they stay in the cache for all samples
    std::vector<Came<T, GROUP>> came;                // spikes that never come weigh nothing
    std::vector<size_t> ends{0};
    for (int64_t first = 0; first < samples; first += GROUP) {
        for (int64_t j = 0; j < inputs; j++) {
            Came<T, GROUP> one{terms.data() + j * SUMS * LANES<T>, {}, {}};
            bool some = false;
            for (int64_t s = 0; s < std::min(GROUP, samples - first); s++) {
                const double rest = left_of(t[(first + s) * inputs + j]);
                one.left[s] = T(rest), one.window[s] = T(rest > 0 ? law.window(rest) : 0);
                some |= rest > 0;
            }
            if (some) came.push_back(one);
        }
        ends.push_back(came.size());
    }
    const T scale = T(-law.discharge / std::log1p(-law.discharge)), discharge = T(law.discharge), switched = T(law.switched);
    for (int64_t k = 0; k < outputs; k += LANES<T>) {
        const int64_t count = std::min(LANES<T>, outputs - k);
        for (int64_t j = 0; j < inputs; j++) terms_of(coefficients, load<T>(w + j * outputs + k, count), terms.data() + j * SUMS * LANES<T>);
        for (int64_t group = 0; group * GROUP < samples; group++) {
            Sums<T, GROUP> one, other;
            size_t i = ends[group];
            if constexpr (GROUP == 1)  // a sum must wait for itself
                for (; i + 1 < ends[group + 1]; i += 2) one.add(came[i]), other.add(came[i + 1]);
            for (; i < ends[group + 1]; i++) one.add(came[i]);
            for (int64_t s = 0; s < std::min(GROUP, samples - group * GROUP); s++) {
                const int64_t at = (group * GROUP + s) * outputs + k;
                Vec<T> twice[1] = {splat<T>(2) * one.decay[s]}, sum = one.white[s] + one.flicker[s], decayed[1], phi[1];
                if constexpr (GROUP == 1) twice[0] += splat<T>(2) * other.decay[s], sum += other.white[s] + other.flicker[s];
                decay<T, 1>(twice, decayed, phi);
                const Vec<T> per_v = splat<T>(scale) / (splat<T>(1) - splat<T>(discharge) * load<T>(v + at, count));
                const Vec<T> variance = (sum * phi[0] + splat<T>(switched) * decayed[0]) * per_v * per_v;
                for (int64_t lane = 0; lane < count; lane++) out[at + lane] = T(std::sqrt(double(variance[lane]) + law.ramp(time[at + lane])));
            }
        }
    }
}

template <class T>
void jitter(const T *t, const T *w, const T *v, const T *time, int64_t samples, int64_t inputs, int64_t outputs, const Law &law, T *out) {
    int64_t spikes = 0;
    for (int64_t i = 0; i < samples * inputs; i++) spikes += left_of(t[i]) > 0;
    const bool many = spikes * MANY > samples * inputs;
    (many ? jitter_of<T, SAMPLES> : jitter_of<T, 1>)(t, w, v, time, samples, inputs, outputs, law, out);
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
