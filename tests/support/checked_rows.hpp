// What the read API shows of one tenant against the model of it: each row is one of the model's, is
// there once and says what the model says; none is missing; lists are newest first.
#pragma once

#include "tests/support/checked_model.hpp"

#include <functional>
#include <string_view>

namespace tests::checker {

// By the id of a request that the log has.
using ToldOfRequest = std::map<std::string_view, const Told*>;

struct RowsToJudge {
    const SeenTenant& seen;
    Model& model;
    const ToldOfRequest& by_request;
    std::function<void(std::size_t Verdict::*, std::string what)> fault;
    // Of something that is no row of this tenant: whether another tenant's was told by that name.
    std::function<bool(const std::string& name)> is_of_another;
};

void judge_rows(const RowsToJudge& job);

}  // namespace tests::checker
