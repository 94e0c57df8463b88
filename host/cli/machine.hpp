// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What this machine can do at most, measured.
namespace nuscan::cli {

struct MachineRates {
    double multiply_adds; //!< of doubles a second, independent ones in the widest vectors the processor has
    double divisions;     //!< of doubles a second
    double copied_bytes;  //!< read and written again, a second, of more than the caches hold
};

//! On so many threads at once, the best within \p seconds for each kind of operation
MachineRates measure_machine(int threads, double seconds);

} // namespace nuscan::cli
