#include "producers/request_view.hpp"

namespace producers {

bool equals_ignoring_case(std::string_view text, std::string_view lower_case) {
    if (text.size() != lower_case.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c) != lower_case[i]) return false;
    }
    return true;
}

std::string_view RequestView::field(std::string_view lower_case_name) const {
    for (const FieldView& field : fields) {
        if (equals_ignoring_case(field.name, lower_case_name)) return field.value;
    }
    return {};
}

}  // namespace producers
