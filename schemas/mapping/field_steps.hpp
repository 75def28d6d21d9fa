// Makes fields of what paths lead to: tables, conversions, constants, defaults.
#pragma once

#include "schemas/mapping/path_reader.hpp"

namespace schemas::mapping {

// Of a record's budget: to read a word as a number, a time, an address.
constexpr std::size_t conversion_work(std::string_view word) {
    return 4 + word.size() / 4;
}

class FieldSteps {
public:
    FieldSteps(PathReader& paths, Arena& arena) : paths_(paths), arena_(arena) {}

    void add_fields(const std::vector<FieldRule>& rules, Event& event);

    // Normalised, "" or none when the word is not such a thing.
    std::string_view phone(std::string_view word, const Country& country);
    std::string_view email(std::string_view word);
    std::string_view digits(std::string_view word);
    std::optional<std::int64_t> micros(const TimeReading& reading, std::string_view word);
    static std::string_view complaint(Convert as);

private:
    // False when the choice gives no value.
    bool add_field(Field field, const Choice& choice, Event& event);
    bool add_mapped(Field field, const Choice& choice, std::string_view word, Event& event);
    // `raw` is what the provider wrote, `word` what a table made of it.
    bool add_word(Field field, const Choice& choice, std::string_view word, std::string_view raw,
                  Event& event);
    bool add_fallback(Field field, const Choice& choice, Event& event);
    // Constants were checked when compiled: texts as they stand, numbers and truths in plain form.
    bool add_fixed(Field field, const Choice& choice, std::string_view word, Event& event);
    static FieldValue number(FieldValue::Kind kind, std::string_view word,
                             std::optional<std::int64_t> value);
    static FieldValue truth(std::string_view word);
    FieldValue converted(const Choice& choice, std::string_view word);
    // The number without what the choice takes off it; whole where that is absent or unreadable.
    FieldValue lessened(Field field, const Choice& choice, const FieldValue& whole, Event& event);
    static FieldValue made_text(std::string_view word);
    std::string_view lowered(std::string_view word);
    std::optional<std::int64_t> money(const Choice& choice, std::string_view word);

    PathReader& paths_;
    Arena& arena_;
};

// The entry for a word, nullptr when the table has none.
const std::optional<std::string>* look_up(const WordTable& table, std::string_view word);

}  // namespace schemas::mapping
