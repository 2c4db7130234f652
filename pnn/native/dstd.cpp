// DSTD of the accumulation phase: fused, sparse, one thread, C interface.
//
// A spike changes its average S only in the one interval of the grid it falls into. So each source (a sample, or a pixel of a convolution) gets its
// live spikes bucketed by interval once; a neuron then keeps running sums of w and beta w and touches every weight of a live
// axon once, whatever the number of intervals. Backward is one reverse scan with suffix sums.
//
// Layout: weights [taps * channels, neurons], so that one axon's weights are contiguous over the neurons, which are
// vectorised in tiles. conductance = beta w is given explicitly, or (null) as c1 w + c2 |w|.

#include "accumulate.h"
#include "ramp.h"

namespace {

constexpr int FG = 2, FGM = 4;  // values saved per interval and neuron: f, g (, f1, g1)

template <class T, int K, bool COND, bool THIRD>
void forward_tile(const Shape &shape, const Lists<T> &lists, const Grid<T> &grid, const Tile<T> &tile, T c1, T c2,
                  const Ramp<T> &ramp, T *out, T *fire, T *saved) {
    constexpr int values = THIRD ? FGM : FG;
    for (int64_t row = 0; row < shape.rows(); row++) {
        const int64_t image = row / shape.rows_per_image;
        const int32_t *taps = shape.taps + (row % shape.rows_per_image) * shape.n_taps;
        Sums<T, K> run, part, moment;
        Vec<T> v[K];
        for (int k = 0; k < K; k++) run.g[k] = run.q[k] = v[k] = splat<T>(0);
        for (int64_t m = 0; m < grid.steps; m++) {
            accumulate<T, K, COND, THIRD>(shape, lists, tile, image, taps, m, run, part, moment);
            const Vec<T> h = splat<T>(grid.width[m]);
            Vec<T> x[K], gh[K], e[K], p[K];
            T *keep = saved ? saved + (tile.first * shape.rows() + row * tile.count) * grid.steps * values + m * values * tile.count : nullptr;
            for (int k = 0; k < K; k++) {
                const Vec<T> f = conductance<T, COND>(part.g[k], part.q[k], c1, c2), g = part.g[k];
                x[k] = f * h, gh[k] = g * h;
                const int64_t room = tile.count - k * LANES<T>;
                if constexpr (THIRD) {
                    const Vec<T> f1 = conductance<T, COND>(moment.g[k], moment.q[k], c1, c2), g1 = moment.g[k];
                    gh[k] += h * h * (f * g1 - f1 * g);
                    if (keep) {
                        store<T>(keep + 2 * tile.count + k * LANES<T>, f1, room);
                        store<T>(keep + 3 * tile.count + k * LANES<T>, g1, room);
                    }
                }
                if (keep) {
                    store<T>(keep + k * LANES<T>, f, room);
                    store<T>(keep + tile.count + k * LANES<T>, g, room);
                }
            }
            decay<T, K>(x, e, p);
            for (int k = 0; k < K; k++) v[k] = v[k] * e[k] + gh[k] * p[k];
        }
        for (int k = 0; k < K; k++) {
            const int64_t to = row * shape.neurons + tile.first + k * LANES<T>, room = tile.count - k * LANES<T>;
            store<T>(out + to, v[k], room);
            if (fire) store<T>(fire + to, ramp.time(v[k]), room);
        }
    }
}

template <class T, int K, bool COND, bool THIRD, bool TIME>
void backward_tile(const Shape &shape, const Lists<T> &lists, const Grid<T> &grid, const Tile<T> &tile, T c1, T c2,
                   const Ramp<T> &ramp, const T *saved, const T *grad, const T *grad_fire, Part<T> *dt, std::vector<Vec<T>> &work) {
    constexpr int values = THIRD ? FGM : FG;
    constexpr int per_step = K * (values + 3);  // f, g (, f1, g1), v before the step, decay, phi
    work.resize(grid.steps * per_step);
    const Vec<T> b1 = splat<T>(c1), b2 = splat<T>(c2), zero = splat<T>(0);
    for (int64_t row = 0; row < shape.rows(); row++) {
        const int64_t image = row / shape.rows_per_image;
        const int32_t *taps = shape.taps + (row % shape.rows_per_image) * shape.n_taps;
        Sums<T, K> run, part, moment;
        Vec<T> v[K];
        for (int k = 0; k < K; k++) run.g[k] = run.q[k] = v[k] = zero;
        for (int64_t m = 0; m < grid.steps; m++) {  // the forward pass once more: f and g are loaded or accumulated anew
            const Vec<T> h = splat<T>(grid.width[m]);
            if (!saved) accumulate<T, K, COND, THIRD>(shape, lists, tile, image, taps, m, run, part, moment);
            const T *kept = saved ? saved + (tile.first * shape.rows() + row * tile.count) * grid.steps * values + m * values * tile.count : nullptr;
            Vec<T> fh[K], gh[K], e[K], p[K];
            for (int k = 0; k < K; k++) {
                Vec<T> *x = &work[m * per_step + k * (values + 3)];
                const int64_t room = tile.count - k * LANES<T>;
                x[0] = saved ? load<T>(kept + k * LANES<T>, room) : conductance<T, COND>(part.g[k], part.q[k], c1, c2);
                x[1] = saved ? load<T>(kept + tile.count + k * LANES<T>, room) : part.g[k];
                fh[k] = x[0] * h, gh[k] = x[1] * h;
                if constexpr (THIRD) {
                    x[2] = saved ? load<T>(kept + 2 * tile.count + k * LANES<T>, room)
                                 : conductance<T, COND>(moment.g[k], moment.q[k], c1, c2);
                    x[3] = saved ? load<T>(kept + 3 * tile.count + k * LANES<T>, room) : moment.g[k];
                    gh[k] += h * h * (x[0] * x[3] - x[2] * x[1]);
                }
            }
            decay<T, K>(fh, e, p);
            for (int k = 0; k < K; k++) {
                Vec<T> *x = &work[m * per_step + k * (values + 3)];
                x[values] = v[k], x[values + 1] = e[k], x[values + 2] = p[k];
                v[k] = v[k] * e[k] + gh[k] * p[k];
            }
        }
        Vec<T> adjoint[K];  // dL/dv after the interval
        Vec<T> U[K], R[K];  // suffix sums of dL/dg, dL/df over later intervals (for given beta: already combined)
        for (int k = 0; k < K; k++) {
            const int64_t from = row * shape.neurons + tile.first + k * LANES<T>, room = tile.count - k * LANES<T>;
            adjoint[k] = grad ? load<T>(grad + from, room) : zero;
            if (grad_fire) adjoint[k] += load<T>(grad_fire + from, room) * ramp.slope(v[k]);
            U[k] = R[k] = zero;
        }
        for (int64_t m = grid.steps - 1; m >= 0; m--) {
            const Vec<T> h = splat<T>(grid.width[m]);
            Vec<T> u[K], r[K], u1[K], r1[K], fh[K], e[K], p[K], d_phi[K];
            const Vec<T> *kept = &work[m * per_step];
            for (int k = 0; k < K; k++) {
                const Vec<T> *x = kept + k * (values + 3);
                fh[k] = x[0] * h, e[k] = x[values + 1], p[k] = x[values + 2];
            }
            phi_slope<T, K>(fh, e, p, d_phi);
            for (int k = 0; k < K; k++) {
                const Vec<T> *x = kept + k * (values + 3);
                const Vec<T> f = x[0], g = x[1];
                Vec<T> gh = g * h;
                if constexpr (THIRD) gh += h * h * (f * x[3] - x[2] * g);
                const Vec<T> d_gh = adjoint[k] * p[k];
                Vec<T> dg = d_gh * h, df = h * adjoint[k] * (gh * d_phi[k] - x[values] * e[k]);
                Vec<T> dg1 = zero, df1 = zero;
                if constexpr (THIRD) {
                    const Vec<T> hh = h * h * d_gh;
                    dg -= hh * x[2], df += hh * x[3], dg1 = hh * f, df1 = -hh * g;
                }
                adjoint[k] *= e[k];
                u[k] = COND ? dg : dg + b1 * df, r[k] = COND ? df : b2 * df;
                u1[k] = COND ? dg1 : dg1 + b1 * df1, r1[k] = COND ? df1 : b2 * df1;
            }
            const T slope = T(-1) / grid.width[m];
            for (int64_t tap = 0; tap < shape.n_taps; tap++) {
                if (taps[tap] < 0) continue;
                const int64_t source = image * shape.sources_per_image + taps[tap];
                const int64_t end = lists.begin(source, m + 1), ld = tile.ld, base = tap * shape.channels * ld;
                const int32_t *channel = lists.channel;
                const T *spike_share = lists.share;
                const T *tile_w = tile.w + base, *tile_c = COND ? tile.c + base : nullptr;
                T *tile_dw = tile.dw + base, *tile_dc = COND ? tile.dc + base : nullptr;
                for (int64_t e = lists.begin(source, m); e < end; e++) {
                    const int64_t at = channel[e] * ld;
                    const T share = spike_share[e];
                    const Vec<T> s = splat<T>(share), s1 = splat<T>(T(0.5) * share * (1 - share)), half = splat<T>(T(0.5) - share);
                    Vec<T> time = zero;
                    for (int k = 0; k < K; k++) {
                        const Vec<T> w = load<T>(tile_w + at + k * LANES<T>);
                        Vec<T> to_g = U[k] + s * u[k], to_q = R[k] + s * r[k];
                        if constexpr (THIRD) to_g += s1 * u1[k], to_q += s1 * r1[k];
                        T *dw = tile_dw + at + k * LANES<T>;
                        if constexpr (COND) {
                            add<T>(dw, to_g);
                            add<T>(tile_dc + at + k * LANES<T>, to_q);
                        } else
                            add<T>(dw, to_g + times_sign<T>(to_q, w));
                        if constexpr (TIME) {
                            const Vec<T> q = COND ? load<T>(tile_c + at + k * LANES<T>) : absolute<T>(w);
                            time += w * u[k] + q * r[k];
                            if constexpr (THIRD) time += half * (w * u1[k] + q * r1[k]);
                        }
                    }
                    if constexpr (TIME) dt[e] += fold<T>(splat<T>(slope) * time);
                }
            }
            for (int k = 0; k < K; k++) U[k] += u[k], R[k] += r[k];
        }
    }
}

template <class T, bool COND, bool THIRD>
void forward(const Shape &shape, const T *t, const T *w, const T *c, double c1, double c2, const double *edges, int64_t steps,
             double b, int32_t *channel, T *share, int32_t *offset, T *out, T *fire, T *saved) {
    const Grid<T> grid(edges, steps);
    Lists<T> lists{shape.sources(), shape.channels, steps, channel, share, offset};
    lists.fill(t, edges);
    each_tile<T>(shape, w, c, nullptr, nullptr, [&](const Tile<T> &tile, int k) {
        auto run = k == 4 ? forward_tile<T, 4, COND, THIRD> : k == 2 ? forward_tile<T, 2, COND, THIRD> : forward_tile<T, 1, COND, THIRD>;
        run(shape, lists, grid, tile, T(c1), T(c2), Ramp<T>(b), out, fire, saved);
    });
}

template <class T, bool COND, bool THIRD, bool TIME>
void backward(const Shape &shape, const T *t, const T *w, const T *c, double c1, double c2, const double *edges, int64_t steps,
              double b, int32_t *channel, T *share, int32_t *offset, const T *saved, const T *grad, const T *grad_fire, T *dt, T *dw, T *dc) {
    const Grid<T> grid(edges, steps);
    const Lists<T> lists{shape.sources(), shape.channels, steps, channel, share, offset};
    std::vector<Part<T>> time(TIME ? shape.sources() * shape.channels : 0);
    std::vector<Vec<T>> work;
    each_tile<T>(shape, w, c, dw, dc, [&](const Tile<T> &tile, int k) {
        auto run = k == 4   ? backward_tile<T, 4, COND, THIRD, TIME>
                   : k == 2 ? backward_tile<T, 2, COND, THIRD, TIME>
                            : backward_tile<T, 1, COND, THIRD, TIME>;
        run(shape, lists, grid, tile, T(c1), T(c2), Ramp<T>(b), saved, grad, grad_fire, time.data(), work);
    });
    if (TIME) lists.scatter(t, time.data(), dt);
}

}  // namespace

