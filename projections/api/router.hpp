// Which route answers a request: literal segments win over parameters; canonical paths start with
// /v1 and are also served without it.
#pragma once

#include "bus/http/http.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace projections::api {

class Router {
public:
    explicit Router(std::vector<bus::http::Route> routes);
    ~Router();

    struct Match {
        const bus::http::Route* route = nullptr;
        std::vector<bus::http::NameValue> parameters;  // decoded
        std::vector<std::string> allowed;  // methods of the path when the method does not fit
    };
    Match find(std::string_view method, std::string_view path) const;

    const std::vector<bus::http::Route>& routes() const { return routes_; }

private:
    struct Node;
    void add(const bus::http::Route& route, std::string_view pattern);
    std::vector<bus::http::Route> routes_;
    std::unique_ptr<Node> root_;
};

}  // namespace projections::api
