// Short vectors of the widest registers of the machine, and the functions of one exact step.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#if defined(__AVX__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
constexpr int VECTOR_BYTES = 64;
#elif defined(__AVX__)
constexpr int VECTOR_BYTES = 32;
#else
constexpr int VECTOR_BYTES = 16;
#endif

template <class T> struct VecOf;
template <> struct VecOf<float> {
    typedef float type __attribute__((vector_size(VECTOR_BYTES)));
    typedef int32_t bits __attribute__((vector_size(VECTOR_BYTES)));
};
template <> struct VecOf<double> {
    typedef double type __attribute__((vector_size(VECTOR_BYTES)));
    typedef int64_t bits __attribute__((vector_size(VECTOR_BYTES)));
};
template <class T> using Vec = typename VecOf<T>::type;
template <class T> using Bits = typename VecOf<T>::bits;
template <class T> constexpr int64_t LANES = VECTOR_BYTES / sizeof(T);

template <class T> inline Vec<T> splat(T x) { return x - Vec<T>{}; }

template <class T> inline Vec<T> load(const T *from) {
    Vec<T> v;
    std::memcpy(&v, from, VECTOR_BYTES);
    return v;
}
template <class T> inline Vec<T> load(const T *from, int64_t count) {
    if (count >= LANES<T>) return load<T>(from);
    Vec<T> v{};
    for (int64_t i = 0; i < count; i++) v[i] = from[i];
    return v;
}
template <class T> inline void store(T *to, Vec<T> v) { std::memcpy(to, &v, VECTOR_BYTES); }
template <class T> inline void store(T *to, Vec<T> v, int64_t count) {
    if (count >= LANES<T>)
        store<T>(to, v);
    else
        for (int64_t i = 0; i < count; i++) to[i] = v[i];
}
template <class T> inline void add(T *to, Vec<T> v) {
    v += load<T>(to);
    std::memcpy(to, &v, VECTOR_BYTES);
}

template <class T> inline Bits<T> sign_bit() {
    if constexpr (sizeof(T) == 4)
        return Bits<T>{} + INT32_MIN;
    else
        return Bits<T>{} + INT64_MIN;
}
template <class T> inline Vec<T> root_of(Vec<T> x) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
        return (Vec<T>)_mm512_sqrt_ps((__m512)x);
    else
        return (Vec<T>)_mm512_sqrt_pd((__m512d)x);
#else
    for (int64_t i = 0; i < LANES<T>; i++) x[i] = std::sqrt(x[i]);
    return x;
#endif
}
template <class T> inline Vec<T> absolute(Vec<T> x) { return (Vec<T>)((Bits<T>)x & ~sign_bit<T>()); }
// x sign(w), with sign(0) = 1
template <class T> inline Vec<T> times_sign(Vec<T> x, Vec<T> w) {
#if defined(__AVX512F__)
    return (Vec<T>)_mm512_ternarylogic_epi64((__m512i)x, (__m512i)w, (__m512i)sign_bit<T>(), 0x78);
#else
    return (Vec<T>)((Bits<T>)x ^ ((Bits<T>)w & sign_bit<T>()));
#endif
}

// A sum over lanes in two steps: down to 16 bytes at once, the rest later for many.
template <class T> struct PartOf;
template <> struct PartOf<float> {
    typedef float type __attribute__((vector_size(16)));
};
template <> struct PartOf<double> {
    typedef double type __attribute__((vector_size(16)));
};
template <class T> using Part = typename PartOf<T>::type;

template <class T> inline Part<T> fold(Vec<T> x) {
    if constexpr (VECTOR_BYTES == 16) return (Part<T>)x;
    typedef T half __attribute__((vector_size(VECTOR_BYTES / 2)));
    half h[2];
    std::memcpy(h, &x, VECTOR_BYTES);
    h[0] += h[1];
    if constexpr (VECTOR_BYTES == 32) return (Part<T>)h[0];
    Part<T> p[2];
    std::memcpy(p, h, VECTOR_BYTES / 2);
    return p[0] + p[1];
}
template <class T> inline T sum(Part<T> x) {
    if constexpr (sizeof(T) == 4)
        return (x[0] + x[1]) + (x[2] + x[3]);
    else
        return x[0] + x[1];
}

