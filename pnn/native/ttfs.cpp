// Time to first spike on the grid: the accumulation of DSTD with a threshold at 1, fused, sparse, one thread, C interface.
//
// Time is in units of the horizon: the grid spans [0, 1] and weights are per horizon. A neuron fires in the first interval at whose end
// v >= 1. `step` is that interval and `rest` the time into it; step = steps means silent: its output continues as 1 + (1 - v(1)), so that a
// gradient remains. Backward: at the crossing dt = -dv / v', with v' held above `least_slope` (grazing).

#include <cmath>

#include "accumulate.h"

namespace {

template <class T, int K, Form FORM>
void forward_tile(const Shape &shape, const Lists<T> &lists, const Grid<T> &grid, const Tile<T> &tile, const Synapse<T> &synapse, const double *edges,
                  T *out, int32_t *step, T *rest) {
    const T c1 = synapse.c1, c2 = synapse.c2;
    Sums<T, K> run, part, moment;
    Vec<T> v[K], x[K], gh[K], e[K], p[K], time[K], into[K];
    int32_t at[K * LANES<T>];
    for (int64_t row = 0; row < shape.rows(); row++) {
        const int64_t image = row / shape.rows_per_image;
        const int32_t *taps = shape.taps + (row % shape.rows_per_image) * shape.n_taps;
        run.clear();
        for (int k = 0; k < K; k++) v[k] = time[k] = into[k] = splat<T>(0);
        std::fill_n(at, K * LANES<T>, int32_t(grid.steps));
        int64_t silent = K * LANES<T>;
        for (int64_t m = 0; m < grid.steps && silent > 0; m++) {
            accumulate<T, K, FORM, false>(shape, lists, tile, synapse, image, taps, m, run, part, moment);
            const T h = grid.width[m];
            for (int k = 0; k < K; k++) {
                x[k] = conductance<T, FORM>(part.g[k], part.q[k], c1, c2) * splat<T>(h);
                gh[k] = part.g[k] * splat<T>(h);
            }
            decay<T, K>(x, e, p);
            for (int k = 0; k < K; k++) {
                const Vec<T> next = v[k] * e[k] + gh[k] * p[k];
                if (any<T>((Bits<T>)(next >= splat<T>(1))))
                    for (int64_t i = 0; i < LANES<T>; i++) {
                        int32_t &fired = at[k * LANES<T> + i];
                        if (fired < grid.steps || !(next[i] >= 1)) continue;
                        const T f = x[k][i] / h, slope = std::max(part.g[k][i] - f, std::numeric_limits<T>::min());
                        const T linear = (1 - v[k][i]) / slope, y = f * linear;
                        into[k][i] = std::min(h, y > T(1e-6) ? linear * std::log1p(y) / y : linear);
                        time[k][i] = T(edges[m]) + into[k][i];
                        fired = int32_t(m);
                        silent--;
                    }
                v[k] = next;
            }
        }
        for (int k = 0; k < K; k++)
            for (int64_t i = 0; i < LANES<T> && k * LANES<T> + i < tile.count; i++) {
                const int64_t to = row * shape.neurons + tile.first + k * LANES<T> + i;
                const int32_t fired = at[k * LANES<T> + i];
                step[to] = fired, rest[to] = into[k][i];
                out[to] = fired < grid.steps ? time[k][i] : 2 - v[k][i];
            }
    }
}

template <class T, int K, Form FORM, bool TIME>
void backward_tile(const Shape &shape, const Lists<T> &lists, const Grid<T> &grid, const Tile<T> &tile, const Synapse<T> &synapse, T least_slope,
                   const int32_t *step, const T *rest, const T *grad, Part<T> *dt, std::vector<Vec<T>> &work) {
    constexpr int per_step = K * 3;  // f, g, v before the step
    work.resize(grid.steps * per_step);
    const T c1 = synapse.c1, c2 = synapse.c2;
    const Vec<T> b1 = splat<T>(c1), b2 = splat<T>(c2), zero = splat<T>(0);
    Sums<T, K> run, part, moment;
    Vec<T> v[K], x[K], gh[K], e[K], p[K], d_phi[K], adjoint[K], U[K], R[K], u[K], r[K], at[K], into[K], given[K];
    for (int64_t row = 0; row < shape.rows(); row++) {
        const int64_t image = row / shape.rows_per_image;
        const int32_t *taps = shape.taps + (row % shape.rows_per_image) * shape.n_taps;
        int32_t last = -1;
        run.clear();
        for (int k = 0; k < K; k++) {
            const int64_t from = row * shape.neurons + tile.first + k * LANES<T>, room = tile.template room<K>(k);
            given[k] = load<T>(grad + from, room), into[k] = load<T>(rest + from, room);
            at[k] = splat<T>(-1), v[k] = U[k] = R[k] = adjoint[k] = zero;
            for (int64_t i = 0; i < LANES<T> && i < room; i++) {
                at[k][i] = T(step[from + i]);
                last = std::max(last, std::min(step[from + i], int32_t(grid.steps - 1)));
                if (step[from + i] == grid.steps) adjoint[k][i] = -given[k][i];
            }
        }
        for (int64_t m = 0; m <= last; m++) {
            accumulate<T, K, FORM, false>(shape, lists, tile, synapse, image, taps, m, run, part, moment);
            for (int k = 0; k < K; k++) {
                Vec<T> *keep = &work[m * per_step + k * 3];
                keep[0] = conductance<T, FORM>(part.g[k], part.q[k], c1, c2), keep[1] = part.g[k], keep[2] = v[k];
                x[k] = keep[0] * splat<T>(grid.width[m]), gh[k] = keep[1] * splat<T>(grid.width[m]);
            }
            decay<T, K>(x, e, p);
            for (int k = 0; k < K; k++) v[k] = v[k] * e[k] + gh[k] * p[k];
        }
        for (int64_t m = last; m >= 0; m--) {
            Vec<T> h[K];
            for (int k = 0; k < K; k++) {
                const Vec<T> *kept = &work[m * per_step + k * 3], now = splat<T>(T(m));
                const Vec<T> raw = kept[1] - kept[0], least = splat<T>(least_slope), slope = raw > least ? raw : least;
                h[k] = at[k] > now ? splat<T>(grid.width[m]) : (at[k] == now ? into[k] : zero);
                adjoint[k] = at[k] == now ? -given[k] / slope : adjoint[k];
                x[k] = kept[0] * h[k], gh[k] = kept[1] * h[k];
            }
            decay<T, K>(x, e, p);
            phi_slope<T, K>(x, e, p, d_phi);
            for (int k = 0; k < K; k++) {
                const Vec<T> dg = adjoint[k] * p[k] * h[k];
                const Vec<T> df = h[k] * adjoint[k] * (gh[k] * d_phi[k] - work[m * per_step + k * 3 + 2] * e[k]);
                adjoint[k] *= e[k];
                u[k] = FORM == CONSTANT ? dg + b1 * df : dg, r[k] = FORM == CONSTANT ? b2 * df : df;
            }
            const T slope = T(-1) / grid.width[m];
            for (int64_t tap = 0; tap < shape.n_taps; tap++) {
                if (taps[tap] < 0) continue;
                const int64_t source = image * shape.sources_per_image + taps[tap];
                const int64_t end = lists.begin(source, m + 1), base = tap * shape.channels;
                for (int64_t i = lists.begin(source, m); i < end; i++) {
                    const int64_t axon = base + lists.channel[i], w_at = axon * tile.ld, to = axon * tile.ld_gradient;
                    const Vec<T> s = splat<T>(lists.share[i]);
                    Vec<T> time = zero;
                    for (int k = 0; k < K; k++) {
                        const Vec<T> w = load<T>(tile.w + w_at + k * LANES<T>);
                        const Vec<T> to_g = U[k] + s * u[k], to_q = R[k] + s * r[k];
                        T *dw = tile.dw + to + k * LANES<T>;
                        if constexpr (FORM == GIVEN) {
                            add<T>(dw, to_g);
                            add<T>(tile.dc + to + k * LANES<T>, to_q);
                        } else
                            add<T>(dw, to_g + times_sign<T>(to_q, w));
                        if constexpr (TIME)
                            time += w * u[k] + (FORM == CONSTANT ? absolute<T>(w) : load<T>(tile.c + w_at + k * LANES<T>)) * r[k];
                    }
                    if constexpr (TIME) dt[i] += fold<T>(splat<T>(slope) * time);
                }
            }
            for (int k = 0; k < K; k++) U[k] += u[k], R[k] += r[k];
        }
    }
}

template <class T, Form FORM>
void forward(const Shape &shape, const T *t, const T *w, const T *c, const Synapse<T> &synapse, const double *edges, int64_t steps,
             int32_t *channel, T *share, int32_t *offset, T *out, int32_t *step, T *rest) {
    const Grid<T> grid(edges, steps);
    Lists<T> lists{shape.sources(), shape.channels, steps, channel, share, offset};
    lists.fill(t, edges, synapse);
    each_tile<T, FORM>(shape, lists, synapse, w, c, nullptr, nullptr, [&](const Tile<T> &tile, int k) {
        auto run = k == 4 ? forward_tile<T, 4, FORM> : k == 2 ? forward_tile<T, 2, FORM> : forward_tile<T, 1, FORM>;
        run(shape, lists, grid, tile, synapse, edges, out, step, rest);
    });
}

template <class T, Form FORM, bool TIME>
void backward(const Shape &shape, const T *t, const T *w, const T *c, const Synapse<T> &synapse, const double *edges, int64_t steps,
              double least_slope, int32_t *channel, T *share, int32_t *offset, const int32_t *step, const T *rest, const T *grad, T *dt,
              T *dw, T *dc) {
    const Grid<T> grid(edges, steps);
    const Lists<T> lists{shape.sources(), shape.channels, steps, channel, share, offset};
    std::vector<Part<T>> time(TIME ? shape.sources() * shape.channels : 0);
    std::vector<Vec<T>> work;
    each_tile<T, FORM>(shape, lists, synapse, w, c, dw, dc, [&](const Tile<T> &tile, int k) {
        auto run = k == 4   ? backward_tile<T, 4, FORM, TIME>
                   : k == 2 ? backward_tile<T, 2, FORM, TIME>
                            : backward_tile<T, 1, FORM, TIME>;
        run(shape, lists, grid, tile, synapse, T(least_slope), step, rest, grad, time.data(), work);
    });
    if (TIME) lists.scatter(t, synapse, time.data(), dt);
}

}  // namespace