// Both directions of one layer in one precision. `b`: of the ramp. `channel`, `share`, `offset`: see Lists. Null `fire`: no spike times wanted;
// null `saved`: backward accumulates anew. Null `grad` (of v), `grad_fire`: zero. Null `dt`: no gradient of the input. Gradients are added to
// `dw`, `dc`.
#define DSTD(NAME, T)                                                                                                  \
    extern "C" void dstd_forward_##NAME(const Shape *shape, const T *t, const T *w, const T *c, double c1, double c2,    \
                                        const double *edges, int64_t steps, int third, double b, int32_t *channel,      \
                                        T *share, int32_t *offset, T *out, T *fire, T *saved) {                         \
        choose<T>(c != nullptr, third != 0, [&](auto cond, auto order) {                                                \
            forward<T, cond.value, order.value>(*shape, t, w, c, c1, c2, edges, steps, b, channel, share, offset, out,  \
                                                fire, saved);                                                          \
        });                                                                                                            \
    }                                                                                                                  \
    extern "C" void dstd_backward_##NAME(const Shape *shape, const T *t, const T *w, const T *c, double c1, double c2,   \
                                         const double *edges, int64_t steps, int third, double b, int32_t *channel,     \
                                         T *share, int32_t *offset, const T *saved, const T *grad, const T *grad_fire,  \
                                         T *dt, T *dw, T *dc) {                                                        \
        choose<T>(c != nullptr, third != 0, [&](auto cond, auto order) {                                                \
            auto run = dt ? backward<T, cond.value, order.value, true> : backward<T, cond.value, order.value, false>;    \
            run(*shape, t, w, c, c1, c2, edges, steps, b, channel, share, offset, saved, grad, grad_fire, dt, dw, dc);   \
        });                                                                                                            \
    }

DSTD(f32, float)
DSTD(f64, double)
