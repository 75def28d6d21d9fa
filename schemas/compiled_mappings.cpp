#include "schemas/compiled_mappings.hpp"

#include "bus/crypto/digest.hpp"

namespace schemas {

namespace {

// Settings are many, texts are few.
constexpr std::size_t unbound_share = 4;

std::string hash_of(const std::string& text) {
    return std::string{bus::crypto::view(bus::crypto::sha256(text))};
}

}  // namespace

CompiledMappings::CompiledMappings(const std::vector<std::shared_ptr<const Mapping>>& built_in,
                                   std::size_t bytes_max)
    : compiled_(bytes_max / unbound_share), bound_(bytes_max - bytes_max / unbound_share) {
    for (const auto& mapping : built_in) built_in_.emplace(hash_of(mapping->text()), mapping);
}

template <class T>
std::shared_ptr<const T> CompiledMappings::find(Kept<T>& kept, std::string_view key) {
    const std::lock_guard lock(mutex_);
    const auto* found = kept.find(key);
    return found ? *found : nullptr;
}

template <class T>
void CompiledMappings::keep(Kept<T>& kept, std::string_view key,
                            const std::shared_ptr<const T>& value) {
    const std::size_t bytes = value->memory_bytes();
    std::vector<std::shared_ptr<const T>> gone;  // ends after the lock
    const std::lock_guard lock(mutex_);
    gone = kept.keep(key, value, bytes);
}

bus::Result<std::shared_ptr<const Mapping>> CompiledMappings::compile(const std::string& text,
                                                                      std::string_view file) {
    const std::string hash = hash_of(text);
    if (const auto own = built_in_.find(hash); own != built_in_.end()) return own->second;
    if (auto known = find(compiled_, hash)) return known;
    auto made = Mapping::compile(text, file, MappingSize::any);  // what is stored stays readable
    if (made) keep(compiled_, hash, *made);
    return made;
}

bus::Result<std::shared_ptr<const BoundMapping>> CompiledMappings::bind(
    std::string_view stamp, const std::string& text, const SourceSettings& settings,
    std::string_view file) {
    if (auto known = find(bound_, stamp)) return known;
    auto mapping = compile(text, file);
    if (!mapping) return mapping.error();
    auto made = BoundMapping::bind(*mapping, settings);
    if (!made) return made;
    if ((*made)->stamp() != stamp)
        return bus::fail(bus::ErrorCode::corrupt, "its text and settings have the stamp {}",
                         (*made)->stamp());
    keep(bound_, stamp, *made);
    return made;
}

}  // namespace schemas
