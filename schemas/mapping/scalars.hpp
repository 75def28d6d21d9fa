// Reading numbers, amounts, durations, truth values and addresses as providers write them.
// None when the text is not such a thing as a whole. Blanks around it do not matter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace schemas::mapping {

std::optional<std::int64_t> read_integer(std::string_view text);  // "12", "-3", "12.0"
std::optional<std::int64_t> read_seconds(std::string_view text);  // "12", "12.7", "00:00:12"
std::optional<bool> read_boolean(std::string_view text);

// Minor units of the currency (ISO 4217 exponent, 2 if unknown), half rounded away from zero.
std::optional<std::int64_t> read_money(std::string_view text, std::string_view currency);
int currency_exponent(std::string_view currency);

// The address itself, trimmed and in lower case, also out of `Name <address>`.
std::optional<std::string> read_email(std::string_view text);

}  // namespace schemas::mapping
