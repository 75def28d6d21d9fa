#include "tests/prove/damage.hpp"

#include "tests/support/files_holding.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <random>
#include <stdexcept>

namespace tests::prove {

namespace fs = std::filesystem;

namespace {

void flip(const fs::path& file, std::uint64_t at) {
    std::fstream open(file, std::ios::binary | std::ios::in | std::ios::out);
    open.seekg(static_cast<std::streamoff>(at));
    const char old = static_cast<char>(open.get());
    open.seekp(static_cast<std::streamoff>(at));
    open.put(static_cast<char>(old ^ 0x10));
}

}  // namespace

fs::path first_segment(const fs::path& data) {
    return data / "journal" / "000000000001.segment";
}

void flip_journal_byte(const fs::path& data, std::uint64_t seed) {
    const fs::path file = first_segment(data);
    const std::string bytes = bytes_of(file);
    const auto written = bytes.find_last_not_of('\0');
    constexpr std::uint64_t header_bytes = 4096;
    if (written == std::string::npos || written < 4 * header_bytes)
        throw std::runtime_error("the journal is too short to be damaged");
    std::uint64_t at = header_bytes + seed * 7919 % (written / 2 - header_bytes);
    // Padding between frames is nobody's; a flip there is found as one all the same or not at all.
    while (bytes[at] == '\0' || (bytes[at] ^ 0x10) == '\0') ++at;
    flip(file, at);
}

void flip_store_bytes(const fs::path& stores, const std::string& kind, std::uint64_t seed) {
    std::size_t flipped = 0;
    for (const auto& entry : fs::recursive_directory_iterator(stores)) {
        const bool is_meant = entry.path().filename().string().find(kind) != std::string::npos;
        if (!is_meant || entry.file_size() < 2) continue;
        flip(entry.path(), seed * 7919 % (entry.file_size() / 2));
        ++flipped;
    }
    if (flipped == 0) throw std::runtime_error("the stores have no " + kind + " files to damage");
}

void cut_store_logs(const fs::path& stores, std::uint64_t seed) {
    std::map<fs::path, fs::path> newest;  // by store: names count up
    for (const auto& entry : fs::recursive_directory_iterator(stores))
        if (entry.path().extension() == ".log")
            newest[entry.path().parent_path()] =
                std::max(newest[entry.path().parent_path()], entry.path());
    std::mt19937_64 random(seed);
    std::uintmax_t cut_bytes = 0;
    for (const auto& [store, log] : newest) {
        const std::uintmax_t bytes = fs::file_size(log), kept = random() % (bytes + 1);
        fs::resize_file(log, kept);
        cut_bytes += bytes - kept;
    }
    if (cut_bytes == 0) throw std::runtime_error("the stores' logs hold nothing to be cut off");
}

}  // namespace tests::prove
