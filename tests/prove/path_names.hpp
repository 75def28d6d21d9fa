// Names that lead elsewhere when somebody makes a path of them, wherever a caller gives a name.
#pragma once

#include "tests/prove/section.hpp"
#include "tests/support/product_client.hpp"

#include <filesystem>

namespace tests::prove {

struct NamedIn {
    ProductClient& client;
    const Tenant& tenant;  // has a mapping "own"
    Headers admin;
    std::filesystem::path data;  // the product's folder
};

// Each is refused with 4xx, where an honest name is taken; and no file comes to be called so.
// `leaf`: a word that stands in the names and in those of no file.
void try_path_names(Section& section, const NamedIn& where, const std::string& leaf);

}  // namespace tests::prove
