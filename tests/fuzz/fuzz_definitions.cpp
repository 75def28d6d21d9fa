// Files that describe: a provider with its mapping, a measure.
#include "projections/measures/measure_set.hpp"
#include "schemas/mapping.hpp"
#include "schemas/providers/provider_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text{reinterpret_cast<const char*>(data), size};
    if (const auto kind = schemas::parse_provider_file(text, "fuzz.yaml"))
        (void)schemas::Mapping::compile(kind->mapping_text, "fuzz.yaml");
    (void)projections::MeasureSet::compile({{"fuzz.yaml", text}});
    return 0;
}