// phi(x) = (1 - e^-x) / x and its derivative on [0, 1]: interpolation at Chebyshev nodes, relative error 4e-9 and 1e-20;
// e^r near 0: Taylor.
template <class T> struct Series;
template <> struct Series<float> {
    static constexpr float phi[] = {0.999999997934, -0.499999797252, 0.166663403115, -0.0416468493134, 0.00827550484369, -0.00130077495802,
        0.000129076310222};
    static constexpr float slope[] = {-0.499999998172, 0.333333153988, -0.124997112905, 0.0333157990523, -0.00689326327346, 0.00111245020255,
        -0.000112148183009};
    static constexpr int exp_terms = 8;
};
template <> struct Series<double> {
    static constexpr double phi[] = {1.0, -0.49999999999999999855, 0.16666666666666657247, -0.041666666666664251457, 0.0083333333333009988737,
        -0.0013888888886293792621, 0.00019841269706207544284, -0.000024801582524092862025, 2.7557201235631273816e-6,
        -2.755526061308959713e-7, 2.5026785756368367103e-8, -2.0661045908143847164e-9, 1.4837007128194298682e-10,
        -7.2229153113293326906e-12};
    static constexpr double slope[] = {-0.5, 0.33333333333333333198, -0.12499999999999991184, 0.033333333333331072962, -0.0069444444444141826359,
        0.001190476190233312218, -0.00017361110984702310374, 0.000022045850907679015828, -2.4801476866309911015e-6,
        2.5050181466776301983e-7, -2.2940728370321081102e-8, 1.906890609079777988e-9, -1.3767710462576125681e-10,
        6.7271936906361330735e-12};
    static constexpr int exp_terms = 14;
};
template <class T> struct Exponential {
    T terms[Series<T>::exp_terms];
    constexpr Exponential() : terms{} {
        double factorial = 1;
        for (int k = 0; k < Series<T>::exp_terms; k++) {
            if (k > 0) factorial *= k;
            terms[k] = T(1 / factorial);
        }
    }
};
template <class T> constexpr Exponential<T> EXP{};

template <class T, int N> inline Vec<T> polynomial(const T (&c)[N], Vec<T> x) {
    Vec<T> p = splat<T>(c[N - 1]);
    for (int k = N - 2; k >= 0; k--) p = p * x + splat<T>(c[k]);
    return p;
}

// e^-x: range reduction by powers of two, series for the rest; underflows to about 0, follows infinity and NaN.
template <class T> inline Vec<T> exp_minus(Vec<T> x) {
    constexpr T limit = sizeof(T) == 4 ? T(87) : T(707);
    constexpr T magic = sizeof(T) == 4 ? T(12582912) : T(6755399441055744);  // 1.5 * 2^mantissa
    constexpr T log2e = T(1.4426950408889634), ln2_high = sizeof(T) == 4 ? T(0.693359375) : T(0.6931471803691238),
                ln2_low = sizeof(T) == 4 ? T(-2.12194440e-4) : T(1.9082149292705877e-10);
    x = (Vec<T>)(x > splat<T>(limit) ? splat<T>(limit) : x);
    x = (Vec<T>)(x < splat<T>(-limit) ? splat<T>(-limit) : x);
    const Vec<T> shifted = splat<T>(magic) - x * splat<T>(log2e), k = shifted - splat<T>(magic);
    const Vec<T> r = -x - k * splat<T>(ln2_high) - k * splat<T>(ln2_low);
    const Vec<T> p = polynomial(EXP<T>.terms, r);
    constexpr int mantissa = sizeof(T) == 4 ? 23 : 52;
    return (Vec<T>)((Bits<T>)p + (((Bits<T>)shifted - (Bits<T>)splat<T>(magic)) << mantissa));
}

