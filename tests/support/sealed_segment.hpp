// Whether a segment of the journal has its footer, which is written behind the caller's back.
#pragma once

#include "bus/embedded/journal_format.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

namespace tests {

inline bool is_sealed(const std::filesystem::path& segment) {
    std::ifstream in(segment, std::ios::binary);
    in.seekg(-static_cast<std::streamoff>(sizeof(bus::embedded::SegmentTrailer)), std::ios::end);
    bus::embedded::SegmentTrailer trailer;
    in.read(reinterpret_cast<char*>(&trailer), sizeof trailer);
    return in && trailer.magic == bus::embedded::trailer_magic;
}

// Asks again until it has, at most some seconds.
inline bool becomes_sealed(const std::filesystem::path& segment) {
    constexpr int questions_max = 1'000;
    for (int i = 0; i < questions_max && !is_sealed(segment); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds{2});
    return is_sealed(segment);
}

}  // namespace tests
