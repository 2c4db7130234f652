// DSTD of the accumulation phase: fused, sparse, one thread, C interface.
//
// A spike changes its average S only in the one interval of the grid it falls into. So each source (a sample, or a pixel of a convolution) gets its
// live spikes bucketed by interval once; a neuron then keeps running sums of w and beta w and touches every weight of a live
// axon once, whatever the number of intervals. Backward is one reverse scan with suffix sums.
//
// Layout: weights [taps * channels, neurons], so that one axon's weights are contiguous over the neurons, which are
// vectorised in tiles. beta w: see Form. A spike's charge z enters v at once and decays like it: with Z(t) the charges so far, v - Z has no jumps
// and follows g - f Z in place of g. The mean of f Z over an interval is the product of the means, in third order plus that of the slopes / 12.

#include "accumulate.h"
#include "firing.h"

namespace {

// Values of an interval and neuron: f, g (, Z) (, f1, g1 (, Z1)), with charges g less the mean of f Z, g1 less its moment. They are saved for
// backward tile by tile, whole vectors.
template <Form FORM> constexpr int GROUP = FORM == FULL ? 3 : 2;
template <Form FORM, bool THIRD> constexpr int VALUES = (THIRD ? 2 : 1) * GROUP<FORM>;

// Vectors of a tile: as many as leave its sums in registers.
template <Form FORM, bool THIRD> constexpr int WIDEST = FORM == FULL && THIRD ? 3 : 4;

template <class T, int K, Form FORM, bool THIRD>
inline void interval_values(const Sums<T, K> &part, const Sums<T, K> &moment, int k, const Synapse<T> &synapse, int64_t first, Vec<T> *x) {
    constexpr int group = GROUP<FORM>;
    x[0] = conductance<T, FORM>(part.g[k], part.q[k], synapse.c1, synapse.c2), x[1] = part.g[k];
    if constexpr (THIRD)
        x[group] = conductance<T, FORM>(moment.g[k], moment.q[k], synapse.c1, synapse.c2), x[group + 1] = moment.g[k];
    if constexpr (FORM == FULL) {
        x[2] = part.charge(k, synapse, first);
        x[1] -= x[0] * x[2];
        if constexpr (THIRD) {
            x[5] = moment.charge(k, synapse, first);
            x[1] -= splat<T>(12) * x[3] * x[5], x[4] -= x[3] * x[2] + x[0] * x[5];
        }
    }
}

// h g, with the second Magnus term
template <class T, Form FORM, bool THIRD> inline Vec<T> drive(const Vec<T> *x, Vec<T> h) {
    constexpr int group = GROUP<FORM>;
    if constexpr (THIRD) return x[1] * h + h * h * (x[0] * x[group + 1] - x[group] * x[1]);
    return x[1] * h;
}

template <class T, int K, Form FORM, bool THIRD>
void forward_tile(const Shape &shape, const Lists<T> &lists, const Grid<T> &grid, const Tile<T> &tile, const Synapse<T> &synapse, T *out,
                  T *saved) {
    constexpr int values = VALUES<FORM, THIRD>, width = K * LANES<T>;
    for (int64_t row = 0; row < shape.rows(); row++) {
        const int64_t image = row / shape.rows_per_image;
        const int32_t *taps = shape.taps + (row % shape.rows_per_image) * shape.n_taps;
        Sums<T, K> run, part, moment;
        Vec<T> v[K];
        run.clear();
        for (int k = 0; k < K; k++) v[k] = splat<T>(0);
        for (int64_t m = 0; m < grid.steps; m++) {
            accumulate<T, K, FORM, THIRD>(shape, lists, tile, synapse, image, taps, m, run, part, moment);
            const Vec<T> h = splat<T>(grid.width[m]);
            Vec<T> fh[K], gh[K], e[K], p[K];
            T *keep = saved ? saved + ((tile.first * shape.rows() + row * width) * grid.steps + m * width) * values : nullptr;
            for (int k = 0; k < K; k++) {
                Vec<T> x[values];
                interval_values<T, K, FORM, THIRD>(part, moment, k, synapse, tile.first, x);
                fh[k] = x[0] * h, gh[k] = drive<T, FORM, THIRD>(x, h);
                if (keep)
                    for (int i = 0; i < values; i++) store<T>(keep + i * width + k * LANES<T>, x[i]);
            }
            decay<T, K>(fh, e, p);
            for (int k = 0; k < K; k++) v[k] = v[k] * e[k] + gh[k] * p[k];
        }
        for (int k = 0; k < K; k++) {
            const int64_t to = row * shape.neurons + tile.first + k * LANES<T>;
            store<T>(out + to, FORM == FULL ? v[k] + run.charge(k, synapse, tile.first) : v[k], tile.template room<K>(k));
        }
    }
}

template <class T, int K, Form FORM, bool THIRD, bool TIME>
void backward_tile(const Shape &shape, const Lists<T> &lists, const Grid<T> &grid, const Tile<T> &tile, const Synapse<T> &synapse,
                   const T *saved, const T *grad, Part<T> *dt, std::vector<Vec<T>> &work) {
    constexpr int group = GROUP<FORM>, values = VALUES<FORM, THIRD>, size = values + 3;  // the values, v before the step, decay, phi
    constexpr int per_step = K * size, width = K * LANES<T>;
    work.resize(grid.steps * per_step);
    const Vec<T> b1 = splat<T>(synapse.c1), b2 = splat<T>(synapse.c2), zero = splat<T>(0);
    for (int64_t row = 0; row < shape.rows(); row++) {
        const int64_t image = row / shape.rows_per_image;
        const int32_t *taps = shape.taps + (row % shape.rows_per_image) * shape.n_taps;
        Sums<T, K> run, part, moment;
        Vec<T> v[K];
        run.clear();
        for (int k = 0; k < K; k++) v[k] = zero;
        for (int64_t m = 0; m < grid.steps; m++) {  // the forward pass once more: its values are loaded or accumulated anew
            const Vec<T> h = splat<T>(grid.width[m]);
            if (!saved) accumulate<T, K, FORM, THIRD>(shape, lists, tile, synapse, image, taps, m, run, part, moment);
            const T *kept = saved ? saved + ((tile.first * shape.rows() + row * width) * grid.steps + m * width) * values : nullptr;
            Vec<T> fh[K], gh[K], e[K], p[K];
            for (int k = 0; k < K; k++) {
                Vec<T> *x = &work[m * per_step + k * size];
                if (!saved) interval_values<T, K, FORM, THIRD>(part, moment, k, synapse, tile.first, x);
                for (int i = 0; saved && i < values; i++) x[i] = load<T>(kept + i * width + k * LANES<T>);
                fh[k] = x[0] * h, gh[k] = drive<T, FORM, THIRD>(x, h);
            }
            decay<T, K>(fh, e, p);
            for (int k = 0; k < K; k++) {
                Vec<T> *x = &work[m * per_step + k * size];
                x[values] = v[k], x[values + 1] = e[k], x[values + 2] = p[k];
                v[k] = v[k] * e[k] + gh[k] * p[k];
            }
        }
        Vec<T> adjoint[K];  // dL/dv after the interval
        Vec<T> U[K], R[K];  // suffix sums of dL/dg, dL/df over later intervals (for constant beta: already combined)
        for (int k = 0; k < K; k++) {
            const int64_t from = row * shape.neurons + tile.first + k * LANES<T>, room = tile.template room<K>(k);
            adjoint[k] = load<T>(grad + from, room);
            U[k] = R[k] = zero;
        }
        for (int64_t m = grid.steps - 1; m >= 0; m--) {
            const Vec<T> h = splat<T>(grid.width[m]);
            Vec<T> u[K], r[K], z[K], u1[K], r1[K], z1[K], fh[K], e[K], p[K], d_phi[K];  // dL by g, f, Z and their moments
            const Vec<T> *kept = &work[m * per_step];
            for (int k = 0; k < K; k++) {
                const Vec<T> *x = kept + k * size;
                fh[k] = x[0] * h, e[k] = x[values + 1], p[k] = x[values + 2];
            }
            phi_slope<T, K>(fh, e, p, d_phi);
            Vec<T> mean = zero, mean1 = zero;  // of the charges, in the gradient of time
            Vec<T> own = zero, own1 = zero;    // of an axon's own charge of 1
            for (int k = 0; k < K; k++) {
                const Vec<T> *x = kept + k * size;
                const Vec<T> d_gh = adjoint[k] * p[k];
                Vec<T> dg = d_gh * h, df = h * adjoint[k] * (drive<T, FORM, THIRD>(x, h) * d_phi[k] - x[values] * e[k]);
                Vec<T> dg1 = zero, df1 = zero;
                if constexpr (THIRD) {
                    const Vec<T> hh = h * h * d_gh;
                    dg -= hh * x[group], df += hh * x[group + 1], dg1 = hh * x[0], df1 = -hh * x[1];
                }
                if constexpr (FORM == FULL) {
                    const Vec<T> common = splat<T>(synapse.mean) + synapse.of_neurons(tile.first + k * LANES<T>);
                    df -= x[2] * dg, z[k] = -x[0] * dg;
                    if constexpr (THIRD) {
                        df -= x[5] * dg1, df1 -= splat<T>(12) * x[5] * dg + x[2] * dg1;
                        z[k] -= x[3] * dg1, z1[k] = -splat<T>(12) * x[3] * dg - x[0] * dg1;
                        mean1 += common * z1[k], own1 += z1[k];
                    }
                    mean += common * z[k], own += z[k];
                }
                adjoint[k] *= e[k];
                u[k] = FORM == CONSTANT ? dg + b1 * df : dg, r[k] = FORM == CONSTANT ? b2 * df : df;
                u1[k] = FORM == CONSTANT ? dg1 + b1 * df1 : dg1, r1[k] = FORM == CONSTANT ? b2 * df1 : df1;
            }
            const T slope = T(-1) / grid.width[m];
            const bool zeros = tile.zeros;
            for (int64_t tap = 0; tap < shape.n_taps; tap++) {
                if (taps[tap] < 0) continue;
                const int64_t source = image * shape.sources_per_image + taps[tap];
                const int64_t end = lists.begin(source, m + 1), ld = tile.ld, base = tap * shape.channels * ld;
                const int64_t ld_gradient = tile.ld_gradient, base_gradient = tap * shape.channels * ld_gradient;
                const int32_t *channel = lists.channel;
                const T *spike_share = lists.share;
                const T *tile_w = tile.w + base, *tile_c = FORM == CONSTANT ? nullptr : tile.c + base;
                const T *tile_slope = FORM == FULL ? tile.slope + base : nullptr;
                T *tile_dw = tile.dw + base_gradient, *tile_dc = FORM == GIVEN ? tile.dc + base_gradient : nullptr;
                for (int64_t e = lists.begin(source, m); e < end; e++) {
                    const int64_t at = channel[e] * ld, at_gradient = channel[e] * ld_gradient;
                    const T share = spike_share[e];
                    const Vec<T> s = splat<T>(share), s1 = splat<T>(T(0.5) * share * (1 - share)), half = splat<T>(T(0.5) - share);
                    Vec<T> time = mean;
                    if constexpr (FORM == FULL && THIRD) time += half * mean1;
                    if constexpr (FORM == FULL)
                        if (!synapse.axon.empty()) {
                            time += splat<T>(synapse.axon[channel[e]]) * own;
                            if constexpr (THIRD) time += splat<T>(synapse.axon[channel[e]]) * half * own1;
                        }
                    for (int k = 0; k < K; k++) {
                        const Vec<T> w = load<T>(tile_w + at + k * LANES<T>);
                        Vec<T> to_g = U[k] + s * u[k], to_q = R[k] + s * r[k];
                        if constexpr (THIRD) to_g += s1 * u1[k], to_q += s1 * r1[k];
                        T *dw = tile_dw + at_gradient + k * LANES<T>;
                        if constexpr (FORM == FULL)
                            add<T>(dw, to_g + to_q * load<T>(tile_slope + at + k * LANES<T>));
                        else if constexpr (FORM == GIVEN) {
                            add<T>(dw, to_g);
                            add<T>(tile_dc + at_gradient + k * LANES<T>, to_q);
                        } else
                            add<T>(dw, to_g + times_sign<T>(to_q, w));
                        if constexpr (TIME) {
                            const Vec<T> q = FORM == CONSTANT ? absolute<T>(w) : load<T>(tile_c + at + k * LANES<T>);
                            time += w * u[k] + q * r[k];
                            if constexpr (THIRD) time += half * (w * u1[k] + q * r1[k]);
                            if constexpr (FORM == FULL) {
                                Vec<T> to_z = z[k];
                                if constexpr (THIRD) to_z += half * z1[k];
                                time += synapse.charge(w, zeros) * to_z;
                            }
                        }
                    }
                    if constexpr (TIME) dt[e] += fold<T>(splat<T>(slope) * time);
                }
            }
            for (int k = 0; k < K; k++) U[k] += u[k], R[k] += r[k];
        }
    }
}

// One layer in one precision, as C passes it.
template <class T> struct Layer {
    const Shape &shape;
    const T *t, *w, *c;
    Synapse<T> synapse;
    Grid<T> grid;
    const double *edges;
    Lists<T> lists;
    Firing<T> firing;
};

template <class T, Form FORM, bool THIRD> void forward(Layer<T> &layer, T *out, T *saved) {
    layer.lists.fill(layer.t, layer.edges, layer.synapse);
    each_tile<T, FORM, WIDEST<FORM, THIRD>>(layer.shape, layer.lists, layer.synapse, layer.w, layer.c, nullptr, nullptr, [&](const Tile<T> &tile, int k) {
        constexpr int widest = WIDEST<FORM, THIRD>;
        auto run = k == widest ? forward_tile<T, widest, FORM, THIRD>
                   : k == 2    ? forward_tile<T, 2, FORM, THIRD>
                               : forward_tile<T, 1, FORM, THIRD>;
        run(layer.shape, layer.lists, layer.grid, tile, layer.synapse, out, saved);
    });
}

template <class T, Form FORM, bool THIRD, bool TIME>
void backward(Layer<T> &layer, const T *saved, const T *grad, T *dt, T *dw, T *dc) {
    std::vector<Part<T>> time(TIME ? layer.shape.sources() * layer.shape.channels : 0);
    std::vector<Vec<T>> work;
    each_tile<T, FORM, WIDEST<FORM, THIRD>>(layer.shape, layer.lists, layer.synapse, layer.w, layer.c, dw, dc, [&](const Tile<T> &tile, int k) {
        constexpr int widest = WIDEST<FORM, THIRD>;
        auto run = k == widest ? backward_tile<T, widest, FORM, THIRD, TIME>
                   : k == 2    ? backward_tile<T, 2, FORM, THIRD, TIME>
                               : backward_tile<T, 1, FORM, THIRD, TIME>;
        run(layer.shape, layer.lists, layer.grid, tile, layer.synapse, saved, grad, time.data(), work);
    });
    if (TIME) layer.lists.scatter(layer.t, layer.synapse, time.data(), dt);
}

template <class Call> void choose(Form form, bool third, Call call) {
    choose(form, [&](auto f) { third ? call(f, std::true_type{}) : call(f, std::false_type{}); });
}

}  // namespace

