#include "projections/word_search.hpp"

#include "bus/text.hpp"

#include <algorithm>

namespace projections {

namespace {

constexpr std::size_t digits_min = 4;  // of a part of a phone number

bool is_word_byte(char c) {
    return static_cast<unsigned char>(c) >= 0x80 || (c >= '0' && c <= '9') ||
           (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    for (const char c : text) {
        if (is_word_byte(c)) {
            word += c;
        } else if (!word.empty()) {
            words.push_back(bus::to_lower_ascii(word));
            word.clear();
        }
    }
    if (!word.empty()) words.push_back(bus::to_lower_ascii(word));
    return words;
}

bool is_part_of_phone(const std::string& wanted, std::string_view phone) {
    const bool digits =
        std::all_of(wanted.begin(), wanted.end(), [](char c) { return c >= '0' && c <= '9'; });
    return digits && wanted.size() >= digits_min && phone.find(wanted) != std::string_view::npos;
}

}  // namespace

bus::Result<WordSearch> WordSearch::parse(std::string_view search) {
    std::vector<std::string> words = words_of(search);
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    if (words.size() > words_max) {
        return bus::fail(bus::ErrorCode::invalid_input,
                         "'search' has {} different words, at most {}; take fewer", words.size(),
                         words_max);
    }
    return WordSearch{std::move(words)};
}

bool WordSearch::matches(const std::vector<std::string_view>& texts, std::string_view phone) const {
    std::vector<std::string> words = words_of(phone);
    for (const std::string_view text : texts) {
        for (std::string& word : words_of(text)) words.push_back(std::move(word));
    }
    return std::all_of(wanted_.begin(), wanted_.end(), [&](const std::string& wanted) {
        return is_part_of_phone(wanted, phone) ||
               std::any_of(words.begin(), words.end(),
                           [&](const std::string& word) { return word.starts_with(wanted); });
    });
}

}  // namespace projections
