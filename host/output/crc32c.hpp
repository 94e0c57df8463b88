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

#ifdef __SSE4_2__
inline constexpr std::size_t crc32c_block = 4096; // [bytes]

using Crc32cTables = std::array<std::array<std::uint32_t, 256>, sizeof(std::uint32_t)>;

//! What each byte of a remainder becomes by a block of zeros: remainders are linear in what they are of
consteval Crc32cTables crc32c_block_tables() {
    constexpr std::array<std::uint32_t, 256> table = crc32c_table();
    Crc32cTables shifted{};
    for (std::size_t place = 0; place < shifted.size(); ++place) {
        for (std::uint32_t bit = 1; bit < 256; bit <<= 1) {
            std::uint32_t crc = bit << 8 * place;
            for (std::size_t i = 0; i < crc32c_block; ++i) {
                crc = (crc >> 8) ^ table[crc & 0xFF];
            }
            for (std::uint32_t lower = 0; lower < bit; ++lower) {
                shifted[place][bit + lower] = crc ^ shifted[place][lower];
            }
        }
    }
    return shifted;
}

inline std::uint32_t crc32c_past_block(std::uint32_t crc) {
    static constexpr Crc32cTables tables = crc32c_block_tables();
    return tables[0][crc & 0xFF] ^ tables[1][crc >> 8 & 0xFF] ^ tables[2][crc >> 16 & 0xFF] ^ tables[3][crc >> 24];
}

inline std::uint32_t crc32c_step(std::uint32_t crc, const unsigned char* bytes) {
    std::uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    return static_cast<std::uint32_t>(_mm_crc32_u64(crc, word));
}
#endif

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
    // Three blocks at once, as the instruction can begin in each cycle but takes three.
    constexpr std::size_t block = detail::crc32c_block;
    for (; i + 3 * block <= size; i += 3 * block) {
        std::uint32_t second = 0, third = 0;
        for (std::size_t k = i; k < i + block; k += sizeof(std::uint64_t)) {
            crc = detail::crc32c_step(crc, bytes + k);
            second = detail::crc32c_step(second, bytes + k + block);
            third = detail::crc32c_step(third, bytes + k + 2 * block);
        }
        crc = detail::crc32c_past_block(detail::crc32c_past_block(crc) ^ second) ^ third;
    }
    for (; i + sizeof(std::uint64_t) <= size; i += sizeof(std::uint64_t)) {
        crc = detail::crc32c_step(crc, bytes + i);
    }
#endif
    for (; i < size; ++i) {
        crc = (crc >> 8) ^ table[(crc ^ bytes[i]) & 0xFF];
    }
    return ~crc;
}

} // namespace nuscan
