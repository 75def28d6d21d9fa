#include "schemas/vocabulary.hpp"
#include "schemas/event.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace schemas {

namespace {

constexpr std::array field_names{
#define X(name, kind) std::string_view{#name},
    SCHEMAS_FIELDS(X)
#undef X
};

constexpr std::array field_kinds{
#define X(name, kind) FieldKind::kind,
    SCHEMAS_FIELDS(X)
#undef X
};

// The first belongs to EventType::other.
constexpr std::array type_names{std::string_view{},
#define X(identifier, text) std::string_view{text},
                                SCHEMAS_EVENT_TYPES(X)
#undef X
};

template <std::size_t count>
using Index = std::array<std::pair<std::string_view, std::size_t>, count>;

template <std::size_t count>
constexpr Index<count> sorted(const std::array<std::string_view, count>& names) {
    Index<count> index;
    for (std::size_t i = 0; i < count; ++i) index[i] = {names[i], i};
    std::sort(index.begin(), index.end());
    return index;
}

template <std::size_t count>
std::optional<std::size_t> find(const Index<count>& index, std::string_view name) {
    auto found = std::lower_bound(index.begin(), index.end(), name,
                                  [](const auto& entry, auto key) { return entry.first < key; });
    if (found == index.end() || found->first != name) return {};
    return found->second;
}

}  // namespace

std::string_view name(Field field) {
    return field_names[static_cast<std::size_t>(field)];
}
FieldKind kind_of(Field field) {
    return field_kinds[static_cast<std::size_t>(field)];
}

std::optional<Field> parse_field(std::string_view name) {
    static constexpr auto index = sorted(field_names);
    if (auto found = find(index, name)) return static_cast<Field>(*found);
    return {};
}

EventType parse_event_type(std::string_view name) {
    static constexpr auto index = sorted(type_names);
    if (auto found = find(index, name)) return static_cast<EventType>(*found);
    return EventType::other;
}

std::string_view name(EventType type) {
    return type_names[static_cast<std::size_t>(type)];
}

std::string_view name(KeyKind kind) {
    constexpr std::array names{std::string_view{"phone"}, std::string_view{"email"},
                               std::string_view{"whatsapp"}, std::string_view{"external"}};
    return names[static_cast<std::size_t>(kind)];
}

}  // namespace schemas
