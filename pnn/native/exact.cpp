// Exact evaluation of the accumulation phase, event by event: fused, sparse, one thread, C interface.
//
// Forward: between two spikes f and g are constant, v takes the exact step. Backward: the adjoint runs from t = 1 back over the events;
// an axon's weight collects the suffix sums of dL/dg and dL/df, a spike time gets -adjoint (w - beta w v - f z) at its event: v after it, f
// before it, z the charge by which v jumps.

#include "firing.h"
#include "layer.h"

namespace {

// Live spikes of every source in order of time; `share` holds their times. Bucketed first, then sorted by insertion.
template <class T> void sort_events(Lists<T> &lists, const T *t, const Synapse<T> &synapse) {
    std::vector<double> edges(lists.steps + 1);
    for (int64_t m = 0; m <= lists.steps; m++) edges[m] = double(m) / double(lists.steps);
    lists.fill(t, edges.data(), synapse);
    std::vector<T> arrival(lists.channels);
    for (int64_t source = 0; source < lists.sources; source++) {
        synapse.arrivals(t + source * lists.channels, lists.channels, arrival.data());
        const int64_t first = lists.begin(source, 0), last = lists.begin(source, lists.steps);
        for (int64_t e = first; e < last; e++) {
            const int32_t channel = lists.channel[e];
            const T time = arrival[channel] < 0 ? T(0) : arrival[channel];
            int64_t to = e;
            for (; to > first && lists.share[to - 1] > time; to--) {
                lists.share[to] = lists.share[to - 1];
                lists.channel[to] = lists.channel[to - 1];
            }
            lists.share[to] = time, lists.channel[to] = channel;
        }
    }
}

// Of the weights of a row: with several taps every row of an image has its own.
inline int64_t first_axon(const Shape &shape, int64_t row) { return row % shape.n_taps * shape.channels; }

template <class T, int K, Form FORM> inline void add_axon(const Tile<T> &tile, int64_t at, T sign, Sums<T, K> &run) {
    for (int k = 0; k < K; k++) {
        const Vec<T> w = load<T>(tile.w + at + k * LANES<T>);
        run.g[k] += splat<T>(sign) * w;
        run.q[k] += splat<T>(sign) * (FORM == CONSTANT ? absolute<T>(w) : load<T>(tile.c + at + k * LANES<T>));
    }
}

// The charge of a spike of axon `channel` where its weights to the tile's k-th vector of neurons are w.
template <class T> inline Vec<T> jump(const Synapse<T> &synapse, const Tile<T> &tile, int32_t channel, Vec<T> w, int k) {
    const Vec<T> own = splat<T>(synapse.mean + synapse.of_axon(channel)) + synapse.charge(w, tile.zeros);
    return synapse.neuron.empty() ? own : own + synapse.of_neurons(tile.first + k * LANES<T>);
}

// f h, g h of the interval of length h with these sums
template <class T, int K, Form FORM>
inline void interval(const Sums<T, K> &run, T h, const Synapse<T> &synapse, Vec<T> (&x)[K], Vec<T> (&gh)[K]) {
    for (int k = 0; k < K; k++) {
        x[k] = conductance<T, FORM>(run.g[k], run.q[k], synapse.c1, synapse.c2) * splat<T>(h);
        gh[k] = run.g[k] * splat<T>(h);
    }
}

// v(1) of one row; `at_event`, if given, receives v after every event.
template <class T, int K, Form FORM>
inline void integrate(const Shape &shape, const Lists<T> &lists, const Tile<T> &tile, int64_t source, const Synapse<T> &synapse, Sums<T, K> &run,
                      Vec<T> (&v)[K], Vec<T> *at_event) {
    Vec<T> x[K], gh[K], e[K], p[K];
    run.clear();
    for (int k = 0; k < K; k++) v[k] = splat<T>(0);
    T now = 0;
    const int64_t first = lists.begin(source, 0), last = lists.begin(source, lists.steps), base = first_axon(shape, source);
    for (int64_t i = first; i <= last; i++) {
        const T next = i < last ? lists.share[i] : T(1), h = next - now;
        if (!(h <= 0)) {  // NaN too
            interval<T, K, FORM>(run, h, synapse, x, gh);
            decay<T, K>(x, e, p);
            for (int k = 0; k < K; k++) v[k] = v[k] * e[k] + gh[k] * p[k];
        }
        if (i == last) break;
        now = next;
        const int64_t at = (base + lists.channel[i]) * tile.ld;
        const T *w = tile.w + at;
        if constexpr (FORM == FULL)
            for (int k = 0; k < K; k++) v[k] += jump<T>(synapse, tile, lists.channel[i], load<T>(w + k * LANES<T>), k);
        if (at_event)
            for (int k = 0; k < K; k++) at_event[(i - first) * K + k] = v[k];
        add_axon<T, K, FORM>(tile, at, T(1), run);
    }
}

template <class T, int K, Form FORM>
void forward_tile(const Shape &shape, const Lists<T> &lists, const Tile<T> &tile, const Synapse<T> &synapse, T *out) {
    Sums<T, K> run;
    Vec<T> v[K];
    for (int64_t row = 0; row < shape.rows(); row++) {
        integrate<T, K, FORM>(shape, lists, tile, row, synapse, run, v, nullptr);
        for (int k = 0; k < K; k++)
            store<T>(out + row * shape.neurons + tile.first + k * LANES<T>, v[k], tile.template room<K>(k));
    }
}

template <class T, int K, Form FORM>
void backward_tile(const Shape &shape, const Lists<T> &lists, const Tile<T> &tile, const Synapse<T> &synapse, const T *grad, Part<T> *dt,
                   std::vector<Vec<T>> &work) {
    work.resize(shape.channels * K);
    Sums<T, K> run;
    Vec<T> v[K], adjoint[K], A[K], P[K], x[K], gh[K], e[K], p[K], d_phi[K];
    const Vec<T> b1 = splat<T>(synapse.c1), b2 = splat<T>(synapse.c2);
    for (int64_t row = 0; row < shape.rows(); row++) {
        integrate<T, K, FORM>(shape, lists, tile, row, synapse, run, v, work.data());
        for (int k = 0; k < K; k++) {
            adjoint[k] = load<T>(grad + row * shape.neurons + tile.first + k * LANES<T>, tile.template room<K>(k));
            A[k] = P[k] = splat<T>(0);
        }
        const int64_t first = lists.begin(row, 0), last = lists.begin(row, lists.steps), base = first_axon(shape, row);
        T after = 1;
        for (int64_t i = last - 1; i >= first; i--) {
            const T now = lists.share[i], h = after - now;
            const int64_t axon = base + lists.channel[i], at = axon * tile.ld, to = axon * tile.ld_gradient;
            const Vec<T> *v_now = &work[(i - first) * K];
            after = now;
            if (!(h <= 0)) {
                interval<T, K, FORM>(run, h, synapse, x, gh);
                decay<T, K>(x, e, p);
                phi_slope<T, K>(x, e, p, d_phi);
                for (int k = 0; k < K; k++) {
                    A[k] += adjoint[k] * p[k] * splat<T>(h);
                    P[k] += adjoint[k] * splat<T>(h) * (gh[k] * d_phi[k] - v_now[k] * e[k]);
                    adjoint[k] *= e[k];
                }
            }
            add_axon<T, K, FORM>(tile, at, T(-1), run);
            Vec<T> time = splat<T>(0);
            for (int k = 0; k < K; k++) {
                const Vec<T> w = load<T>(tile.w + at + k * LANES<T>);
                const Vec<T> c = FORM == CONSTANT ? b1 * w + b2 * absolute<T>(w) : load<T>(tile.c + at + k * LANES<T>);
                Vec<T> change = w - c * v_now[k];
                if constexpr (FORM == FULL) change -= run.q[k] * jump<T>(synapse, tile, lists.channel[i], w, k);
                time += adjoint[k] * change;
                T *dw = tile.dw + to + k * LANES<T>;
                if constexpr (FORM == FULL)
                    add<T>(dw, A[k] + P[k] * load<T>(tile.slope + at + k * LANES<T>));
                else if constexpr (FORM == GIVEN) {
                    add<T>(dw, A[k]);
                    add<T>(tile.dc + to + k * LANES<T>, P[k]);
                } else
                    add<T>(dw, A[k] + b1 * P[k] + times_sign<T>(b2 * P[k], w));
            }
            dt[i] -= fold<T>(time);
        }
    }
}

// One layer in one precision, as C passes it.
template <class T> struct Layer {
    const Shape &shape;
    const T *t, *w, *c;
    Synapse<T> synapse;
    Lists<T> lists;
    Firing<T> firing;
};

template <class T, Form FORM> void forward(Layer<T> &layer, T *out) {
    sort_events(layer.lists, layer.t, layer.synapse);
    each_tile<T, FORM>(layer.shape, layer.lists, layer.synapse, layer.w, layer.c, nullptr, nullptr, [&](const Tile<T> &tile, int k) {
        auto run = k == 4 ? forward_tile<T, 4, FORM> : k == 2 ? forward_tile<T, 2, FORM> : forward_tile<T, 1, FORM>;
        run(layer.shape, layer.lists, tile, layer.synapse, out);
    });
}

template <class T, Form FORM> void backward(Layer<T> &layer, const T *grad, T *dt, T *dw, T *dc) {
    std::vector<Part<T>> d_event(layer.shape.sources() * layer.shape.channels);
    std::vector<Vec<T>> work;
    each_tile<T, FORM>(layer.shape, layer.lists, layer.synapse, layer.w, layer.c, dw, dc, [&](const Tile<T> &tile, int k) {
        auto run = k == 4 ? backward_tile<T, 4, FORM> : k == 2 ? backward_tile<T, 2, FORM> : backward_tile<T, 1, FORM>;
        run(layer.shape, layer.lists, tile, layer.synapse, grad, d_event.data(), work);
    });
    if (dt) layer.lists.scatter(layer.t, layer.synapse, d_event.data(), dt);
}

}  // namespace

