// Weights of drawn chips: w exp(sigma(|w|) z + shift(|w|)), both falling as 1 / sqrt(1 + |w| / bend) by polarity, and their derivative
// by w; one pass.

#include <algorithm>
#include <cmath>

#include "vectors.h"

namespace {

constexpr int64_t BLOCK = 256;  // what depends on the weight alone is kept for so many; a whole number of any vectors

// A condition: level + slope / sqrt(1 + |w| / bend), of w >= 0 and of w < 0.
struct Shift {
    double level, slope, bend;
};

template <class T>
void perturb(const T *w, const T *z, int64_t count, int64_t chips, const double *spread, const Shift (*shifts)[2], int64_t conditions,
             const int64_t *which, T *out, T *slope) {
    const T weak[2] = {T(spread[0]), T(spread[2])}, rate[2] = {T(1 / spread[1]), T(1 / spread[3])};
    T sigma[BLOCK], fall[BLOCK];      // fall: -d ln sigma / d ln |w|
    T shift[BLOCK] = {}, drop[BLOCK] = {};  // drop: -d shift / d ln |w|
    for (int64_t first = 0; first < count; first += BLOCK) {
        const int64_t room = std::min(BLOCK, count - first);
        for (int64_t i = 0; i < room; i++) {
            const T x = w[first + i], part = 1 / (1 + std::abs(x) * (x < 0 ? rate[1] : rate[0]));
            sigma[i] = (x < 0 ? weak[1] : weak[0]) * std::sqrt(part);
            fall[i] = T(0.5) * (1 - part);
        }
        for (int64_t condition = 0; condition < std::max<int64_t>(conditions, 1); condition++) {
            if (conditions) {
                if (std::find(which, which + chips, condition) == which + chips) continue;
                const Shift *of = shifts[condition];
                const T level[2] = {T(of[0].level), T(of[1].level)}, steep[2] = {T(of[0].slope), T(of[1].slope)};
                const T per_bend[2] = {T(1 / of[0].bend), T(1 / of[1].bend)};
                for (int64_t i = 0; i < room; i++) {
                    const T x = w[first + i], part = 1 / (1 + std::abs(x) * (x < 0 ? per_bend[1] : per_bend[0]));
                    const T near = (x < 0 ? steep[1] : steep[0]) * std::sqrt(part);
                    shift[i] = (x < 0 ? level[1] : level[0]) + near;
                    drop[i] = T(0.5) * (1 - part) * near;
                }
            }
            for (int64_t chip = 0; chip < chips; chip++) {
                if (conditions && which[chip] != condition) continue;
                for (int64_t i = 0; i < room; i += LANES<T>) {
                    const int64_t at = chip * count + first + i, left = room - i;
                    const Vec<T> x = load<T>(sigma + i) * load<T>(z + at, left), factor = exp_minus<T>(-x - load<T>(shift + i));
                    store<T>(out + at, load<T>(w + first + i, left) * factor, left);
                    if (slope) store<T>(slope + at, factor * (splat<T>(1) - x * load<T>(fall + i) - load<T>(drop + i)), left);
                }
            }
        }
    }
}

// dw = sum over chips of grad times slope
template <class T> void gather(const T *__restrict grad, const T *__restrict slope, int64_t count, int64_t chips, T *__restrict dw) {
    for (int64_t i = 0; i < count; i++) dw[i] = grad[i] * slope[i];
    for (int64_t chip = 1; chip < chips; chip++)
        for (int64_t i = 0; i < count; i++) dw[i] += grad[chip * count + i] * slope[chip * count + i];
}

}  // namespace

// w [count], z, out, slope (null: not wanted), grad [chips][count]; spread: weak and bend of w >= 0, of w < 0; shifts [conditions][6]: level,
// slope and bend of w >= 0, of w < 0; which [chips]: the condition of a chip. No conditions: no shifts.
#define PERTURB(NAME, T)                                                                                               \
    extern "C" void perturb_forward_##NAME(const T *w, const T *z, int64_t count, int64_t chips, const double *spread, \
                                           const void *shifts, int64_t conditions, const int64_t *which, T *out,       \
                                           T *slope) {                                                                 \
        perturb<T>(w, z, count, chips, spread, (const Shift(*)[2])shifts, conditions, which, out, slope);              \
    }                                                                                                                  \
    extern "C" void perturb_backward_##NAME(const T *grad, const T *slope, int64_t count, int64_t chips, T *dw) {      \
        gather<T>(grad, slope, count, chips, dw);                                                                      \
    }

PERTURB(f32, float)
PERTURB(f64, double)
