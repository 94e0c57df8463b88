// SPDX-License-Identifier: Apache-2.0
#include "output/hdf5.hpp"

#include <algorithm>
#include <vector>

namespace nuscan::hdf5 {

void initialise() {
    static const herr_t once = H5dont_atexit();
    static_cast<void>(once);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

std::string error_text() {
    std::vector<std::string> texts;
    const auto collect = [](unsigned, const H5E_error2_t* error, void* data) -> herr_t {
        static_cast<std::vector<std::string>*>(data)->emplace_back(error->desc ? error->desc : "");
        return 0;
    };
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, collect, &texts);
    if (texts.empty()) {
        return "HDF5 gives no reason";
    }
    std::string text = texts.size() == 1 ? texts.front() : texts.back() + ": " + texts.front();
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
}

} // namespace nuscan::hdf5
