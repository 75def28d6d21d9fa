#include "projections/api/customer_text.hpp"

#include "bus/text.hpp"
#include "schemas/mapping/country.hpp"

namespace projections::api {

std::string customer_key_of_text(std::string_view text, std::string_view country) {
    text = bus::trim(text);
    for (const std::string_view kind : {"phone:", "email:", "whatsapp:", "external:"}) {
        if (text.starts_with(kind)) return std::string(text);
    }
    if (text.find('@') != std::string_view::npos) return "email:" + bus::to_lower_ascii(text);
    if (const auto phone = schemas::mapping::read_phone(text, schemas::mapping::country(country))) {
        return "phone:" + std::string(phone->text());
    }
    return "phone:" + std::string(text);
}

}  // namespace projections::api
