// Reads paths, words and conditions of a Program in one record.
#pragma once

#include "schemas/mapping/run.hpp"

namespace schemas::mapping {

class PathReader {
public:
    PathReader(const Program& program, const bus::RecordView& record, std::string_view source_slug,
               Scratch::State& state)
        : program_(program), record_(record), source_slug_(source_slug), state_(state) {}

    // Reads the body; invalid_input when it is not one that the program reads.
    bus::Result<bus::Done> open(std::string_view content_type);
    // The event whose fields `$field.x` and bare names mean.
    void look_at(const Event& event) { current_ = &event; }
    // A record that costs more than any real one is given up.
    bool is_exhausted() const { return state_.budget.is_spent(); }
    void spend(std::size_t work) { state_.budget.work(work); }

    Found find(PathIndex index);
    // The first that is there and not one of the words for nothing.
    Found first(const std::vector<PathIndex>& from, const std::vector<std::string>& empty_words);
    bool means_absent(const Found& found, const std::vector<std::string>& more);
    Found value_of(const Let& let);
    bool holds(const Condition& condition);

    // Objects and lists as JSON, times as microseconds. Lives as long as the record's events.
    std::string_view text_of(const Found& found);
    std::string_view decimal(std::int64_t number);
    static Found node(json::Value value);

private:
    Found parsed(std::string_view text);
    static Found text(std::string_view word);
    Found find_inside(json::Value root, bool is_flat, const Path& path);
    Found find_in_variable(const Path& path);
    Found find_field(Field field);
    Found find_header(std::string_view name);
    json::Value query();
    json::Value walk(json::Value value, const Path& path);
    json::Value member(json::Value object, std::string_view name);
    json::Value named(json::Value object, std::string_view name);
    json::Value element(json::Value list, std::int64_t index);
    json::Value selected(json::Value list, const Step& step);
    std::string_view word(std::string_view text);
    bool is_among(const std::vector<std::string>& words, std::string_view text);
    bool equals_any(const Condition& condition);

    const Program& program_;
    const bus::RecordView& record_;
    std::string_view source_slug_;
    Scratch::State& state_;
    Document document_;
    std::optional<json::Value> query_;
    const Event* current_ = nullptr;
    bool words_mean_absent_ = false;
};

}  // namespace schemas::mapping
