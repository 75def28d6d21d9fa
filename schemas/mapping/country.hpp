// Numbering plans: what tells a national phone number of a country (ITU-T E.164 and national
// plans).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace schemas::mapping {

// Default: no country, numbers are international.
struct Country {
    std::string_view code;  // calling code, "91"
    std::uint8_t digits_min = 0;
    std::uint8_t digits_max = 0;  // of the national number without trunk prefix
    bool has_trunk_zero = false;

    explicit operator bool() const { return !code.empty(); }
};

// By ISO 3166 alpha-2, any letter case. No country for "", "none" and one that is not in the table.
Country country(std::string_view alpha2);

// An E.164 number with its plus.
class Phone {
public:
    std::string_view text() const { return {text_, size_}; }

private:
    friend std::optional<Phone> read_phone(std::string_view text, const Country& country);
    void assign(std::string_view code, std::string_view digits);
    char text_[17] = {'+'};
    std::size_t size_ = 0;
};

// None when the text is no phone number, such as "anonymous" or a short code.
std::optional<Phone> read_phone(std::string_view text, const Country& country);

}  // namespace schemas::mapping