// Both directions of one layer in one precision. `values`, `neuron`: see Synapse, Firing. `channel`, `share`, `offset`: see Lists. Null `fire`: no
// spike times wanted; null `saved`: backward accumulates anew; `slope`: of the spike times by v, from forward to backward. Null `grad` (of v),
// `grad_fire`: zero. Null `dt`: no gradient of the input. Gradients are added to `dw`, `dc`.
#define LAYER(T)                                                                                                       \
    const Shape *shape, const T *t, const T *w, const T *c, const double *values, int64_t count, const double *edges, \
        int64_t steps, int third, const double *neuron, int32_t *channel, T *share, int32_t *offset
#define UNPACK(T)                                                                                                      \
    Layer<T> layer {                                                                                                   \
        *shape, t, w, c, Synapse<T>(values, count), Grid<T>(edges, steps), edges,                                    \
            Lists<T>{shape->sources(), shape->channels, steps, channel, share, offset},                                \
            Firing<T>(neuron, shape->rows(), shape->neurons)                                                           \
    }
#define DSTD(NAME, T)                                                                                                  \
    extern "C" void dstd_forward_##NAME(LAYER(T), T *out, T *fire, T *saved, T *slope) {                              \
        UNPACK(T);                                                                                                     \
        choose(layer.synapse.form(c), third, [&](auto form, auto order) {                                              \
            forward<T, form.value, order.value>(layer, out, saved);                                                    \
        });                                                                                                            \
        layer.firing.fire(out, fire, slope);                                                                           \
    }                                                                                                                  \
    extern "C" void dstd_backward_##NAME(LAYER(T), const T *saved, const T *slope, const T *grad, const T *grad_fire,   \
                                         T *dt, T *dw, T *dc) {                                                        \
        UNPACK(T);                                                                                                     \
        std::vector<T> buffer;                                                                                         \
        grad = layer.firing.adjoint(grad, grad_fire, slope, buffer);                                                   \
        choose(layer.synapse.form(c), third, [&](auto form, auto order) {                                              \
            auto run = dt ? backward<T, form.value, order.value, true> : backward<T, form.value, order.value, false>;    \
            run(layer, saved, grad, dt, dw, dc);                                                                       \
        });                                                                                                            \
    }

DSTD(f32, float)
DSTD(f64, double)
