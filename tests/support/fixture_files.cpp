#include "tests/support/fixture_files.hpp"

#include "schemas/json/json.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>

namespace tests {
namespace {

namespace fs = std::filesystem;
namespace json = schemas::json;

std::string to_text(json::Value value) {
    std::string out;
    value.append_to(out);
    return out;
}

std::string without(std::string text, std::string_view part) {
    if (const auto at = text.find(part); at != text.npos) text.erase(at, part.size());
    return text;
}

// "pay-subscription.created.json" holds the data of a customer.subscription.created.
std::string stripe_type(const fs::path& path) {
    std::string name = without(path.stem().string(), "pay-");
    if (name.starts_with("subscription.")) return "customer." + name;
    return name.find('.') == name.npos ? "payment_method.attached" : name;
}

std::string filled(std::string text,
                   const std::vector<std::pair<std::string_view, std::string_view>>& values) {
    for (const auto& [name, value] : values) {
        if (const auto at = text.find(name); at != text.npos) text.replace(at, name.size(), value);
    }
    return text;
}

}  // namespace

std::optional<fs::path> fixtures_or_skip() {
    if (const char* folder = std::getenv("TRIBUTARY_FIXTURES")) return fs::path{folder};
    std::cout << "skipped: TRIBUTARY_FIXTURES names no folder with payloads\n";
    return std::nullopt;
}

std::vector<fs::path> fixture_files(const fs::path& folder) {
    std::set<fs::path> found;
    if (!fs::exists(folder)) return {};
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        const std::string name = entry.path().filename().string();
        const bool is_payload = entry.is_regular_file() && name != "signature-vectors.json" &&
                                name.find(".mapping.") == name.npos;
        if (is_payload) found.insert(entry.path());
    }
    return {found.begin(), found.end()};
}

std::string read_fixture(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    REQUIRE_MESSAGE(in.good(), path.string());
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string unwrapped(const std::string& text) {
    json::Parser parser;
    const auto root = parser.parse(text);
    if (!root) return text;
    const json::Value body = (*root)["headers"] ? (*root)["body"] : json::Value{};
    return body ? to_text(body) : text;
}

std::string plain_body(const fs::path& path) {
    return unwrapped(read_fixture(path));
}

std::string stripe_body(const fs::path& path) {
    std::string text = plain_body(path);
    json::Parser parser;
    const json::Value root = *parser.parse(text);
    if (root["data"]) return text;
    const std::string data = root["object"].kind() == json::Kind::object
                                 ? text
                                 : fmt::format(R"({{"object":{}}})", text);
    return fmt::format(
        R"({{"id":"evt_1","object":"event","created":1700000000,"type":"{}","data":{}}})",
        stripe_type(path), data);
}

std::string chargebee_body(const fs::path& path) {
    const std::string text = plain_body(path);
    json::Parser parser;
    const json::Value root = *parser.parse(text);
    return root["event"] ? to_text(root["event"]) : text;
}

std::string voice_body(const fs::path& path) {
    std::string text = read_fixture(path);
    while (text.ends_with('\n')) text.pop_back();
    return filled(std::move(text), {{"{caller}", "09800000001"},
                                    {"{receiver}", "09800000002"},
                                    {"{status}", "ANSWER"},
                                    {"{status1}", "ANSWER"},
                                    {"{status2}", "ANSWER"},
                                    {"{duration}", "42"},
                                    {"{billsec}", "30"},
                                    {"{starttime}", "1700000000"},
                                    {"{endtime}", "1700000042"},
                                    {"{id}", "call-1"},
                                    {"{calltime}", "14/11/2023%2003:43%20PM"},
                                    {"{callto}", "09800000002"}});
}

// A "From " line begins a mail at the start of the file and after an empty line.
std::vector<std::string> mails_of(const fs::path& path) {
    const std::string text = read_fixture(path);
    if (path.extension() != ".mbox") return {text};
    std::vector<std::string> mails;
    bool after_empty = true;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
        const std::string_view line{text.data() + at, end - at};
        const bool is_divider = after_empty && line.starts_with("From ");
        if (is_divider || mails.empty()) mails.emplace_back();
        if (!is_divider) mails.back() += line;
        after_empty = line == "\n" || line == "\r\n";
        at = end;
    }
    return mails;
}

}  // namespace tests
