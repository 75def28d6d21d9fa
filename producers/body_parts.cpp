#include "producers/body_parts.hpp"

#include "producers/json_slices.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace producers {

using schemas::json::Kind;
using schemas::json::Value;

namespace {

constexpr std::size_t unnamed = std::numeric_limits<std::size_t>::max();

// A value of the document, and its bytes in the body.
struct Node {
    Value value;
    std::string_view text;
};

bus::Result<Node> member_of(const Node& object, std::string_view name) {
    std::size_t count = 0, found = 0, number = 0;
    Value value;
    object.value.each_member([&](std::string_view member, Value one) {
        if (member == name && found++ == 0) {
            value = one;
            number = count;
        }
        ++count;
    });
    if (found > 1) return bus::fail(bus::ErrorCode::invalid_input, "'{}' is there twice", name);
    return found == 0 ? Node{} : Node{value, member_slice(object.text, number)};
}

std::string_view between(std::string_view one, std::string_view next) {
    const char* end = one.data() + one.size();
    return {end, static_cast<std::size_t>(next.data() - end)};
}

}  // namespace

// Follows the paths through document and bytes at once.
class BodyParts::Walk {
public:
    Walk(BodyParts& parts, std::size_t elements_max) : parts_(parts), elements_max_(elements_max) {}

    bus::Result<bus::Done> follow(const AccountPath& account, std::size_t rank,
                                  const RequestView& request, Value document) {
        account_ = &account;
        rank_ = rank;
        if (account.path.in_body()) return descend({document, request.body}, 0, 0);
        std::vector<std::string> values;
        account.path.collect(request, {document}, values);
        name(0, values);
        return bus::Done{};
    }

private:
    // A step to one element of many is not cut at: what it leads to names what is around it.
    bus::Result<bus::Done> descend(const Node& at, std::size_t element, std::size_t step) {
        if (!at.value) return bus::Done{};
        const auto& steps = account_->path.steps();
        if (step == steps.size() || steps[step].index >= 0) {
            std::vector<std::string> values;
            account_->path.collect_below(at.value, step, values);
            name(element, values);
            return bus::Done{};
        }
        if (steps[step].into_array) return each_element(at, element, step + 1);
        const auto member = member_of(at, steps[step].member);
        return member ? descend(*member, element, step + 1) : member.error();
    }

    bus::Result<bus::Done> each_element(const Node& at, std::size_t element, std::size_t step) {
        auto array = array_at(at, element);
        if (!array) return array.error();
        bus::Result<bus::Done> walked = bus::Done{};
        std::size_t number = array->first;
        at.value.each_element([&](Value value) {
            const std::size_t child = number++;
            if (walked) walked = descend({value, parts_.elements_[child].text}, child, step);
        });
        return walked;
    }

    bus::Result<Array> array_at(const Node& at, std::size_t element) {
        const std::size_t count = at.value.kind() == Kind::array ? at.value.size() : 0;
        if (count == 0) return Array{};
        for (const Array& known : parts_.elements_[element].arrays) {
            const std::string_view first = parts_.elements_[known.first].text;
            if (at.text.data() < first.data() && first.data() < at.text.data() + at.text.size())
                return known;
        }
        return add_array(at, element, count);
    }

    bus::Result<Array> add_array(const Node& at, std::size_t element, std::size_t count) {
        auto& elements = parts_.elements_;
        const Array array{elements.size(), count};
        if (elements.size() + count > elements_max_)
            return bus::fail(bus::ErrorCode::too_large, "more than {} elements", elements_max_);
        each_element_slice(at.text, [&](std::string_view text) {
            elements.push_back({.text = text, .parent = element, .arrays = {}, .rank = unnamed});
        });
        if (elements.size() != array.first + count)
            return bus::fail(bus::ErrorCode::corrupt, "the text is not the document's");
        elements[element].arrays.push_back(array);
        return array;
    }

    void name(std::size_t element, std::vector<std::string>& values) {
        for (std::string& value : values)
            parts_.names_.push_back({element, rank_, account_->kind->kind + ":" + value});
    }

    BodyParts& parts_;
    const std::size_t elements_max_;
    const AccountPath* account_ = nullptr;
    std::size_t rank_ = 0;
};

bus::Result<BodyParts> BodyParts::cut(const RequestView& request, Value document,
                                      const std::vector<AccountPath>& accounts,
                                      std::size_t elements_max) {
    BodyParts parts;
    parts.elements_.push_back({.text = request.body, .parent = 0, .arrays = {}, .rank = unnamed});
    Walk walk(parts, elements_max);
    for (std::size_t rank = 0; rank < accounts.size(); ++rank) {
        if (auto walked = walk.follow(accounts[rank], rank, request, document); !walked)
            return walked.error();
    }
    for (Element& element : parts.elements_) {
        std::sort(
            element.arrays.begin(), element.arrays.end(), [&](const Array& a, const Array& b) {
                return parts.elements_[a.first].text.data() < parts.elements_[b.first].text.data();
            });
    }
    return parts;
}

void BodyParts::assign(const OwnerOf& owner_of) {
    for (const Name& name : names_) {
        Element& element = elements_[name.element];
        if (name.rank >= element.rank) continue;
        const auto owner = owner_of(name.account);
        if (!owner) continue;
        element.rank = name.rank;
        element.owner = *owner;
    }
    for (Element& element : elements_) {
        const Element& around = elements_[element.parent];
        if (around.rank >= element.rank) continue;
        element.rank = around.rank;
        element.owner = around.owner;
    }
}

std::vector<bool> BodyParts::kept_by(std::size_t owner) const {
    std::vector<bool> kept(elements_.size());
    for (std::size_t i = elements_.size(); i-- > 0;) {
        const Element& element = elements_[i];
        if (element.arrays.empty()) kept[i] = element.owner == owner;
        if (kept[i]) kept[element.parent] = true;
    }
    return kept;
}

bool BodyParts::has(std::size_t owner) const {
    return kept_by(owner).front();
}

bool BodyParts::is_whole(std::size_t owner) const {
    const auto kept = kept_by(owner);
    return std::find(kept.begin(), kept.end(), false) == kept.end();
}

std::string BodyParts::part(std::size_t owner) const {
    std::string out;
    append(0, kept_by(owner), out);
    return out;
}

void BodyParts::append(std::size_t element, const std::vector<bool>& kept, std::string& out) const {
    std::string_view rest = elements_[element].text;
    for (const Array& array : elements_[element].arrays) {
        const std::string_view first = elements_[array.first].text;
        const std::string_view last = elements_[array.first + array.count - 1].text;
        out += between({rest.data(), 0}, first);
        append(array, kept, out);
        rest = between(last, {rest.data() + rest.size(), 0});
    }
    out += rest;
}

// Each with what parts it from the one before it.
void BodyParts::append(const Array& array, const std::vector<bool>& kept, std::string& out) const {
    bool is_first = true;
    for (std::size_t i = array.first; i < array.first + array.count; ++i) {
        if (!kept[i]) continue;
        if (!std::exchange(is_first, false))
            out += between(elements_[i - 1].text, elements_[i].text);
        append(i, kept, out);
    }
}

}  // namespace producers
