#include "projections/batch_writes.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace projections {

namespace {

constexpr std::size_t kept_bytes_max = 4 << 20;  // of a batch of usual size, for the next one

std::uint64_t as_number(const char* big_endian) {
    std::uint64_t number = 0;
    std::memcpy(&number, big_endian, sizeof number);
    return __builtin_bswap64(number);
}

}  // namespace

void BatchWrites::clear() {
    bytes_.clear();
    if (bytes_.capacity() > kept_bytes_max) bytes_.shrink_to_fit();
    drafts_.clear();
    places_.clear();
    ordered_.clear();
}

BatchWrites::Draft& BatchWrites::draft(Table table, bool is_put, std::string_view key,
                                       std::string_view key_rest) {
    Draft& draft = drafts_.emplace_back();
    draft.table = table;
    draft.is_put = is_put;
    draft.key_at = bytes_.size();
    draft.key_bytes = static_cast<std::uint32_t>(key.size() + key_rest.size());
    bytes_.append(key).append(key_rest);
    return draft;
}

void BatchWrites::erase(Table table, std::string_view key) {
    draft(table, false, key);
}

void BatchWrites::put(Table table, std::string_view key, std::string_view value) {
    begin(table, key).append(value);
    keep();
}

std::string& BatchWrites::begin(Table table, std::string_view key) {
    draft(table, true, key);
    return bytes_;
}

std::string_view BatchWrites::begun() const {
    const Draft& last = drafts_.back();
    return std::string_view{bytes_}.substr(last.key_at + last.key_bytes);
}

void BatchWrites::keep() {
    drafts_.back().value_bytes = begun().size();
}

void BatchWrites::take_back() {
    bytes_.resize(drafts_.back().key_at);
    drafts_.pop_back();
}

void BatchWrites::put_index(std::string_view scope, std::string_view key) {
    draft(Table::index, true, scope, key);
}

void BatchWrites::erase_index(std::string_view scope, std::string_view key) {
    draft(Table::index, false, scope, key);
}

std::string_view BatchWrites::key_of(const Draft& draft) const {
    return std::string_view{bytes_}.substr(draft.key_at, draft.key_bytes);
}

BatchWrites::Place BatchWrites::place_of(std::size_t number) const {
    const Draft& draft = drafts_[number];
    std::array<char, 2 * sizeof(std::uint64_t)> start{};
    start[0] = static_cast<char>(draft.table);
    const std::string_view key = key_of(draft);
    std::memcpy(start.data() + 1, key.data(), std::min(key.size(), start.size() - 1));
    return {as_number(start.data()), as_number(start.data() + sizeof(std::uint64_t)), number};
}

bool BatchWrites::is_before(const Place& a, const Place& b) const {
    if (a.first != b.first) return a.first < b.first;
    if (a.second != b.second) return a.second < b.second;
    const Draft& one = drafts_[a.draft];
    const Draft& other = drafts_[b.draft];
    if (const int order = key_of(one).compare(key_of(other)); order != 0) return order < 0;
    return one.is_put && !other.is_put;
}

std::span<const Write> BatchWrites::in_order() {
    places_.reserve(drafts_.size());
    for (std::size_t i = 0; i < drafts_.size(); ++i) places_.push_back(place_of(i));
    std::sort(places_.begin(), places_.end(),
              [&](const Place& a, const Place& b) { return is_before(a, b); });
    ordered_.reserve(drafts_.size());
    for (const Place& place : places_) {
        const Draft& draft = drafts_[place.draft];
        const std::string_view key = key_of(draft);
        if (!ordered_.empty() && ordered_.back().table == draft.table && ordered_.back().key == key)
            continue;
        Write& write = ordered_.emplace_back();
        write.table = draft.table;
        write.key = key;
        if (draft.is_put)
            write.value =
                std::string_view{bytes_}.substr(draft.key_at + draft.key_bytes, draft.value_bytes);
    }
    return ordered_;
}

}  // namespace projections
