// SPDX-License-Identifier: Apache-2.0
#include "scan/unit_record.hpp"

#include <cstring>
#include <stdexcept>

namespace nuscan {

namespace {

template <class T>
void put(std::vector<std::byte>& bytes, const std::vector<T>& values) {
    const auto* first = reinterpret_cast<const std::byte*>(values.data());
    bytes.insert(bytes.end(), first, first + values.size() * sizeof(T));
}

template <class T>
void get(const std::byte*& at, std::vector<T>& values, std::size_t n) {
    values.resize(n);
    std::memcpy(values.data(), at, n * sizeof(T));
    at += n * sizeof(T);
}

} // namespace

std::vector<std::byte> pack_unit(const UnitResult& result) {
    std::vector<std::byte> bytes;
    put(bytes, result.chi2);
    put(bytes, result.profile_index);
    put(bytes, result.status);
    return bytes;
}

UnitResult unpack_unit(const std::vector<std::byte>& bytes, std::size_t n_kept) {
    const std::size_t dense = n_kept * (sizeof(double) + sizeof(std::uint8_t)), indices = n_kept * sizeof(std::int64_t);
    if (bytes.size() != dense && bytes.size() != dense + indices) {
        throw std::runtime_error("a journal record is not that of its unit");
    }
    UnitResult result;
    const std::byte* at = bytes.data();
    get(at, result.chi2, n_kept);
    get(at, result.profile_index, bytes.size() == dense ? 0 : n_kept);
    get(at, result.status, n_kept);
    return result;
}

} // namespace nuscan
