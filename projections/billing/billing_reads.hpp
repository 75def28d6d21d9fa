// Answers from the rows of the billing projection: S-19. Pure functions over one consistent view.
#pragma once

#include "projections/list_page.hpp"
#include "projections/projection.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace projections {

inline constexpr std::size_t billing_shown_max = 20;  // of each kind, newest first

struct BillingQuery {
    std::string status{};  // of one of the subscriptions; "" = any
    std::string search{};  // words of name, email, customer_ref, or part of the phone number
    std::size_t page = 1;  // not used with a cursor
    std::size_t limit = 25;
    std::string cursor{};
};

// Customers with their subscriptions, last heard of first. invalid_input: a cursor of another list.
bus::Result<ListPage> list_billing_customers(const ReadView& view, const BillingQuery& query);

// {"accounts":[..]}: a person may be customer of several billing systems. Each with subscriptions,
// invoices, failed_payments, expiring_cards. `keys` are "bcu_..." ids, or keys as identity has them
// ("email:..", "phone:..", "external:shop:cus_1"), or "ref:cus_1". None when there is no account.
std::optional<std::string> get_billing_customer(const ReadView& view,
                                                const std::vector<std::string>& keys);

}  // namespace projections
