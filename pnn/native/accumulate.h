// The sums of one interval of the grid: the inner loop of every discretised kernel.
#pragma once

#include "layer.h"

#define INLINE __attribute__((always_inline)) inline  // the sums must stay in registers

template <class T> struct Grid {
    std::vector<T> width;
    int64_t steps;
    Grid(const double *edges, int64_t n) : width(n), steps(n) {
        for (int64_t m = 0; m < n; m++) width[m] = T(edges[m + 1] - edges[m]);
    }
};

// Add the spikes of interval m over all taps: `run` gets their full weights, `part` their S-weighted ones, `moment` the S(1-S)/2-weighted.
template <class T, int K, Form FORM, bool THIRD, bool ZEROS>
INLINE void add_spikes(const Shape &shape, const Lists<T> &lists, const Tile<T> &tile, const Synapse<T> &synapse, int64_t image,
                       const int32_t *taps, int64_t m, Sums<T, K> &run, Sums<T, K> &part, Sums<T, K> &moment) {
    for (int64_t tap = 0; tap < shape.n_taps; tap++) {
        if (taps[tap] < 0) continue;
        const int64_t source = image * shape.sources_per_image + taps[tap];
        const int64_t start = lists.begin(source, m), end = lists.begin(source, m + 1), base = tap * shape.channels * tile.ld;
        const T *w0 = tile.w + base, *c0 = FORM == CONSTANT ? nullptr : tile.c + base;
        T shares = 0, moments = 0, own = 0, own_shares = 0, own_moments = 0;
        for (int64_t e = start; e < end; e++) {
            const T share = lists.share[e];
            const Vec<T> s = splat<T>(share), s1 = splat<T>(T(0.5) * share * (1 - share));
            const int64_t at = lists.channel[e] * tile.ld;
            for (int k = 0; k < K; k++) {
                const Vec<T> w = load<T>(w0 + at + k * LANES<T>);
                const Vec<T> q = FORM == CONSTANT ? absolute<T>(w) : load<T>(c0 + at + k * LANES<T>);
                run.g[k] += w, run.q[k] += q;
                part.g[k] += s * w, part.q[k] += s * q;
                if constexpr (THIRD) moment.g[k] += s1 * w, moment.q[k] += s1 * q;
                if constexpr (FORM == FULL) {
                    const Vec<T> z = synapse.charge(w, ZEROS);
                    run.z[k] += z, part.z[k] += s * z;
                    if constexpr (THIRD) moment.z[k] += s1 * z;
                }
            }
            shares += share, moments += T(0.5) * share * (1 - share);
            if constexpr (FORM == FULL) {
                const T axon = synapse.of_axon(lists.channel[e]);
                own += axon, own_shares += share * axon, own_moments += T(0.5) * share * (1 - share) * axon;
            }
        }
        run.n += T(end - start), part.n += shares, run.a += own, part.a += own_shares;
        if constexpr (THIRD) moment.n += moments, moment.a += own_moments;
    }
}

// The sums of interval m from those before it, `run`.
template <class T, int K, Form FORM, bool THIRD>
INLINE void accumulate(const Shape &shape, const Lists<T> &lists, const Tile<T> &tile, const Synapse<T> &synapse, int64_t image,
                       const int32_t *taps, int64_t m, Sums<T, K> &run, Sums<T, K> &part, Sums<T, K> &moment) {
    part = run;
    if constexpr (THIRD) moment.clear();
    if (FORM == FULL && tile.zeros)
        add_spikes<T, K, FORM, THIRD, FORM == FULL>(shape, lists, tile, synapse, image, taps, m, run, part, moment);
    else
        add_spikes<T, K, FORM, THIRD, false>(shape, lists, tile, synapse, image, taps, m, run, part, moment);
}
