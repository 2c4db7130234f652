// What a synapse of weight w adds to the sums: beta(w) w, and the charge of an arriving spike.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "vectors.h"

// How the kernels find beta w: as c1 w + c2 |w| (beta constant per sign, no charge), given as a tensor, or evaluated for every
// weight once per call (a polynomial of |w|, with charges).
enum Form { CONSTANT, GIVEN, FULL };

// Call `call` with the form as a type.
template <class Call> void choose(Form form, Call call) {
    if (form == CONSTANT)
        call(std::integral_constant<Form, CONSTANT>{});
    else if (form == GIVEN)
        call(std::integral_constant<Form, GIVEN>{});
    else
        call(std::integral_constant<Form, FULL>{});
}

template <class T> struct Synapse {
    T delay, half, mean;    // a spike adds the charge mean + half to v where w > 0, mean - half where w < 0,
    T skew, lag;            // less skew |w| + lag w
    T nothing;              // what it adds where w is 0, less mean
    T low[2], high[2];      // of w >= 0, w < 0: the range of |w| outside which beta is held
    T c1, c2;               // beta w = c1 w + c2 |w| where it is constant
    int64_t terms;
    std::vector<T> beta[2];  // coefficients, from the constant one on
    std::vector<T> axon, neuron;  // what a spike of an axon, and any spike in a neuron, adds to v whatever w; empty: nothing

    // flat: delay, charges, skew, lag, charge of w = 0, how many axons and neurons have charges of their own, low ends, high ends,
    // coefficients of w >= 0, of w < 0, those charges
    Synapse(const double *flat, int64_t count)
        : delay(T(flat[0])), half(T(0.5 * (flat[1] - flat[2]))), mean(T(0.5 * (flat[1] + flat[2]))), skew(T(flat[3])), lag(T(flat[4])),
          nothing(T(flat[5]) - mean) {
        const int64_t axons = int64_t(flat[6]), neurons = int64_t(flat[7]);
        terms = (count - 12 - axons - neurons) / 2;
        for (int sign = 0; sign < 2; sign++) {
            low[sign] = T(flat[8 + sign]), high[sign] = T(flat[10 + sign]);
            beta[sign].assign(flat + 12 + sign * terms, flat + 12 + (sign + 1) * terms);
        }
        const double *own = flat + 12 + 2 * terms;
        axon.assign(own, own + axons);
        neuron.assign(own + axons, own + axons + neurons);
        if (neurons) neuron.resize(neurons + 4 * LANES<T>);  // tiles read whole vectors
        c1 = T(0.5) * (beta[0][0] + beta[1][0]), c2 = T(0.5) * (beta[0][0] - beta[1][0]);
    }

    Form form(bool given) const {
        if (given) return GIVEN;
        const bool none = half == 0 && mean == 0 && skew == 0 && lag == 0 && nothing == 0 && axon.empty() && neuron.empty();
        return terms == 1 && none ? CONSTANT : FULL;
    }
    T of_axon(int32_t channel) const { return axon.empty() ? T(0) : axon[channel]; }
    // Of the neurons from this one on.
    Vec<T> of_neurons(int64_t first) const { return neuron.empty() ? splat<T>(0) : load<T>(neuron.data() + first); }

    // Arrivals of spikes: times below 0 count as 0; from 1 on a spike is silent. NaN stays. Written so that compilers vectorise it.
    void arrivals(const T *__restrict t, int64_t count, T *__restrict to) const {
        const T late = delay;
        for (int64_t i = 0; i < count; i++) {
            const T held = (t[i] < 0 ? T(0) : t[i]) + late;
            to[i] = t[i] >= 1 ? t[i] : held;
        }
    }
    // Up to this time a spike has no gradient: it is held at 0.
    T earliest() const { return delay < 0 ? -delay : T(0); }

    // c = beta(w) w and, if wanted, its derivative.
    template <bool SLOPE> void conductance(Vec<T> w, Vec<T> *c, Vec<T> *slope) const {
        const Bits<T> negative = w < splat<T>(0);
        const Vec<T> size = absolute<T>(w), least = pick(negative, low), most = pick(negative, high);
        Vec<T> x = size < least ? least : size;
        x = x > most ? most : x;
        const T *up = beta[0].data(), *down = beta[1].data();
        Vec<T> p = splat<T>(0), d = splat<T>(0);
        for (int64_t k = terms - 1; k >= 0; k--) {
            if constexpr (SLOPE) d = d * x + p;
            p = p * x + (negative ? splat<T>(down[k]) : splat<T>(up[k]));
        }
        *c = p * w;
        if constexpr (SLOPE) *slope = x == size ? p + size * d : p;
    }

    // The charge without its mean, and without that of axon and neuron; `zeros`: some weights may be 0, which have one of their own.
    Vec<T> charge(Vec<T> w, bool zeros) const {
        const Vec<T> z = times_sign<T>(splat<T>(half), w) - splat<T>(skew) * absolute<T>(w) - splat<T>(lag) * w;
        return zeros ? (w == splat<T>(0) ? splat<T>(nothing) : z) : z;
    }

  private:
    static Vec<T> pick(Bits<T> negative, const T (&of)[2]) { return negative ? splat<T>(of[1]) : splat<T>(of[0]); }
};
