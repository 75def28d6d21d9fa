#include "tools/report_lines.hpp"

#include "schemas/json/json.hpp"
#include "tools/command.hpp"

namespace tools {

using schemas::json::Value;

int print_report(const bus::Result<std::string>& report_text) {
    if (!report_text) return report(report_text.error());
    schemas::json::Parser parser;
    const auto json = parser.parse(
        *report_text,
        {.bytes_max = report_text->size() + 1, .depth_max = 16, .keys_max = 1'000'000});
    if (!json) return report(json.error());
    json->each_member([](std::string_view name, Value value) {
        if (value.kind() != schemas::json::Kind::array)
            return fmt::print("{}={}\n", name, value.scalar_text());
        value.each_element([&](Value element) {
            std::string text = element.scalar_text();
            if (text.empty()) element.append_to(text);
            fmt::print("{}={}\n", name, text);
        });
    });
    return 0;
}

}  // namespace tools
