// The firing phase: unclipped spike time 1 - ln(1 - b v) / ln(1 - b), 1 - v for b = 0; beyond half of the argument at v = 1 its tangent.
#pragma once

#include <algorithm>
#include <cmath>

#include "vectors.h"

template <class T> struct Ramp {
    T minus_b, floor, scale, slope_scale;
    bool ideal;

    explicit Ramp(double b) : ideal(std::abs(b) < 1e-12) {
        const double log = ideal ? -1.0 : std::log1p(-b);
        minus_b = T(ideal ? -1.0 : -b), floor = T(0.5 * std::min(1.0, 1.0 - b)), scale = T(-1 / log), slope_scale = T(b / log);
    }

    Vec<T> time(Vec<T> v) const {
        const Vec<T> x = v * splat<T>(minus_b), one = splat<T>(1);
        if (ideal) return one + x;
        const Vec<T> kept = held(x);
        return one + splat<T>(scale) * (log_1_plus<T>(kept) + (x - kept) / splat<T>(floor));
    }
    Vec<T> slope(Vec<T> v) const {
        if (ideal) return splat<T>(-1);
        return splat<T>(slope_scale) / (splat<T>(1) + held(v * splat<T>(minus_b)));
    }

  private:
    Vec<T> held(Vec<T> x) const {
        const Vec<T> least = splat<T>(floor - 1);
        return x < least ? least : x;  // NaN stays
    }
};
