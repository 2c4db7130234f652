// Exact evaluation of the accumulation phase, event by event: fused, sparse, one thread, C interface.
//
// Forward: between two spikes f and g are constant, v takes the exact step. Backward: the adjoint runs from t = 1 back over the events;
// an axon's weight collects the suffix sums of dL/dg and dL/df, a spike time gets -adjoint (w - beta w v) at its event.

#include "layer.h"

namespace {

// Live spikes of every source in order of time; `share` holds their times. Bucketed first, then sorted by insertion.
template <class T> void sort_events(Lists<T> &lists, const T *t) {
    std::vector<double> edges(lists.steps + 1);
    for (int64_t m = 0; m <= lists.steps; m++) edges[m] = double(m) / double(lists.steps);
    lists.fill(t, edges.data());
    for (int64_t source = 0; source < lists.sources; source++) {
        const T *row = t + source * lists.channels;
        const int64_t first = lists.begin(source, 0), last = lists.begin(source, lists.steps);
        for (int64_t e = first; e < last; e++) {
            const int32_t channel = lists.channel[e];
            const T time = row[channel] < 0 ? T(0) : row[channel];
            int64_t to = e;
            for (; to > first && lists.share[to - 1] > time; to--) {
                lists.share[to] = lists.share[to - 1];
                lists.channel[to] = lists.channel[to - 1];
            }
            lists.share[to] = time, lists.channel[to] = channel;
        }
    }
}

template <class T, int K, bool COND> inline void add_axon(const Tile<T> &tile, int64_t at, T sign, Sums<T, K> &run) {
    for (int k = 0; k < K; k++) {
        const Vec<T> w = load<T>(tile.w + at + k * LANES<T>);
        run.g[k] += splat<T>(sign) * w;
        run.q[k] += splat<T>(sign) * (COND ? load<T>(tile.c + at + k * LANES<T>) : absolute<T>(w));
    }
}

// f h, g h of the interval of length h with these sums
template <class T, int K, bool COND>
inline void interval(const Sums<T, K> &run, T h, T c1, T c2, Vec<T> (&x)[K], Vec<T> (&gh)[K]) {
    for (int k = 0; k < K; k++) {
        x[k] = conductance<T, COND>(run.g[k], run.q[k], c1, c2) * splat<T>(h);
        gh[k] = run.g[k] * splat<T>(h);
    }
}

// v(1) of one row; `at_event`, if given, receives v at every event.
template <class T, int K, bool COND>
inline void integrate(const Lists<T> &lists, const Tile<T> &tile, int64_t source, T c1, T c2, Sums<T, K> &run, Vec<T> (&v)[K],
                      Vec<T> *at_event) {
    Vec<T> x[K], gh[K], e[K], p[K];
    for (int k = 0; k < K; k++) run.g[k] = run.q[k] = v[k] = splat<T>(0);
    T now = 0;
    const int64_t first = lists.begin(source, 0), last = lists.begin(source, lists.steps);
    for (int64_t i = first; i <= last; i++) {
        const T next = i < last ? lists.share[i] : T(1), h = next - now;
        if (!(h <= 0)) {  // NaN too
            interval<T, K, COND>(run, h, c1, c2, x, gh);
            decay<T, K>(x, e, p);
            for (int k = 0; k < K; k++) v[k] = v[k] * e[k] + gh[k] * p[k];
        }
        if (i == last) break;
        now = next;
        if (at_event)
            for (int k = 0; k < K; k++) at_event[(i - first) * K + k] = v[k];
        add_axon<T, K, COND>(tile, lists.channel[i] * tile.ld, T(1), run);
    }
}

template <class T, int K, bool COND>
void forward_tile(const Shape &shape, const Lists<T> &lists, const Tile<T> &tile, T c1, T c2, T *out) {
    Sums<T, K> run;
    Vec<T> v[K];
    for (int64_t row = 0; row < shape.rows(); row++) {
        integrate<T, K, COND>(lists, tile, row, c1, c2, run, v, nullptr);
        for (int k = 0; k < K; k++)
            store<T>(out + row * shape.neurons + tile.first + k * LANES<T>, v[k], tile.count - k * LANES<T>);
    }
}

template <class T, int K, bool COND>
void backward_tile(const Shape &shape, const Lists<T> &lists, const Tile<T> &tile, T c1, T c2, const T *grad, Part<T> *dt,
                   std::vector<Vec<T>> &work) {
    work.resize(shape.channels * K);
    Sums<T, K> run;
    Vec<T> v[K], adjoint[K], A[K], P[K], x[K], gh[K], e[K], p[K], d_phi[K];
    const Vec<T> b1 = splat<T>(c1), b2 = splat<T>(c2);
    for (int64_t row = 0; row < shape.rows(); row++) {
        integrate<T, K, COND>(lists, tile, row, c1, c2, run, v, work.data());
        for (int k = 0; k < K; k++) {
            adjoint[k] = load<T>(grad + row * shape.neurons + tile.first + k * LANES<T>, tile.count - k * LANES<T>);
            A[k] = P[k] = splat<T>(0);
        }
        const int64_t first = lists.begin(row, 0), last = lists.begin(row, lists.steps);
        T after = 1;
        for (int64_t i = last - 1; i >= first; i--) {
            const T now = lists.share[i], h = after - now;
            const int64_t at = lists.channel[i] * tile.ld;
            const Vec<T> *v_now = &work[(i - first) * K];
            after = now;
            if (!(h <= 0)) {
                interval<T, K, COND>(run, h, c1, c2, x, gh);
                decay<T, K>(x, e, p);
                phi_slope<T, K>(x, e, p, d_phi);
                for (int k = 0; k < K; k++) {
                    A[k] += adjoint[k] * p[k] * splat<T>(h);
                    P[k] += adjoint[k] * splat<T>(h) * (gh[k] * d_phi[k] - v_now[k] * e[k]);
                    adjoint[k] *= e[k];
                }
            }
            Vec<T> time = splat<T>(0);
            for (int k = 0; k < K; k++) {
                const Vec<T> w = load<T>(tile.w + at + k * LANES<T>);
                const Vec<T> c = COND ? load<T>(tile.c + at + k * LANES<T>) : b1 * w + b2 * absolute<T>(w);
                time += adjoint[k] * (w - c * v_now[k]);
                if constexpr (COND) {
                    add<T>(tile.dw + at + k * LANES<T>, A[k]);
                    add<T>(tile.dc + at + k * LANES<T>, P[k]);
                } else
                    add<T>(tile.dw + at + k * LANES<T>, A[k] + b1 * P[k] + times_sign<T>(b2 * P[k], w));
            }
            dt[i] -= fold<T>(time);
            add_axon<T, K, COND>(tile, at, T(-1), run);
        }
    }
}

template <class T, bool COND>
void forward(const Shape &shape, const T *t, const T *w, const T *c, double c1, double c2, int64_t buckets, int32_t *channel,
             T *time, int32_t *offset, T *out) {
    Lists<T> lists{shape.sources(), shape.channels, buckets, channel, time, offset};
    sort_events(lists, t);
    each_tile<T>(shape, w, c, nullptr, nullptr, [&](const Tile<T> &tile, int k) {
        auto run = k == 4 ? forward_tile<T, 4, COND> : k == 2 ? forward_tile<T, 2, COND> : forward_tile<T, 1, COND>;
        run(shape, lists, tile, T(c1), T(c2), out);
    });
}

template <class T, bool COND>
void backward(const Shape &shape, const T *t, const T *w, const T *c, double c1, double c2, int64_t buckets, int32_t *channel,
              T *time, int32_t *offset, const T *grad, T *dt, T *dw, T *dc) {
    const Lists<T> lists{shape.sources(), shape.channels, buckets, channel, time, offset};
    std::vector<Part<T>> d_event(shape.sources() * shape.channels);
    std::vector<Vec<T>> work;
    each_tile<T>(shape, w, c, dw, dc, [&](const Tile<T> &tile, int k) {
        auto run = k == 4 ? backward_tile<T, 4, COND> : k == 2 ? backward_tile<T, 2, COND> : backward_tile<T, 1, COND>;
        run(shape, lists, tile, T(c1), T(c2), grad, d_event.data(), work);
    });
    if (dt) lists.scatter(t, d_event.data(), dt);
}

}  // namespace

// Linear layers: one source a row, one tap. `channel`, `time`, `offset`: see Lists, with any number of buckets. Null `dt`: not wanted.
#define EXACT(NAME, T)                                                                                                \
    extern "C" void exact_forward_##NAME(const Shape *shape, const T *t, const T *w, const T *c, double c1, double c2,  \
                                         int64_t buckets, int32_t *channel, T *time, int32_t *offset, T *out) {        \
        auto run = c ? forward<T, true> : forward<T, false>;                                                          \
        run(*shape, t, w, c, c1, c2, buckets, channel, time, offset, out);                                            \
    }                                                                                                                 \
    extern "C" void exact_backward_##NAME(const Shape *shape, const T *t, const T *w, const T *c, double c1, double c2, \
                                          int64_t buckets, int32_t *channel, T *time, int32_t *offset, const T *grad,  \
                                          T *dt, T *dw, T *dc) {                                                      \
        auto run = c ? backward<T, true> : backward<T, false>;                                                        \
        run(*shape, t, w, c, c1, c2, buckets, channel, time, offset, grad, dt, dw, dc);                               \
    }

EXACT(f32, float)
EXACT(f64, double)
