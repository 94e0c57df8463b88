// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#ifdef __SSE4_2__
#include <nmmintrin.h>
#endif

namespace nuscan {

namespace detail {

consteval std::array<std::uint32_t, 256> crc32c_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t crc = byte;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1) ^ (crc & 1 ? 0x82F63B78u : 0);
        }
        table[byte] = crc;
    }
    return table;
}

} // namespace detail

/// CRC-32C (Castagnoli; RFC 3720) of \p size bytes. Pass the last result as \p crc to go on over several pieces.
///
/// crc32c("123456789", 9) is 0xE3069283.
inline std::uint32_t crc32c(const void* data, std::size_t size, std::uint32_t crc = 0) {
    static constexpr std::array<std::uint32_t, 256> table = detail::crc32c_table();
    const auto* bytes = static_cast<const unsigned char*>(data);
    crc = ~crc;
    std::size_t i = 0;
#ifdef __SSE4_2__ // has it as an instruction: without it the checksums of a dense scan would limit its speed
    for (; i + sizeof(std::uint64_t) <= size; i += sizeof(std::uint64_t)) {
        std::uint64_t word;
        std::memcpy(&word, bytes + i, sizeof word);
        crc = static_cast<std::uint32_t>(_mm_crc32_u64(crc, word));
    }
#endif
    for (; i < size; ++i) {
        crc = (crc >> 8) ^ table[(crc ^ bytes[i]) & 0xFF];
    }
    return ~crc;
}

} // namespace nuscan
