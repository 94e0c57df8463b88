// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "backends/backend.hpp"

namespace nuscan {

/// The result of a unit as the bytes of a journal record: χ², flat profile index (where it has any) and status of its
/// kept points.
std::vector<std::byte> pack_unit(const UnitResult& result);

//! \param n_kept points of the unit's tile. \throws std::runtime_error where that is not what was packed.
UnitResult unpack_unit(const std::vector<std::byte>& bytes, std::size_t n_kept);

} // namespace nuscan
