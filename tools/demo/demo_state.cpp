#include "tools/demo/demo_state.hpp"

#include "bus/durable_file.hpp"
#include "schemas/json/json.hpp"

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
    return bus::write_durably(file_in(data), to_text(state));
}

}  // namespace tools::demo