// Arguments as in dstd.cpp, beta constant per sign or beta w given; `step`, `rest` [rows][neurons] from forward to backward.
#define TTFS(NAME, T)                                                                                                  \
    extern "C" void ttfs_forward_##NAME(const Shape *shape, const T *t, const T *w, const T *c, const double *values,    \
                                        int64_t count, const double *edges, int64_t steps, int32_t *channel, T *share,  \
                                        int32_t *offset, T *out, int32_t *step, T *rest) {                              \
        auto run = c ? forward<T, GIVEN> : forward<T, CONSTANT>;                                                       \
        run(*shape, t, w, c, Synapse<T>(values, count), edges, steps, channel, share, offset, out, step, rest);         \
    }                                                                                                                  \
    extern "C" void ttfs_backward_##NAME(const Shape *shape, const T *t, const T *w, const T *c, const double *values,   \
                                         int64_t count, const double *edges, int64_t steps, double least_slope,         \
                                         int32_t *channel, T *share, int32_t *offset, const int32_t *step,              \
                                         const T *rest, const T *grad, T *dt, T *dw, T *dc) {                          \
        auto run = c ? (dt ? backward<T, GIVEN, true> : backward<T, GIVEN, false>)                                     \
                     : (dt ? backward<T, CONSTANT, true> : backward<T, CONSTANT, false>);                              \
        run(*shape, t, w, c, Synapse<T>(values, count), edges, steps, least_slope, channel, share, offset, step, rest,  \
            grad, dt, dw, dc);                                                                                         \
    }

TTFS(f32, float)
TTFS(f64, double)
