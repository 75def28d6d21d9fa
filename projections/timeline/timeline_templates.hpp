// Which events stand in a customer's timeline, and what their line says.
//
// The table is in timeline_templates.cpp. In a title, {a|b} is the first of these fields that is
// there, and [...] is left out unless all its fields are. Amounts are shown with their currency.
#pragma once

#include "schemas/event.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace projections {

enum class Actor : std::uint8_t {
    by_direction,  // the customer when inbound, else the agent, else the business
    customer,
    business,
    system,  // the source
};

class TitleTemplate {
public:
    explicit TitleTemplate(std::string_view text);
    std::string render(const schemas::Event& event) const;

private:
    struct Piece {
        std::string literal;
        std::vector<schemas::Field> fields;  // the first that is there; none: literal alone
        std::size_t group = 0;               // 0: always shown
    };
    std::vector<Piece> pieces_;
};

struct TimelineTemplate {
    std::string_view kind;
    TitleTemplate title;
    std::vector<schemas::Field> body;  // the first that is there
    std::string_view ref_type;         // "" = refers to nothing
    schemas::Field ref = schemas::Field::object_id;
    Actor actor = Actor::system;
    // Reports of one event may tell different times: providers tell payments twice, an end
    // or a debt as long as it stands, and a mail is no later than when it was stored.
    bool times_may_differ = false;
};

// nullptr: the event has no line. Events of an unknown type have a generic one.
const TimelineTemplate* find_timeline_template(schemas::EventType type);

}  // namespace projections
