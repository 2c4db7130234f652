// The live spikes of every source, bucketed by interval of the grid.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "synapse.h"

// Storage belongs to the caller: forward fills it, backward reads it again.
template <class T> struct Lists {
    int64_t sources, channels, steps;
    int32_t *channel;  // [sources][channels]: of each live spike, those of an interval side by side
    T *share;          // likewise, S: the share of its interval for which it is on; NaN where the spike time is NaN
    int32_t *offset;   // [sources][steps + 1]: where an interval's spikes begin

    int64_t begin(int64_t source, int64_t m) const { return source * channels + offset[source * (steps + 1) + m]; }

    // Whether any source has a spike of a channel.
    std::vector<char> live() const {
        std::vector<char> any(channels, 0);
        char *const to = any.data();
        for (int64_t source = 0; source < sources; source++) {
            const int32_t *now = channel + begin(source, 0), *const end = channel + begin(source, steps);
            for (; now < end; now++) to[*now] = 1;
        }
        return any;
    }

    // t [sources][channels]: below 0 counts as 0, from 1 on silent; spikes work from their arrival on.
    void fill(const T *t, const double *edges, const Synapse<T> &synapse) {
        const double step = steps > 2 ? edges[2] - edges[1] : edges[1] - edges[0];
        const T start = T(edges[1]), per_step = T(1 / step), last = T(steps - 1);
        std::vector<T> of_interval(4 * steps), of_spike(3 * channels);
        std::vector<int32_t> live(channels), interval(channels), next(steps + 1);
        T *low = of_interval.data(), *high = low + steps, *end = high + steps, *inverse = end + steps;
        T *time = of_spike.data(), *part = time + channels, *arrival = part + channels;
        for (int64_t m = 0; m < steps; m++) {
            low[m] = T(edges[m]), high[m] = end[m] = T(edges[m + 1]), inverse[m] = T(1 / (edges[m + 1] - edges[m]));
        }
        low[0] = -std::numeric_limits<T>::infinity(), high[steps - 1] = std::numeric_limits<T>::infinity();
        for (int64_t source = 0; source < sources; source++) {
            synapse.arrivals(t + source * channels, channels, arrival);
            int64_t n = 0;
            for (int64_t j = 0; j < channels; j++) {
                live[n] = int32_t(j), time[n] = arrival[j];
                n += !(arrival[j] >= T(1));
            }
            place(time, n, start, per_step, last, low, high, end, inverse, interval.data(), part);
            int32_t *at = offset + source * (steps + 1), *to_channel = channel + source * channels;
            T *to_share = share + source * channels;
            std::fill_n(next.begin(), steps + 1, 0);
            for (int64_t i = 0; i < n; i++) next[interval[i] + 1]++;
            at[0] = 0;
            for (int64_t m = 1; m <= steps; m++) at[m] = at[m - 1] + next[m];
            std::copy_n(at, steps, next.begin());
            for (int64_t i = 0; i < n; i++) {
                const int32_t to = next[interval[i]]++;
                to_channel[to] = live[i], to_share[to] = part[i];
            }
        }
    }

    // Gradients of the live spikes back to their places; spikes at or below t = 0 have none.
    void scatter(const T *t, const Synapse<T> &synapse, const Part<T> *gradient, T *dt) const {
        for (int64_t source = 0; source < sources; source++)
            for (int64_t e = begin(source, 0); e < begin(source, steps); e++) {
                const int64_t at = source * channels + channel[e];
                dt[at] = t[at] <= synapse.earliest() ? T(0) : sum<T>(gradient[e]);
            }
    }

  private:
    // Interval and share of n spikes; a loop that compilers vectorise.
    static void place(const T *__restrict time, int64_t n, T start, T per_step, T last, const T *__restrict low, const T *__restrict high,
                      const T *__restrict end, const T *__restrict inverse, int32_t *__restrict interval, T *__restrict part) {
        for (int64_t i = 0; i < n; i++) {
            const T x = time[i], guess = (x - start) * per_step + 1, above = guess > 0 ? guess : T(0);  // NaN: 0
            int32_t m = int32_t(above < last ? above : last);
            m -= x < low[m] ? 1 : 0;
            m += x >= high[m] ? 1 : 0;
            const T s = (end[m] - (x < 0 ? T(0) : x)) * inverse[m];
            interval[i] = m, part[i] = s > 1 ? T(1) : s;
        }
    }
};
