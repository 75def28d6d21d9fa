#include "producers/commands/command_routes.hpp"

#include <iterator>

namespace producers::commands {

std::vector<bus::http::Route> command_routes(const CommandContext& context) {
    std::vector<bus::http::Route> all;
    for (auto routes : {client_routes(context), key_routes(context), source_routes(context),
                        mapping_routes(context)})
        std::move(routes.begin(), routes.end(), std::back_inserter(all));
    for (auto& route : all) route.has_past = false;  // the registry knows no earlier moment
    return all;
}

}  // namespace producers::commands
