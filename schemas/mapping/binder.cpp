#include "schemas/mapping/binder.hpp"

#include "bus/text.hpp"
#include "schemas/mapping/path_text.hpp"

#include <algorithm>

namespace schemas::mapping {

namespace {

// Keeps the first mistake; what it binds after one is not used.
class Binder {
public:
    Binder(Program& program, const SourceSettings& settings)
        : program_(program), settings_(settings) {}

    bus::Result<UsedSettings> bind() {
        bind_paths();
        for_each_part(
            program_, [this](Choice& choice) { bind_choice(choice); },
            [this](TimeReading& reading) { bind_reading(reading); },
            [this](IdentityRule& rule) { rule.bound_country = bound_country(rule.country); },
            [this](WordTable& table) { bind_table(table); });
        if (error_) return *error_;
        return UsedSettings{used_text(), std::move(kept_)};
    }

private:
    void fail(std::string_view name, const std::string& reason) {
        if (!error_) {
            error_ = bus::fail(bus::ErrorCode::invalid_input, "mapping {}: {}: {}", program_.name,
                               name, reason);
        }
    }

    const std::string& record_value(const std::string& name) {
        const std::string& value = keep(name);
        used_["record." + name] = value;
        return value;
    }

    const std::string& keep(const std::string& name) {
        static const std::string none;
        if (name == "time_zone") return kept_.time_zone = settings_.time_zone;
        if (name == "time_format") return kept_.time_format = settings_.time_format;
        if (name == "country") return kept_.country = settings_.country;
        const auto extra = settings_.extra.find(name);
        if (extra == settings_.extra.end()) return none;
        return kept_.extra[name] = extra->second;
    }

    // Binding a path may add paths, so it is addressed by index.
    void bind_paths() {
        const std::size_t count = program_.paths.size();
        for (std::size_t i = 0; i < count; ++i) {
            const std::string name = program_.paths[i].name;
            switch (program_.paths[i].root) {
                case Path::Root::record:
                    bind_record(program_.paths[i], record_value(name));
                    break;
                case Path::Root::field_mapping:
                    bind_field_mapping(i, name);
                    break;
                default:
                    break;
            }
        }
    }

    static void bind_record(Path& path, const std::string& value) {
        path.root = value.empty() ? Path::Root::nothing : Path::Root::constant;
        path.name = value;
    }

    void bind_field_mapping(std::size_t index, const std::string& name) {
        const auto mapped = settings_.field_mapping.find(name);
        const std::string text = mapped == settings_.field_mapping.end() ? "" : mapped->second;
        used_["field_mapping." + name] = text;
        if (!text.empty()) kept_.field_mapping[name] = text;
        program_.paths[index].root = Path::Root::nothing;
        if (bus::trim(text).empty()) return;
        const auto added = add_path(text, Scope{}, program_);
        if (!added) return fail("field_mapping." + name, added.error().message);
        const Path path = program_.paths[*added];
        const bool is_of_record =
            path.root == Path::Root::record || path.root == Path::Root::field_mapping;
        if (path.every || is_of_record) {
            return fail("field_mapping." + name,
                        fmt::format("'{}' must lead into the request", text));
        }
        program_.paths[index] = path;
    }

    void bind_choice(Choice& choice) {
        if (choice.as == Convert::time) bind_reading(choice.reading);
        if (choice.as == Convert::phone) choice.bound_country = bound_country(choice.country);
        bind_table(choice.table);
    }

    Country bound_country(const Setting& setting) {
        return country(setting.from_record ? record_value(setting.text) : setting.text);
    }

    void bind_reading(TimeReading& reading) {
        reading.bound_formats.clear();
        for (const Setting& format : reading.formats) {
            const std::string& text = format.from_record ? record_value(format.text) : format.text;
            if (text.empty()) continue;
            auto parsed = time::TimeFormat::parse(text);
            if (!parsed) return fail("record." + format.text, parsed.error().message);
            reading.bound_formats.push_back(std::move(*parsed));
        }
        if (reading.bound_formats.empty()) reading.bound_formats.emplace_back();
        const std::string& name =
            reading.zone.from_record ? record_value(reading.zone.text) : reading.zone.text;
        auto zone = time::Zone::find(name);
        if (!zone) return fail("record." + reading.zone.text, zone.error().message);
        reading.bound_zone = *zone;
    }

    void bind_table(WordTable& table) {
        table.bound.clear();
        for (std::size_t i = 0; i < table.parts.size(); ++i) {
            const auto& part = table.parts[i];
            if (part.is_status_mapping) add_status_mapping(table, i + 1);
            for (const auto& [from, to] : part.entries) table.bound.emplace_back(from, to);
        }
        const auto by_key = [](const auto& a, const auto& b) { return a.first < b.first; };
        const auto same_key = [](const auto& a, const auto& b) { return a.first == b.first; };
        std::stable_sort(table.bound.begin(), table.bound.end(), by_key);
        table.bound.erase(std::unique(table.bound.begin(), table.bound.end(), same_key),
                          table.bound.end());
    }

    // The record's words are themselves looked up in the tables from `next` on: an installation may
    // say "WAITING is waiting" and leave what waiting means to the mapping.
    void add_status_mapping(WordTable& table, std::size_t next) {
        kept_.status_mapping = settings_.status_mapping;
        for (const auto& [from, to] : settings_.status_mapping) {
            used_["status_mapping." + from] = to;
            table.bound.emplace_back(bus::to_lower_ascii(from), meaning(table, next, to));
        }
    }

    static std::optional<std::string> meaning(const WordTable& table, std::size_t next,
                                              const std::string& word) {
        if (word.empty()) return {};
        const std::string key = bus::to_lower_ascii(word);
        for (std::size_t i = next; i < table.parts.size(); ++i) {
            for (const auto& [from, to] : table.parts[i].entries) {
                if (from == key) return to;
            }
        }
        return word;
    }

    std::string used_text() const {
        std::string out;
        for (const auto& [name, value] : used_) {
            out += fmt::format("{}:{}={}:{}\n", name.size(), name, value.size(), value);
        }
        return out;
    }

    Program& program_;
    const SourceSettings& settings_;
    std::map<std::string, std::string> used_;
    SourceSettings kept_;  // the same values, in their places
    std::optional<bus::Error> error_;
};

}  // namespace

bus::Result<UsedSettings> bind(Program& program, const SourceSettings& settings) {
    return Binder(program, settings).bind();
}

}  // namespace schemas::mapping
