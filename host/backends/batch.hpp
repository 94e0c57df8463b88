// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>
#include <xsimd/xsimd.hpp>

#include "nuscan/macros.hpp"

/// Several points in SIMD lanes, as a Real of the shared bodies. All of it has names of its own for every width.
namespace nuscan {
inline namespace NUSCAN_TARGET {

#ifdef __AVX512F__
/// xsimd 8 rounds twice in fma with AVX-512. Lookup by argument finds ours, as the argument is of this namespace.
struct Arch : xsimd::avx512bw {};
#else
using Arch = xsimd::default_arch;
#endif
using Vector = xsimd::batch<double, Arch>;
//! Aligned for a Vector
using Numbers = std::vector<double, xsimd::default_allocator<double, Arch>>;

} // namespace NUSCAN_TARGET
} // namespace nuscan

#ifdef __AVX512F__
namespace xsimd::types {
template <class T>
struct get_bool_simd_register<T, nuscan::Arch> : get_bool_simd_register<T, avx512bw> {};
XSIMD_DECLARE_SIMD_REGISTER_ALIAS(nuscan::Arch, avx512bw);
} // namespace xsimd::types
#endif

namespace nuscan {
inline namespace NUSCAN_TARGET {

#ifdef __AVX512F__
inline Vector fma(const Vector& x, const Vector& y, const Vector& z) { return _mm512_fmadd_pd(x, y, z); }
#endif

//! Vectors of a batch: while one waits for a division another is worked on, and all share what is read for a bin. As
//! many as were fastest, Poisson χ² with a pull, on a processor with 16 and 32 registers.
inline constexpr int n_batch_vectors = Vector::size == 8 ? 3 : 2;

//! Truth values of a Batch
struct BatchMask {
    Vector::batch_bool_type vectors[n_batch_vectors];

    //! With f(i) as the vectors
    template <class F>
    static BatchMask of(const F& f) {
        BatchMask result;
        for (int i = 0; i < n_batch_vectors; ++i) {
            result.vectors[i] = f(i);
        }
        return result;
    }
    friend BatchMask operator!(const BatchMask& x) {
        return of([&](int i) { return !x.vectors[i]; });
    }
    friend BatchMask operator&&(const BatchMask& x, const BatchMask& y) {
        return of([&](int i) { return x.vectors[i] && y.vectors[i]; });
    }
    friend BatchMask operator||(const BatchMask& x, const BatchMask& y) {
        return of([&](int i) { return x.vectors[i] || y.vectors[i]; });
    }
    friend bool all(const BatchMask& x) {
        Vector::batch_bool_type every = x.vectors[0];
        for (int i = 1; i < n_batch_vectors; ++i) {
            every = every && x.vectors[i];
        }
        return xsimd::all(every);
    }
    friend bool any(const BatchMask& x) { return !all(!x); }
};

struct Batch {
    static constexpr std::int64_t size = n_batch_vectors * Vector::size;
    Vector vectors[n_batch_vectors];

    //! With f(i) as the vectors
    template <class F>
    static Batch of(const F& f) {
        Batch result;
        for (int i = 0; i < n_batch_vectors; ++i) {
            result.vectors[i] = f(i);
        }
        return result;
    }

    Batch() = default;
    explicit Batch(double x) {
        for (Vector& vector : vectors) {
            vector = Vector(x);
        }
    }
    // One vector after the other, or gcc copies 16 bytes at a time and then waits for all of them to read one back.
    Batch(const Batch& x) { *this = x; }
    Batch& operator=(const Batch& x) { // NOLINT(bugprone-unhandled-self-assignment): values, in place
        for (int i = 0; i < n_batch_vectors; ++i) {
            vectors[i] = x.vectors[i];
        }
        return *this;
    }

    static Batch load(const double* x) {
        return of([&](int i) { return Vector::load_unaligned(x + i * std::ptrdiff_t{Vector::size}); });
    }
    void store(double* x) const {
        for (int i = 0; i < n_batch_vectors; ++i) {
            vectors[i].store_unaligned(x + i * std::ptrdiff_t{Vector::size});
        }
    }

    friend Batch operator-(const Batch& x) {
        return of([&](int i) { return -x.vectors[i]; });
    }
    friend Batch operator+(const Batch& x, const Batch& y) {
        return of([&](int i) { return x.vectors[i] + y.vectors[i]; });
    }
    friend Batch operator-(const Batch& x, const Batch& y) {
        return of([&](int i) { return x.vectors[i] - y.vectors[i]; });
    }
    friend Batch operator*(const Batch& x, const Batch& y) {
        return of([&](int i) { return x.vectors[i] * y.vectors[i]; });
    }
    friend Batch operator/(const Batch& x, const Batch& y) {
        return of([&](int i) { return x.vectors[i] / y.vectors[i]; });
    }
    friend BatchMask operator<(const Batch& x, const Batch& y) {
        return BatchMask::of([&](int i) { return x.vectors[i] < y.vectors[i]; });
    }
    friend BatchMask operator>(const Batch& x, const Batch& y) {
        return BatchMask::of([&](int i) { return x.vectors[i] > y.vectors[i]; });
    }
    friend BatchMask operator<=(const Batch& x, const Batch& y) {
        return BatchMask::of([&](int i) { return x.vectors[i] <= y.vectors[i]; });
    }
    friend BatchMask operator>=(const Batch& x, const Batch& y) {
        return BatchMask::of([&](int i) { return x.vectors[i] >= y.vectors[i]; });
    }

    friend Batch fma(const Batch& x, const Batch& y, const Batch& z) {
        return of([&](int i) { return fma(x.vectors[i], y.vectors[i], z.vectors[i]); });
    }
    friend Batch sqrt(const Batch& x) {
        return of([&](int i) { return xsimd::sqrt(x.vectors[i]); });
    }
    friend Batch log(const Batch& x) {
        return of([&](int i) { return xsimd::log(x.vectors[i]); });
    }
    friend Batch log1p(const Batch& x) {
        return of([&](int i) { return xsimd::log1p(x.vectors[i]); });
    }
    //! The second where either is NaN
    friend Batch min(const Batch& x, const Batch& y) {
        return of([&](int i) { return xsimd::min(x.vectors[i], y.vectors[i]); });
    }
    friend Batch max(const Batch& x, const Batch& y) {
        return of([&](int i) { return xsimd::max(x.vectors[i], y.vectors[i]); });
    }
    friend Batch select(const BatchMask& condition, const Batch& yes, const Batch& no) {
        return of([&](int i) { return xsimd::select(condition.vectors[i], yes.vectors[i], no.vectors[i]); });
    }

    //! As that of a number, for those that are positive and normal; nonsense for others
    friend Batch take_exponent(Batch& x) {
        using Bits = xsimd::batch<std::uint64_t, Arch>;
        return of([&](int i) {
            const auto bits = std::bit_cast<Bits>(x.vectors[i]);
            x.vectors[i] = std::bit_cast<Vector>((bits & Bits(0x000f'ffff'ffff'ffff)) | Bits(0x3fe0'0000'0000'0000));
            // The biased exponent in the last bits of 2^52 is 2^52 more than itself.
            return std::bit_cast<Vector>((bits >> 52) | Bits(0x4330'0000'0000'0000)) - Vector(0x1p52 + 1022);
        });
    }
};

} // namespace NUSCAN_TARGET
} // namespace nuscan
