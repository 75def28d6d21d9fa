// A journal whose every body says whose it is, so that a search of its files tells what is left.
#pragma once

#include "bus/embedded/journal.hpp"
#include "bus/log.hpp"

namespace tests::crash {

inline constexpr std::uint64_t marked_records = 90;

inline bus::embedded::JournalOptions marked_options(const std::filesystem::path& directory) {
    return {.directory = directory,
            .partitions = 1,
            .segment_bytes = 256u << 10,
            .reserve_bytes = 0,
            .tail_cache_bytes = 1u << 20};
}

inline bool is_chosen(std::uint64_t number) {
    return number % 3 == 1;
}
inline std::string marker_of(std::uint64_t number) {
    return is_chosen(number) ? "person to be forgotten;" : "neighbour;";
}
inline std::string marked_value(std::uint64_t number) {
    std::string value = std::to_string(number) + ":";
    while (value.size() < 40 + number * 97 % 9000) value += marker_of(number);
    return value;
}
inline bus::Address marked_address(std::uint64_t number) {
    return {bus::topic_at(number % 4), 0, number / 4};
}
inline std::vector<bus::Address> chosen_addresses() {
    std::vector<bus::Address> out;
    for (std::uint64_t number = 0; number < marked_records; ++number)
        if (is_chosen(number)) out.push_back(marked_address(number));
    return out;
}

}  // namespace tests::crash
