// After the phase: the membranes' coupling to their neighbours, then the ramp.
#pragma once

#include <vector>

#include "ramp.h"

template <class T> struct Firing {
    T coupling, late;
    Ramp<T> ramp;
    int64_t rows, neurons;
    std::vector<T> lags;  // of each neuron's spikes, beyond late; empty: none

    // neuron: coupling, b of the ramp, delay of the spikes, whether they are wanted, how many lags there are, and these
    Firing(const double *neuron, int64_t rows, int64_t neurons)
        : coupling(T(neuron[0])), late(T(neuron[2])), ramp(neuron[1]), rows(rows), neurons(neurons),
          lags(neuron + 5, neuron + 5 + int64_t(neuron[4])) {
        const double twice = 2 * std::abs(neuron[0]), small = std::numeric_limits<T>::epsilon() / 8;
        rounds = twice > 0 ? int(std::ceil(std::log(small) / std::log(twice))) : 0;
        for (auto &line : lines) line.resize(rounds ? neurons + 2 : 0);
    }

    // Couple v in place; spike times and their derivatives by v where they are wanted.
    void fire(T *v, T *time, T *slope) {
        for (int64_t row = 0; row < rows; row++) couple(v + row * neurons, v + row * neurons);
        for (int64_t i = 0; time && i < rows * neurons; i += LANES<T>) {
            const int64_t room = rows * neurons - i;
            const Vec<T> x = load<T>(v + i, room);
            store<T>(time + i, ramp.time(x) + splat<T>(late), room);
            if (slope) store<T>(slope + i, ramp.slope(x), room);
        }
        for (int64_t row = 0; time && !lags.empty() && row < rows; row++)
            for (int64_t i = 0; i < neurons; i++) time[row * neurons + i] += lags[i];
    }

    // dL/dv before the coupling, from dL/dv and dL/dtime (null: zero); kept in `buffer` unless it is `grad` itself.
    const T *adjoint(const T *grad, const T *grad_time, const T *slope, std::vector<T> &buffer) {
        if (!grad_time && !rounds) return grad;
        buffer.resize(rows * neurons);
        for (int64_t i = 0; i < rows * neurons; i++) buffer[i] = (grad ? grad[i] : T(0)) + (grad_time ? grad_time[i] * slope[i] : T(0));
        for (int64_t row = 0; row < rows; row++) couple(&buffer[row * neurons], &buffer[row * neurons]);
        return buffer.data();
    }

  private:
    int rounds;
    std::vector<T> lines[2];

    // x = v + coupling (left + right), an outer neuron standing for its missing neighbour; symmetric, so its own adjoint.
    void couple(const T *v, T *to) {
        if (!rounds) return;
        T *x = lines[0].data(), *next = lines[1].data();
        std::copy_n(v, neurons, x + 1);
        for (int round = 0; round < rounds; round++, std::swap(x, next)) {
            x[0] = x[1], x[neurons + 1] = x[neurons];
            step(v, x, next);
        }
        std::copy_n(x + 1, neurons, to);
    }
    void step(const T *__restrict v, const T *__restrict x, T *__restrict next) const {
        const T c = coupling;
        for (int64_t i = 0; i < neurons; i++) next[i + 1] = v[i] + c * (x[i] + x[i + 2]);
    }
};
