#include "bus/kafka/statistics_scan.hpp"

#include <charconv>
#include <string>
#include <vector>

namespace bus::kafka {
namespace {

// The text up to the closing quote; `rest` starts past the opening one.
std::string_view take_string(std::string_view& rest) {
    std::size_t end = 0;
    while (end < rest.size() && rest[end] != '"') end += rest[end] == '\\' ? 2 : 1;
    const auto text = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return text;
}

bool starts_number(char c) {
    return c == '-' || (c >= '0' && c <= '9');
}

}  // namespace

void scan_numbers(std::string_view json,
                  const std::function<void(std::string_view path, double value)>& visit) {
    std::string path;                  // of the open containers, each with its '/'
    std::vector<std::size_t> parents;  // length of `path` outside each open container
    std::string_view name;             // of the member whose value comes next
    while (!json.empty()) {
        const char c = json.front();
        if (c == '"') {
            json.remove_prefix(1);
            const auto text = take_string(json);
            if (!json.empty() && json.front() == ':') name = text;
        } else if (c == '{' || c == '[') {
            json.remove_prefix(1);
            parents.push_back(path.size());
            if (parents.size() > 1) path.append(name).append("/");
            name = {};
        } else if (c == '}' || c == ']') {
            json.remove_prefix(1);
            if (parents.empty()) return;
            path.resize(parents.back());
            parents.pop_back();
        } else if (starts_number(c)) {
            double value = 0;
            const auto parsed = std::from_chars(json.data(), json.data() + json.size(), value);
            if (!name.empty()) visit(path + std::string(name), value);
            name = {};
            json.remove_prefix(std::max<std::size_t>(1, parsed.ptr - json.data()));
        } else {
            json.remove_prefix(1);
        }
    }
}

}  // namespace bus::kafka
