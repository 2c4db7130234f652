// What the kernels share: the shape of a layer, tiles of neurons, running sums.
#pragma once

#include <memory>

#include "lists.h"
#include "synapse.h"

struct Shape {
    const int32_t *taps;  // [rows_per_image][n_taps]: source in the image, -1: none
    int64_t images, rows_per_image, sources_per_image, n_taps, channels, neurons;
    int64_t rows() const { return images * rows_per_image; }
    int64_t sources() const { return images * sources_per_image; }
    int64_t inputs() const { return n_taps * channels; }
};

// A tile's view of the weights: the tensors themselves, or copies where the form evaluates beta w or the last tile is not full.
template <class T> struct Tile {
    const T *w, *c, *slope;  // slope: derivative of c by w
    T *dw, *dc;
    int64_t ld, ld_gradient, first, count;  // row strides, first neuron, neurons that exist
    bool zeros;                             // FULL: some weights are 0

    // Neurons left from vector k of K on; only the narrowest tile may be less than full, and the compiler shall know.
    template <int K> int64_t room(int k) const { return K > 1 ? LANES<T> : count - k * LANES<T>; }
};

template <class T, int K> struct Sums {
    Vec<T> g[K], q[K], z[K];  // of w, of |w| or beta w, of charges less their mean
    T n, a;                   // of spikes, of their axons' own charges

    void clear() {
        for (int k = 0; k < K; k++) g[k] = q[k] = z[k] = splat<T>(0);
        n = a = 0;
    }
    // All charges of the k-th vector of a tile from neuron `first` on.
    Vec<T> charge(int k, const Synapse<T> &synapse, int64_t first) const {
        const Vec<T> by_axon = z[k] + splat<T>(synapse.mean * n + a);
        return synapse.neuron.empty() ? by_axon : by_axon + splat<T>(n) * synapse.of_neurons(first + k * LANES<T>);
    }
};

// f (or its moment) from the sums.
template <class T, Form FORM> inline Vec<T> conductance(Vec<T> g, Vec<T> q, T c1, T c2) {
    return FORM == CONSTANT ? splat<T>(c1) * g + splat<T>(c2) * q : q;
}

// Call `work(tile, K)` for every tile of neurons: WIDEST, 2 or 1 vectors wide. With gradients wanted (dw) the form FULL gets slopes.
template <class T, Form FORM, int WIDEST = 4, class Work>
void each_tile(const Shape &shape, const Lists<T> &lists, const Synapse<T> &synapse, const T *w, const T *c, T *dw, T *dc, Work work) {
    constexpr int64_t lanes = LANES<T>;
    const int64_t n = shape.neurons, rows = shape.inputs();
    std::unique_ptr<Vec<T>[]> block;  // of each live axon w, c and the slopes, side by side
    std::vector<char> live;
    for (int64_t first = 0; first < n;) {
        const int64_t room = n - first;
        const int k = room >= WIDEST * lanes ? WIDEST : room >= 2 * lanes ? 2 : 1;
        const int64_t width = k * lanes, count = std::min(room, width);
        Tile<T> tile{w + first, c ? c + first : nullptr, nullptr, dw ? dw + first : nullptr, dc ? dc + first : nullptr, n, n, first, count, false};
        if (FORM == FULL || count < width) {
            const int parts = FORM == FULL && dw ? 3 : FORM == FULL || c ? 2 : 1;
            if (!block) block.reset(new Vec<T>[rows * k * parts]), live = lists.live();
            Bits<T> zero{};
            Vec<T> *to = block.get();
            for (int64_t j = 0; j < rows; j++, to += k * parts) {
                if (!live[j % shape.channels]) continue;
                for (int i = 0; i < k; i++) {
                    const int64_t at = j * n + i * lanes;
                    to[i] = load<T>(tile.w + at, count - i * lanes);
                    zero |= to[i] == splat<T>(0);
                    if (FORM == FULL && dw)
                        synapse.template conductance<true>(to[i], to + k + i, to + 2 * k + i);
                    else if (FORM == FULL)
                        synapse.template conductance<false>(to[i], to + k + i, nullptr);
                    else if (c)
                        to[k + i] = load<T>(tile.c + at, count - i * lanes);
                }
            }
            tile.w = (const T *)block.get(), tile.c = tile.w + width, tile.slope = tile.w + 2 * width, tile.ld = width * parts;
            tile.zeros = any<T>(zero);
        }
        std::vector<T> copies[2];
        if (count < width) {
            if (dw) copies[0].resize(rows * width), tile.dw = copies[0].data();
            if (dc) copies[1].resize(rows * width), tile.dc = copies[1].data();
            tile.ld_gradient = width;
        }
        work(tile, k);
        T *gradients[2] = {dw, dc};
        for (int i = 0; i < 2; i++)
            if (!copies[i].empty())
                for (int64_t j = 0; j < rows; j++)
                    for (int64_t at = 0; at < count; at++) gradients[i][j * n + first + at] += copies[i][j * width + at];
        first += count;
    }
}
