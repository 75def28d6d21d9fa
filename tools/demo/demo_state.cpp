#include "tools/demo/demo_state.hpp"

#include "schemas/json/json.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

namespace tools::demo {
namespace {

std::filesystem::path file_in(const std::filesystem::path& data) {
    return data / "demo.json";
}

std::string to_text(const DemoState& state) {
    std::string text;
    schemas::json::Writer out(text);
    out.begin_object().member("now", bus::to_iso(state.now));
    out.member("api_key", state.api_key).member("done", state.done).end_object();
    return text + "\n";
}

bus::Result<bus::Done> write_private(const std::filesystem::path& file, const std::string& text) {
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        return bus::fail(bus::ErrorCode::unavailable, "open {}: {}", file.string(),
                         std::strerror(errno));
    }
    const bool written =
        ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
        ::fsync(descriptor) == 0;
    ::close(descriptor);
    if (written) return bus::Done{};
    return bus::fail(bus::ErrorCode::unavailable, "write {}: {}", file.string(),
                     std::strerror(errno));
}

}  // namespace

bus::Result<DemoState> read_state(const std::filesystem::path& data) {
    std::ifstream file(file_in(data));
    if (!file) return DemoState{};
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    schemas::json::Parser parser;
    const auto parsed = parser.parse(text);
    if (!parsed) {
        return bus::fail(parsed.error().code, "{}: {}; remove it to send the demo again",
                         file_in(data).string(), parsed.error().message);
    }
    const auto now = bus::from_iso((*parsed)["now"].text());
    if (!now) return bus::fail(now.error().code, "{}: now", file_in(data).string());
    return DemoState{.now = *now,
                     .api_key = std::string((*parsed)["api_key"].text()),
                     .done = (*parsed)["done"].boolean().value_or(false)};
}

bus::Result<bus::Done> write_state(const std::filesystem::path& data, const DemoState& state) {
    const std::filesystem::path next = data / "demo.json.next";
    if (auto written = write_private(next, to_text(state)); !written) return written.error();
    std::error_code error;
    std::filesystem::rename(next, file_in(data), error);
    if (!error) return bus::Done{};
    return bus::fail(bus::ErrorCode::unavailable, "rename {}: {}", next.string(), error.message());
}

}  // namespace tools::demo
