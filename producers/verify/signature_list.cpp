#include "producers/verify/signature_list.hpp"

#include "bus/text.hpp"

#include <algorithm>

namespace producers::verify {
namespace {

std::string_view take_until(std::string_view& rest, char separator) {
    const auto end = std::min(rest.find(separator), rest.size());
    const auto item = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), end + 1));
    return bus::trim(item);
}

}  // namespace

SignatureList parse_key_value_list(std::string_view header, std::string_view signature_name) {
    SignatureList list;
    if (signature_name.empty()) list.timestamp = take_until(header, ',');
    while (!header.empty()) {
        const auto item = take_until(header, ',');
        if (signature_name.empty()) {
            list.add(item);
            continue;
        }
        const auto equals = item.find('=');
        if (equals == std::string_view::npos) continue;
        const auto name = item.substr(0, equals);
        if (name == "t" && list.timestamp.empty()) list.timestamp = item.substr(equals + 1);
        if (name == signature_name) list.add(item.substr(equals + 1));
    }
    return list;
}

SignatureList parse_standard_webhooks(std::string_view header) {
    SignatureList list;
    while (!header.empty()) {
        const auto item = take_until(header, ' ');
        if (item.starts_with("v1,")) list.add(item.substr(3));
    }
    return list;
}

}  // namespace producers::verify
