// Values by a text, together of at most so many bytes: those used last stay, and always the newest.
//
// Threads: one at a time.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace schemas {

template <class Value>
class RecentlyUsed {
public:
    explicit RecentlyUsed(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    // Null when it is not kept; until the next call.
    const Value* find(std::string_view key) {
        const auto found = by_key_.find(key);
        if (found == by_key_.end()) return nullptr;
        entries_.splice(entries_.begin(), entries_, found->second);
        return &found->second->value;
    }

    // In place of what it had. What has to go for it comes back, for the caller to end.
    [[nodiscard]] std::vector<Value> keep(std::string_view key, Value value, std::size_t bytes) {
        std::vector<Value> gone;
        if (const auto old = by_key_.find(key); old != by_key_.end())
            gone.push_back(take_out(old->second));
        entries_.push_front({std::string(key), std::move(value), bytes});
        by_key_.emplace(entries_.front().key, entries_.begin());
        bytes_ += bytes;
        while (bytes_ > bytes_max_ && entries_.size() > 1)
            gone.push_back(take_out(std::prev(entries_.end())));
        return gone;
    }

private:
    struct Entry {
        std::string key;
        Value value;
        std::size_t bytes = 0;
    };
    using Entries = std::list<Entry>;

    Value take_out(typename Entries::iterator entry) {
        Value value = std::move(entry->value);
        bytes_ -= entry->bytes;
        by_key_.erase(entry->key);
        entries_.erase(entry);
        return value;
    }

    const std::size_t bytes_max_;
    std::size_t bytes_ = 0;
    Entries entries_;                                                          // last used first
    std::unordered_map<std::string_view, typename Entries::iterator> by_key_;  // views into them
};

}  // namespace schemas
