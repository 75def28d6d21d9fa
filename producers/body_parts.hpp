// A JSON body cut into parts, by whose accounts the elements of its arrays name.
//
// The arrays are those that the account paths lead through. An element without further ones inside
// is one owner's: the first path that finds an account of an owner, in it or in an element around
// it, says whose; none = owner 0. A part is the body's bytes as they came, less the elements that
// are not its owner's, and less those around them that nothing is left in. What stands outside of
// these arrays is in every part.
//
// Views into the request's body; the document is needed for cut() alone.
#pragma once

#include "producers/path_table.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace producers {

class BodyParts {
public:
    // too_large: more than `elements_max`. invalid_input: a member on the way is there twice, and
    // but one of them would be cut. corrupt: the text is not the document's.
    static bus::Result<BodyParts> cut(const RequestView& request, schemas::json::Value document,
                                      const std::vector<AccountPath>& accounts,
                                      std::size_t elements_max);

    // The owner's number of an account ("kind:id"); none = nobody's that has a part.
    using OwnerOf = std::function<std::optional<std::size_t>(std::string_view account)>;
    void assign(const OwnerOf& owner_of);

    bool has(std::size_t owner) const;
    bool is_whole(std::size_t owner) const;  // its part is all of the body
    std::string part(std::size_t owner) const;

private:
    // By number of their first element; their elements follow one another.
    struct Array {
        std::size_t first = 0;
        std::size_t count = 0;
    };
    struct Element {
        std::string_view text;
        std::size_t parent = 0;
        std::vector<Array> arrays;  // directly inside; none = it is one owner's
        std::size_t rank;           // of the path that named it; the lowest counts
        std::size_t owner = 0;
    };
    struct Name {
        std::size_t element;
        std::size_t rank;
        std::string account;
    };
    class Walk;

    std::vector<bool> kept_by(std::size_t owner) const;
    void append(std::size_t element, const std::vector<bool>& kept, std::string& out) const;
    void append(const Array& array, const std::vector<bool>& kept, std::string& out) const;

    std::vector<Element> elements_;  // the first is the body; who is around stands before
    std::vector<Name> names_;
};

}  // namespace producers
