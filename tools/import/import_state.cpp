#include "tools/import/import_state.hpp"

#include <fstream>
#include <sstream>

namespace tools::import {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t state_version = 1;

std::string read_file(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return std::move(text).str();
}

// A directory given as DIR/ has its state beside it, too.
fs::path named(const fs::path& file) {
    return file.has_filename() ? file : file.parent_path();
}

}  // namespace

fs::path state_file_of(const fs::path& file) {
    return named(file).string() + ".import-state";
}

std::optional<ImportState> load_state(const fs::path& file, std::string_view fingerprint) {
    const std::string text = read_file(state_file_of(file));
    schemas::json::Parser parser;
    const auto json = parser.parse(text);
    if (!json || (*json)["version"].integer() != state_version ||
        (*json)["fingerprint"].text() != fingerprint)
        return std::nullopt;
    ImportState state{.fingerprint = std::string(fingerprint),
                      .refused_file = std::string((*json)["refused_file"].text()),
                      .counts = read_counts((*json)["counts"])};
    state.items = static_cast<std::uint64_t>((*json)["items"].integer().value_or(0));
    state.refused_bytes =
        static_cast<std::uint64_t>((*json)["refused_bytes"].integer().value_or(0));
    return state;
}

bus::Result<bus::Done> save_state(const fs::path& file, const ImportState& state) {
    std::string text;
    schemas::json::Writer json(text);
    json.begin_object()
        .member("version", state_version)
        .member("fingerprint", state.fingerprint)
        .member("items", static_cast<std::int64_t>(state.items))
        .member("refused_file", state.refused_file)
        .member("refused_bytes", static_cast<std::int64_t>(state.refused_bytes));
    json.key("counts").begin_object();
    write_counts(json, state.counts);
    json.end_object().end_object();
    const fs::path target = state_file_of(file);
    const fs::path fresh = target.string() + ".new";
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    out << text << '\n';
    out.close();
    std::error_code failed;
    if (out) fs::rename(fresh, target, failed);
    if (!out || failed)
        return bus::fail(bus::ErrorCode::unavailable,
                         "cannot write {}; make room or the directory writable", target.string());
    return bus::Done{};
}

void remove_state(const fs::path& file) {
    std::error_code none;
    fs::remove(state_file_of(file), none);
}

}  // namespace tools::import
