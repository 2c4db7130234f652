// What the kernels share: the shape of a layer, tiles of neurons, running sums.
#pragma once

#include "lists.h"
#include "vectors.h"

struct Shape {
    const int32_t *taps;  // [rows_per_image][n_taps]: source in the image, -1: none
    int64_t images, rows_per_image, sources_per_image, n_taps, channels, neurons;
    int64_t rows() const { return images * rows_per_image; }
    int64_t sources() const { return images * sources_per_image; }
    int64_t inputs() const { return n_taps * channels; }
};

// A tile's view of the weights: the tensor itself, or a zero-padded copy where the last tile is not full.
template <class T> struct Tile {
    const T *w, *c;
    T *dw, *dc;
    int64_t ld, first, count;  // row stride, first neuron, neurons that exist
};

template <class T, int K> struct Sums {
    Vec<T> g[K], q[K];
};

// f (or its moment) from the sums: given, or beta constant per sign.
template <class T, bool COND> inline Vec<T> conductance(Vec<T> g, Vec<T> q, T c1, T c2) {
    return COND ? q : splat<T>(c1) * g + splat<T>(c2) * q;
}

// Call `work(tile, K)` for every tile of neurons: 4, 2 or 1 vectors wide, the last one through padded copies.
template <class T, class Work>
void each_tile(const Shape &shape, const T *w, const T *c, T *dw, T *dc, Work work) {
    const int64_t lanes = LANES<T>, n = shape.neurons, rows = shape.inputs();
    int64_t first = 0;
    while (n - first >= lanes) {
        const int k = n - first >= 4 * lanes ? 4 : n - first >= 2 * lanes ? 2 : 1;
        work(Tile<T>{w + first, c ? c + first : nullptr, dw ? dw + first : nullptr, dc ? dc + first : nullptr, n, first, k * lanes}, k);
        first += k * lanes;
    }
    const int64_t rest = n - first;
    if (rest == 0) return;
    std::vector<T> copies[4];
    const T *from[2] = {w, c};
    T *to[2] = {dw, dc};
    for (int i = 0; i < 2; i++) {
        if (from[i]) {
            copies[i].assign(rows * lanes, T(0));
            for (int64_t j = 0; j < rows; j++) std::copy_n(from[i] + j * n + first, rest, &copies[i][j * lanes]);
        }
        if (to[i]) copies[2 + i].assign(rows * lanes, T(0));
    }
    work(Tile<T>{copies[0].data(), c ? copies[1].data() : nullptr, dw ? copies[2].data() : nullptr,
                 dc ? copies[3].data() : nullptr, lanes, first, rest}, 1);
    for (int i = 0; i < 2; i++)
        if (to[i])
            for (int64_t j = 0; j < rows; j++)
                for (int64_t k = 0; k < rest; k++) to[i][j * n + first + k] += copies[2 + i][j * lanes + k];
}
