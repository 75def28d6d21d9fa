#include "consumers/instance_catalogue.hpp"

#include <algorithm>
#include <sstream>

namespace consumers {

namespace {

template <class Number>
bool take_number(std::string_view word, std::string_view label, Number& out) {
    if (word.substr(0, label.size()) != label) return false;
    const std::string digits{word.substr(label.size())};
    if (digits.empty() || digits.size() > 9 ||
        digits.find_first_not_of("0123456789") != std::string::npos)
        return false;
    out = static_cast<Number>(std::stoul(digits));
    return true;
}

bool parse_line(const std::string& line, Instance& instance) {
    constexpr std::string_view version = "version=";
    std::istringstream words(line);
    std::string made_by, generation, id;
    if (!(words >> instance.name >> made_by >> generation >> id)) return false;
    if (made_by.substr(0, version.size()) != version) return false;
    instance.version = made_by.substr(version.size());
    return take_number(generation, "generation=", instance.generation) &&
           take_number(id, "instance=", instance.id);
}

}  // namespace

InstanceCatalogue InstanceCatalogue::wanted(const ProjectorSetup& setup) {
    InstanceCatalogue catalogue;
    const auto add = [&](std::string_view name, std::string version) {
        BUS_ASSERT(!catalogue.find(name), "two projections have one name");
        const auto id = static_cast<projections::InstanceId>(catalogue.instances_.size() + 1);
        catalogue.instances_.push_back({std::string{name}, std::move(version), 1, id});
    };
    add(dedup_name, "1");
    add(measures_name, setup.measures ? setup.measures->fingerprint() : "none");
    for (const projections::Projection* projection : setup.projections)
        add(projection->name(), std::to_string(projection->version()));
    return catalogue;
}

bus::Result<InstanceCatalogue> InstanceCatalogue::parse(std::string_view text) {
    InstanceCatalogue catalogue;
    std::istringstream lines{std::string{text}};
    for (std::string line; std::getline(lines, line);) {
        Instance instance;
        if (!parse_line(line, instance))
            return bus::fail(bus::ErrorCode::corrupt, "catalogue of projections: line '{}'", line);
        catalogue.instances_.push_back(std::move(instance));
    }
    return catalogue;
}

std::string InstanceCatalogue::text() const {
    std::string out;
    for (const Instance& instance : instances_)
        out += fmt::format("{} version={} generation={} instance={}\n", instance.name,
                           instance.version, instance.generation, instance.id);
    return out;
}

std::string InstanceCatalogue::difference(const InstanceCatalogue& other) const {
    std::string names;
    const auto add = [&](const std::string& name) { names += (names.empty() ? "" : ",") + name; };
    for (const Instance& instance : instances_) {
        const Instance* theirs = other.find(instance.name);
        if (!theirs || theirs->version != instance.version) add(instance.name);
    }
    for (const Instance& instance : other.instances_)
        if (!find(instance.name)) add(instance.name);
    return names;
}

void InstanceCatalogue::continue_from(const InstanceCatalogue& before) {
    for (Instance& instance : instances_)
        if (const Instance* old = before.find(instance.name))
            instance.generation = old->generation + 1;
}

const Instance* InstanceCatalogue::find(std::string_view name) const {
    const auto found = std::find_if(instances_.begin(), instances_.end(),
                                    [&](const Instance& one) { return one.name == name; });
    return found == instances_.end() ? nullptr : &*found;
}

projections::InstanceId InstanceCatalogue::id(std::string_view name) const {
    const Instance* instance = find(name);
    BUS_ASSERT(instance, "no such instance");
    return instance->id;
}

}  // namespace consumers
