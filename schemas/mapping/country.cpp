#include "schemas/mapping/country.hpp"

#include "bus/text.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace schemas::mapping {

namespace {

struct Plan {
    std::string_view alpha2;
    Country country;
};

// Sorted by alpha-2.
constexpr std::array plans{
    Plan{"AE", {"971", 8, 9, true}},   Plan{"AF", {"93", 9, 9, true}},
    Plan{"AM", {"374", 8, 8, true}},   Plan{"AR", {"54", 10, 11, true}},
    Plan{"AT", {"43", 7, 13, true}},   Plan{"AU", {"61", 9, 9, true}},
    Plan{"AZ", {"994", 9, 9, true}},   Plan{"BD", {"880", 8, 10, true}},
    Plan{"BE", {"32", 8, 9, true}},    Plan{"BG", {"359", 7, 9, true}},
    Plan{"BH", {"973", 8, 8, false}},  Plan{"BR", {"55", 10, 11, true}},
    Plan{"BT", {"975", 7, 8, false}},  Plan{"CA", {"1", 10, 10, false}},
    Plan{"CH", {"41", 9, 9, true}},    Plan{"CL", {"56", 9, 9, false}},
    Plan{"CM", {"237", 9, 9, false}},  Plan{"CN", {"86", 10, 11, true}},
    Plan{"CO", {"57", 10, 10, false}}, Plan{"CY", {"357", 8, 8, false}},
    Plan{"CZ", {"420", 9, 9, false}},  Plan{"DE", {"49", 7, 11, true}},
    Plan{"DK", {"45", 8, 8, false}},   Plan{"EG", {"20", 8, 10, true}},
    Plan{"ES", {"34", 9, 9, false}},   Plan{"ET", {"251", 9, 9, true}},
    Plan{"FI", {"358", 7, 10, true}},  Plan{"FR", {"33", 9, 9, true}},
    Plan{"GB", {"44", 9, 10, true}},   Plan{"GE", {"995", 9, 9, true}},
    Plan{"GH", {"233", 9, 9, true}},   Plan{"GR", {"30", 10, 10, false}},
    Plan{"HK", {"852", 8, 8, false}},  Plan{"HR", {"385", 8, 9, true}},
    Plan{"HU", {"36", 8, 9, false}},   Plan{"ID", {"62", 8, 12, true}},
    Plan{"IE", {"353", 7, 9, true}},   Plan{"IL", {"972", 8, 9, true}},
    Plan{"IN", {"91", 10, 10, true}},  Plan{"IQ", {"964", 8, 10, true}},
    Plan{"IR", {"98", 10, 10, true}},  Plan{"IT", {"39", 8, 11, false}},
    Plan{"JO", {"962", 8, 9, true}},   Plan{"JP", {"81", 9, 10, true}},
    Plan{"KE", {"254", 9, 9, true}},   Plan{"KR", {"82", 8, 10, true}},
    Plan{"KW", {"965", 8, 8, false}},  Plan{"KZ", {"7", 10, 10, false}},
    Plan{"LB", {"961", 7, 8, true}},   Plan{"LK", {"94", 9, 9, true}},
    Plan{"MA", {"212", 9, 9, true}},   Plan{"MM", {"95", 8, 10, true}},
    Plan{"MU", {"230", 7, 8, false}},  Plan{"MV", {"960", 7, 7, false}},
    Plan{"MX", {"52", 10, 11, false}}, Plan{"MY", {"60", 8, 10, true}},
    Plan{"NG", {"234", 8, 10, true}},  Plan{"NL", {"31", 9, 9, true}},
    Plan{"NO", {"47", 8, 8, false}},   Plan{"NP", {"977", 8, 10, true}},
    Plan{"NZ", {"64", 8, 10, true}},   Plan{"OM", {"968", 8, 8, false}},
    Plan{"PE", {"51", 8, 9, true}},    Plan{"PH", {"63", 8, 10, true}},
    Plan{"PK", {"92", 9, 10, true}},   Plan{"PL", {"48", 9, 9, false}},
    Plan{"PT", {"351", 9, 9, false}},  Plan{"QA", {"974", 8, 8, false}},
    Plan{"RO", {"40", 9, 9, true}},    Plan{"RS", {"381", 8, 9, true}},
    Plan{"RU", {"7", 10, 10, false}},  Plan{"RW", {"250", 9, 9, true}},
    Plan{"SA", {"966", 8, 9, true}},   Plan{"SE", {"46", 7, 10, true}},
    Plan{"SG", {"65", 8, 8, false}},   Plan{"SK", {"421", 9, 9, true}},
    Plan{"TH", {"66", 8, 9, true}},    Plan{"TN", {"216", 8, 8, false}},
    Plan{"TR", {"90", 10, 10, true}},  Plan{"TW", {"886", 8, 9, true}},
    Plan{"TZ", {"255", 9, 9, true}},   Plan{"UA", {"380", 9, 9, true}},
    Plan{"UG", {"256", 9, 9, true}},   Plan{"US", {"1", 10, 10, false}},
    Plan{"UZ", {"998", 9, 9, false}},  Plan{"VN", {"84", 9, 10, true}},
    Plan{"ZA", {"27", 9, 9, true}},    Plan{"ZM", {"260", 9, 9, true}},
    Plan{"ZW", {"263", 9, 9, true}},
};
static_assert(std::is_sorted(plans.begin(), plans.end(),
                             [](const Plan& a, const Plan& b) { return a.alpha2 < b.alpha2; }));

constexpr std::size_t digits_min = 7;
constexpr std::size_t digits_max = 15;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_filler(char c) {
    return c == ' ' || c == '-' || c == '(' || c == ')' || c == '.' || c == '\t' || c == '/';
}
bool is_quote(char c) {
    return c == '"' || c == '\'' || c == '`';
}

std::string_view bare(std::string_view text) {
    text = bus::trim(text);
    while (!text.empty() && is_quote(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_quote(text.back())) text.remove_suffix(1);
    for (std::string_view scheme : {"tel:", "whatsapp:"}) {
        if (text.starts_with(scheme)) text.remove_prefix(scheme.size());
    }
    return bus::trim(text);
}

std::string_view first_of_list(std::string_view text) {
    text = bare(text.substr(0, text.find_first_of(",;|")));
    const auto digits = std::count_if(text.begin(), text.end(), is_digit);
    if (static_cast<std::size_t>(digits) > digits_max) text = text.substr(0, text.find('-'));
    return bare(text);
}

// The digits of a number as written; `plus` tells whether it began with one.
struct Digits {
    char text[2 * digits_max] = {};
    std::size_t size = 0;
    bool plus = false;
    std::string_view view() const { return {text, size}; }
};

std::optional<Digits> collect(std::string_view text) {
    Digits digits;
    if (text.starts_with('+')) {
        digits.plus = true;
        text.remove_prefix(1);
    }
    for (char c : text) {
        if (is_filler(c)) continue;
        if (!is_digit(c) || digits.size == sizeof digits.text) return {};
        digits.text[digits.size++] = c;
    }
    return digits;
}

bool is_national(std::string_view digits, const Country& country) {
    return digits.size() >= country.digits_min && digits.size() <= country.digits_max &&
           digits.front() != '0';
}

// The national number behind trunk zero and calling code in any order they are seen in, "" if none.
std::string_view national_part(std::string_view digits, const Country& country) {
    if (country.has_trunk_zero && digits.starts_with('0')) digits.remove_prefix(1);
    if (!digits.empty() && is_national(digits, country)) return digits;
    if (!digits.starts_with(country.code)) return {};
    digits.remove_prefix(country.code.size());
    if (country.has_trunk_zero && digits.starts_with('0')) digits.remove_prefix(1);
    if (!digits.empty() && is_national(digits, country)) return digits;
    return {};
}

bool is_international(std::string_view digits) {
    return digits.size() >= digits_min && digits.size() <= digits_max && digits.front() != '0';
}

// "+91 098...": the zero is a national habit, no part of the number.
std::string_view without_inner_trunk(std::string_view digits, const Country& country) {
    if (!country || !digits.starts_with(country.code)) return {};
    const auto rest = digits.substr(country.code.size());
    if (!country.has_trunk_zero || !rest.starts_with('0')) return {};
    return national_part(rest, country);
}

}  // namespace

Country country(std::string_view alpha2) {
    if (alpha2.size() != 2) return {};
    const char upper[2] = {static_cast<char>(alpha2[0] & ~0x20),
                           static_cast<char>(alpha2[1] & ~0x20)};
    const std::string_view wanted{upper, 2};
    const auto found =
        std::lower_bound(plans.begin(), plans.end(), wanted,
                         [](const Plan& plan, auto key) { return plan.alpha2 < key; });
    if (found == plans.end() || found->alpha2 != wanted) return {};
    return found->country;
}

void Phone::assign(std::string_view code, std::string_view digits) {
    std::memcpy(text_ + 1, code.data(), code.size());
    std::memcpy(text_ + 1 + code.size(), digits.data(), digits.size());
    size_ = 1 + code.size() + digits.size();
}

std::optional<Phone> read_phone(std::string_view text, const Country& country) {
    const auto collected = collect(first_of_list(text));
    if (!collected || collected->size == 0) return {};
    std::string_view digits = collected->view();
    bool international = collected->plus;
    if (!international && digits.starts_with("00")) {
        digits.remove_prefix(2);
        international = true;
    }
    Phone phone;
    if (!international && country) {
        const auto national = national_part(digits, country);
        if (!national.empty()) return phone.assign(country.code, national), phone;
    }
    const auto national = without_inner_trunk(digits, country);
    if (!national.empty()) return phone.assign(country.code, national), phone;
    if (digits.empty() || !is_international(digits)) return {};
    // A bare number that is too short for its country is an extension or a short code.
    if (!international && country && digits.size() <= country.digits_max) return {};
    phone.assign("", digits);
    return phone;
}

}  // namespace schemas::mapping