// Linear layers: one source a row; one tap, or as many as an image has rows, each with its own weights (chips). `channel`, `time`, `offset`: see Lists, with any number of buckets. The rest as in dstd.cpp.
#define LAYER(T)                                                                                                       \
    const Shape *shape, const T *t, const T *w, const T *c, const double *values, int64_t count, const double *neuron, \
        int64_t buckets, int32_t *channel, T *time, int32_t *offset
#define UNPACK(T)                                                                                                      \
    Layer<T> layer {                                                                                                   \
        *shape, t, w, c, Synapse<T>(values, count),                                                                    \
            Lists<T>{shape->sources(), shape->channels, buckets, channel, time, offset},                               \
            Firing<T>(neuron, shape->rows(), shape->neurons)                                                           \
    }
#define EXACT(NAME, T)                                                                                                 \
    extern "C" void exact_forward_##NAME(LAYER(T), T *out, T *fire, T *slope) {                                        \
        UNPACK(T);                                                                                                     \
        choose(layer.synapse.form(c), [&](auto form) { forward<T, form.value>(layer, out); });                         \
        layer.firing.fire(out, fire, slope);                                                                           \
    }                                                                                                                  \
    extern "C" void exact_backward_##NAME(LAYER(T), const T *slope, const T *grad, const T *grad_fire, T *dt, T *dw,    \
                                          T *dc) {                                                                     \
        UNPACK(T);                                                                                                     \
        std::vector<T> buffer;                                                                                         \
        grad = layer.firing.adjoint(grad, grad_fire, slope, buffer);                                                   \
        choose(layer.synapse.form(c), [&](auto form) { backward<T, form.value>(layer, grad, dt, dw, dc); });           \
    }

EXACT(f32, float)
EXACT(f64, double)
