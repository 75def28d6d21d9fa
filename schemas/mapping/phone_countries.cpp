#include "schemas/mapping/phone_countries.hpp"

#include "schemas/mapping/binder.hpp"
#include "schemas/mapping/compiler.hpp"

namespace schemas::mapping {

std::vector<Country> phone_countries(const BoundMapping& bound) {
    auto program = compile(bound.mapping().text(), bound.mapping().name(), MappingSize::any);
    BUS_ASSERT(program, "what is bound was compiled before");
    const auto used = bind(*program, bound.settings());
    BUS_ASSERT(used, "what is bound was bound before");
    std::vector<Country> countries;
    for_each_part(
        *program,
        [&](const Choice& choice) {
            if (choice.bound_country) countries.push_back(choice.bound_country);
        },
        [](const TimeReading&) {},
        [&](const IdentityRule& rule) {
            if (rule.bound_country) countries.push_back(rule.bound_country);
        },
        [](const WordTable&) {});
    return countries;
}

}  // namespace schemas::mapping
