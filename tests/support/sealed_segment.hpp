// Whether a segment of the journal has its footer, which is written behind the caller's back.
#pragma once

#include "bus/embedded/journal_format.hpp"
#include "tests/support/eventually.hpp"

#include <filesystem>
#include <fstream>

namespace tests {

inline bool is_sealed(const std::filesystem::path& segment) {
    std::ifstream in(segment, std::ios::binary);
    in.seekg(-static_cast<std::streamoff>(sizeof(bus::embedded::SegmentTrailer)), std::ios::end);
    bus::embedded::SegmentTrailer trailer;
    in.read(reinterpret_cast<char*>(&trailer), sizeof trailer);
    return in && trailer.magic == bus::embedded::trailer_magic;
}

inline bool becomes_sealed(const std::filesystem::path& segment) {
    return eventually([&] { return is_sealed(segment); });
}

}  // namespace tests
