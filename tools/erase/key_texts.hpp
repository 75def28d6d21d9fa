// A person's keys as text, for bodies of which a mapping does not say whose they are.
//
// Letter case, percent encoding (RFC 3986), JSON escapes (RFC 8259 section 7), three of these in
// one another, and quoted-printable (RFC 2045 section 6.7) do not hide them, nor does how a phone
// number is grouped; one of the given countries is found as it is dialled there too. A longer word,
// address or number that holds one is another's, and so is an address with a word behind its full
// stop or hyphen that no blank divides. Base64, compression and escapes of HTML hide them.
#pragma once

#include "schemas/mapping/country.hpp"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tools::erase {

using Countries = std::vector<schemas::mapping::Country>;

class KeyTexts {
public:
    // `keys` as customer_key() gives them; those shorter than 5 characters are not looked for, they
    // would be found everywhere.
    KeyTexts(const std::vector<std::string>& keys, const Countries& countries);
    bool found_in(std::string_view body) const;

private:
    void add_phone(std::string_view digits, const Countries& countries);

    struct Word {
        std::string text;  // in lower case
        bool is_mail = false;
    };

    bool is_in(std::string_view text) const;  // in lower case, as it stands

    std::vector<Word> words_;
    std::set<std::string> numbers_;  // digits of a phone number, in each way that it is dialled
};

}  // namespace tools::erase
