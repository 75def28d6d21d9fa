// Mappings in their compiled form, made of their texts when somebody asks.
//
// A text is small, what is compiled of it may be 20 MB: those used last are kept for the next who
// asks, the others live as long as somebody holds them. Those of the program are always there.
// Threads: any. Two that ask for the same at once may both make it.
#pragma once

#include "schemas/mapping.hpp"
#include "schemas/recently_used.hpp"

#include <mutex>
#include <unordered_map>

namespace schemas {

class CompiledMappings {
public:
    // `bytes_max` bounds what is kept of both kinds together.
    CompiledMappings(const std::vector<std::shared_ptr<const Mapping>>& built_in,
                     std::size_t bytes_max);

    // `file` is only for messages. invalid_input: as Mapping::compile().
    bus::Result<std::shared_ptr<const Mapping>> compile(const std::string& text,
                                                        std::string_view file);
    // corrupt: these have another stamp. invalid_input: they do not compile, or do not bind.
    bus::Result<std::shared_ptr<const BoundMapping>> bind(std::string_view stamp,
                                                          const std::string& text,
                                                          const SourceSettings& settings,
                                                          std::string_view file);

private:
    template <class T>
    using Kept = RecentlyUsed<std::shared_ptr<const T>>;
    template <class T>
    std::shared_ptr<const T> find(Kept<T>& kept, std::string_view key);
    template <class T>
    void keep(Kept<T>& kept, std::string_view key, const std::shared_ptr<const T>& value);

    std::unordered_map<std::string, std::shared_ptr<const Mapping>> built_in_;  // by SHA-256

    std::mutex mutex_;
    Kept<Mapping> compiled_;    // by SHA-256 of the text; guarded by mutex_
    Kept<BoundMapping> bound_;  // by stamp; guarded by mutex_
};

}  // namespace schemas