// ln(1 + x) for x > -1: range reduction to [sqrt(1/2), sqrt(2)), series of 2 artanh(s), s = x / (2 + x); keeps infinity and NaN.
template <class T> struct Artanh {
    T terms[sizeof(T) == 4 ? 5 : 11];
    constexpr Artanh() : terms{} {
        for (int k = 0; k < int(sizeof(terms) / sizeof(T)); k++) terms[k] = T(2.0 / (2 * k + 1));
    }
};
template <class T> constexpr Artanh<T> ARTANH{};

template <class T> inline Vec<T> log_1_plus(Vec<T> x) {
    constexpr int mantissa = sizeof(T) == 4 ? 23 : 52;
    constexpr T ln2_high = sizeof(T) == 4 ? T(0.693359375) : T(0.6931471803691238), ln2_low = sizeof(T) == 4 ? T(-2.12194440e-4) : T(1.9082149292705877e-10);
    const Vec<T> one = splat<T>(1), y = one + x;
    const Bits<T> root = (Bits<T>)splat<T>(T(0.70710678118654752)), bits = (Bits<T>)y - root;
    const Bits<T> exponent = bits >> mantissa;
    const Vec<T> near = (Vec<T>)(bits - (exponent << mantissa) + root) - one;
    const Bits<T> whole = exponent == 0;
    const Vec<T> f = whole ? x : near, s = f / (splat<T>(2) + f), k = __builtin_convertvector(exponent, Vec<T>);
    const Vec<T> rounding = whole ? Vec<T>{} : (x - (y - one)) / y;
    const Vec<T> log = k * splat<T>(ln2_high) + (s * polynomial(ARTANH<T>.terms, s * s) + (rounding + k * splat<T>(ln2_low)));
    return y < splat<T>(std::numeric_limits<T>::max()) ? log : y;
}

template <class T> inline bool any(Bits<T> mask) {
#if defined(__AVX512F__)
    return _mm512_test_epi64_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(__AVX__)
    return !_mm256_testz_si256((__m256i)mask, (__m256i)mask);
#else
    int64_t words[VECTOR_BYTES / 8], all = 0;
    std::memcpy(words, &mask, VECTOR_BYTES);
    for (int i = 0; i < VECTOR_BYTES / 8; i++) all |= words[i];
    return all != 0;
#endif
}

// Where the polynomials do not hold. Conductances are not negative: below 0 lie only rounding errors.
template <class T> inline Bits<T> outside(Vec<T> x) {
    return (Bits<T>)(x >= splat<T>(1)) | (Bits<T>)(x < splat<T>(T(-0.01)));
}

// e = e^-x and p = phi(x), without cancellation: the polynomial below 1, the quotient above.
template <class T, int K> inline void decay(const Vec<T> (&x)[K], Vec<T> (&e)[K], Vec<T> (&p)[K]) {
    const Vec<T> one = splat<T>(1);
    Bits<T> large{};
    for (int k = 0; k < K; k++) {
        p[k] = polynomial(Series<T>::phi, x[k]);
        e[k] = one - x[k] * p[k];
        large |= outside<T>(x[k]);
    }
    if (!any<T>(large)) return;
    for (int k = 0; k < K; k++) {
        const Vec<T> decayed = exp_minus<T>(x[k]);
        const Bits<T> replace = outside<T>(x[k]);
        p[k] = replace ? (one - decayed) / x[k] : p[k];
        e[k] = replace ? decayed : e[k];
    }
}

// phi'(x), given e^-x and phi(x)
template <class T, int K> inline void phi_slope(const Vec<T> (&x)[K], const Vec<T> (&e)[K], const Vec<T> (&p)[K], Vec<T> (&slope)[K]) {
    Bits<T> large{};
    for (int k = 0; k < K; k++) {
        slope[k] = polynomial(Series<T>::slope, x[k]);
        large |= outside<T>(x[k]);
    }
    if (!any<T>(large)) return;
    for (int k = 0; k < K; k++) slope[k] = outside<T>(x[k]) ? (e[k] - p[k]) / x[k] : slope[k];
}
