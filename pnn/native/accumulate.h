// The sums of one interval of the grid: the inner loop of every discretised kernel.
#pragma once

#include "layer.h"

template <class T> struct Grid {
    std::vector<T> width;
    int64_t steps;
    Grid(const double *edges, int64_t n) : width(n), steps(n) {
        for (int64_t m = 0; m < n; m++) width[m] = T(edges[m + 1] - edges[m]);
    }
};

// Accumulate the spikes of interval m over all taps: `run` gets their full weights, `part` their S-weighted ones, `moment` the S(1-S)/2-weighted.
template <class T, int K, bool COND, bool THIRD>
inline void accumulate(const Shape &shape, const Lists<T> &lists, const Tile<T> &tile, int64_t image, const int32_t *taps,
                       int64_t m, Sums<T, K> &run, Sums<T, K> &part, Sums<T, K> &moment) {
    for (int k = 0; k < K; k++) part.g[k] = run.g[k], part.q[k] = run.q[k];
    if constexpr (THIRD)
        for (int k = 0; k < K; k++) moment.g[k] = moment.q[k] = splat<T>(0);
    for (int64_t tap = 0; tap < shape.n_taps; tap++) {
        if (taps[tap] < 0) continue;
        const int64_t source = image * shape.sources_per_image + taps[tap];
        const int64_t end = lists.begin(source, m + 1);
        const T *w0 = tile.w + tap * shape.channels * tile.ld, *c0 = COND ? tile.c + tap * shape.channels * tile.ld : nullptr;
        for (int64_t e = lists.begin(source, m); e < end; e++) {
            const T share = lists.share[e];
            const Vec<T> s = splat<T>(share), s1 = splat<T>(T(0.5) * share * (1 - share));
            const T *w = w0 + lists.channel[e] * tile.ld, *c = COND ? c0 + lists.channel[e] * tile.ld : nullptr;
            for (int k = 0; k < K; k++) {
                const Vec<T> wv = load<T>(w + k * LANES<T>), qv = COND ? load<T>(c + k * LANES<T>) : absolute<T>(wv);
                run.g[k] += wv, run.q[k] += qv;
                part.g[k] += s * wv, part.q[k] += s * qv;
                if constexpr (THIRD) moment.g[k] += s1 * wv, moment.q[k] += s1 * qv;
            }
        }
    }
}

template <class T, class Call> void choose(bool cond, bool third, Call call) {
    if (cond)
        third ? call(std::true_type{}, std::true_type{}) : call(std::true_type{}, std::false_type{});
    else
        third ? call(std::false_type{}, std::true_type{}) : call(std::false_type{}, std::false_type{});
}
