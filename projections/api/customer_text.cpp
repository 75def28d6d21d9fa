#include "projections/api/customer_text.hpp"

#include "bus/text.hpp"
#include "projections/identity/customer_keys.hpp"
#include "schemas/mapping/country.hpp"

namespace projections::api {

using schemas::KeyKind;

namespace {

std::string phone_key(std::string_view text, std::string_view country) {
    const auto phone = schemas::mapping::read_phone(text, schemas::mapping::country(country));
    return customer_key({KeyKind::phone, phone ? phone->text() : text});
}

std::string email_key(std::string_view text) {
    return customer_key({KeyKind::email, bus::to_lower_ascii(text)});
}

// What stands behind the kind, when the text names that.
std::optional<std::string_view> told_as(KeyKind kind, std::string_view text) {
    const std::string_view word = schemas::name(kind);
    if (!text.starts_with(word) || !text.substr(word.size()).starts_with(':')) return std::nullopt;
    return bus::trim(text.substr(word.size() + 1));
}

}  // namespace

std::string customer_key_of_text(std::string_view text, std::string_view country) {
    text = bus::trim(text);
    if (const auto told = told_as(KeyKind::phone, text)) return phone_key(*told, country);
    if (const auto told = told_as(KeyKind::email, text)) return email_key(*told);
    if (const auto told = told_as(KeyKind::whatsapp, text))
        return customer_key({KeyKind::whatsapp, told->substr(told->starts_with('+') ? 1 : 0)});
    if (told_as(KeyKind::external, text)) return std::string(text);
    return text.find('@') != std::string_view::npos ? email_key(text) : phone_key(text, country);
}

}  // namespace projections::api
