// The live spikes of every source, bucketed by interval of the grid.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

// Storage belongs to the caller: forward fills it, backward reads it again.
template <class T> struct Lists {
    int64_t sources, channels, steps;
    int32_t *channel;  // [sources][channels]: of each live spike, those of an interval side by side
    T *share;          // likewise, S: the share of its interval for which it is on; NaN where the spike time is NaN
    int32_t *offset;   // [sources][steps + 1]: where an interval's spikes begin

    int64_t begin(int64_t source, int64_t m) const { return source * channels + offset[source * (steps + 1) + m]; }

    // t [sources][channels]: below 0 counts as 0, from 1 on silent.
    void fill(const T *t, const double *edges) {
        const double step = steps > 2 ? edges[2] - edges[1] : edges[1] - edges[0];
        const T start = T(edges[1]), per_step = T(1 / step), last = T(steps - 1);
        std::vector<T> low(steps), high(steps), inverse(steps);
        for (int64_t m = 0; m < steps; m++) {
            low[m] = T(edges[m]), high[m] = T(edges[m + 1]), inverse[m] = T(1 / (edges[m + 1] - edges[m]));
        }
        low[0] = -std::numeric_limits<T>::infinity(), high[steps - 1] = std::numeric_limits<T>::infinity();
        std::vector<int32_t> interval(channels), live(channels), next(steps + 1);
        for (int64_t source = 0; source < sources; source++) {
            const T *row = t + source * channels;
            int32_t *at = offset + source * (steps + 1);
            int64_t n = 0;
            for (int64_t j = 0; j < channels; j++) {
                live[n] = int32_t(j);
                n += !(row[j] >= T(1));
            }
            std::fill_n(next.begin(), steps + 1, 0);
            for (int64_t i = 0; i < n; i++) {
                const T x = row[live[i]], guess = (x - start) * per_step + 1;
                int32_t m = int32_t(guess > 0 ? (guess < last ? guess : last) : T(0));  // NaN: 0
                m -= x < low[m];
                m += x >= high[m];
                interval[i] = m;
                next[m + 1]++;
            }
            at[0] = 0;
            for (int64_t m = 1; m <= steps; m++) at[m] = at[m - 1] + next[m];
            std::copy_n(at, steps, next.begin());
            int32_t *to_channel = channel + source * channels;
            T *to_share = share + source * channels;
            for (int64_t i = 0; i < n; i++) {
                const T x = row[live[i]];
                const int32_t m = interval[i], to = next[m]++;
                const T s = (high_edge(edges, m) - (x < 0 ? T(0) : x)) * inverse[m];
                to_channel[to] = live[i];
                to_share[to] = s > 1 ? T(1) : s;
            }
        }
    }

    // Gradients of the live spikes back to their places; spikes held at t = 0 have none.
    void scatter(const T *t, const T *gradient, T *dt) const {
        for (int64_t source = 0; source < sources; source++)
            for (int64_t e = begin(source, 0); e < begin(source, steps); e++) {
                const int64_t at = source * channels + channel[e];
                dt[at] = t[at] < T(0) ? T(0) : gradient[e];
            }
    }

  private:
    static T high_edge(const double *edges, int32_t m) { return T(edges[m + 1]); }
};
