// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

namespace nuscan {

/// Things made once for each key, of which the last few asked for are kept. Several threads may ask: while one makes
/// something, others go on with what is there.
template <class Key, class T>
class RecentlyMade {
public:
    //! What there is for \p key, or else make(key), which others who ask meanwhile wait for
    template <class Make>
    std::shared_ptr<const T> get(const Key& key, const Make& make) {
        std::promise<std::shared_ptr<const T>> made;
        std::shared_future<std::shared_ptr<const T>> entry;
        bool is_new = false;
        {
            const std::lock_guard lock(mutex_);
            const auto found =
                std::find_if(kept_.begin(), kept_.end(), [&](const auto& kept) { return kept.first == key; });
            is_new = found == kept_.end();
            if (is_new) {
                kept_.emplace_front(key, made.get_future().share());
                if (kept_.size() > most) {
                    kept_.pop_back();
                }
            } else {
                kept_.splice(kept_.begin(), kept_, found);
            }
            entry = kept_.front().second;
        }
        if (is_new) {
            try {
                made.set_value(make(key));
            } catch (...) {
                made.set_exception(std::current_exception());
            }
        }
        return entry.get();
    }

private:
    static constexpr std::size_t most = 8; // a profiled slow axis comes back to the same values with every tile

    std::mutex mutex_;
    std::list<std::pair<Key, std::shared_future<std::shared_ptr<const T>>>> kept_; // some still in the making
};

} // namespace nuscan
