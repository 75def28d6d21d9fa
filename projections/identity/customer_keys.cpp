#include "projections/identity/customer_keys.hpp"

#include <algorithm>
#include <tuple>

namespace projections {

using schemas::Field;
using schemas::IdentityKey;
using schemas::KeyKind;

namespace {

bool is_phone_number(std::string_view text) {
    return text.size() >= 7 && text.size() <= 15 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

int strength(std::string_view key) {
    for (const KeyKind kind : {KeyKind::phone, KeyKind::email, KeyKind::whatsapp}) {
        if (key.starts_with(schemas::name(kind))) return static_cast<int>(kind);
    }
    return static_cast<int>(KeyKind::external);
}

void add(std::vector<std::string>& keys, KeyKind kind, std::string_view text) {
    if (text.empty() || text.size() > customer_key_bytes_max || keys.size() >= keys_per_event_max)
        return;
    std::string key = customer_key({kind, text});
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(std::move(key));
}

}  // namespace

std::string customer_key(const IdentityKey& key) {
    const bool phone = key.kind == KeyKind::whatsapp && is_phone_number(key.text);
    std::string text{schemas::name(phone ? KeyKind::phone : key.kind)};
    text += phone ? ":+" : ":";
    text += key.text;
    return text;
}

std::vector<std::string> customer_keys(const schemas::Event& event) {
    std::vector<std::string> keys;
    keys.reserve(4);
    add(keys, KeyKind::phone, event.text(Field::customer_phone));
    add(keys, KeyKind::email, event.text(Field::customer_email));
    for (const IdentityKey& key : event.keys) add(keys, key.kind, key.text);
    std::sort(keys.begin(), keys.end(), comes_before);
    return keys;
}

bool comes_before(std::string_view key, std::string_view other) {
    return std::tuple{strength(key), key} < std::tuple{strength(other), other};
}

}  // namespace projections
