#include "projections/billing/billing_reads.hpp"

#include "projections/billing/billing_rows.hpp"
#include "projections/list_range.hpp"
#include "projections/stored_documents.hpp"
#include "projections/word_search.hpp"

#include <set>

namespace projections {

using namespace billing;
using schemas::Field;

namespace {

constexpr std::size_t accounts_max = 50;  // of one person

// Newest first; stops when visit returns false.
void each_object(const ReadView& view, const CustomerKey& customer, ObjectKind kind,
                 const std::function<bool(std::string_view stored)>& visit) {
    const std::string prefix = object_prefix(customer, kind);
    std::vector<ObjectKey> objects;
    view.scan(Table::index, prefix, prefix_end(prefix), false,
              [&](std::string_view key, std::string_view) {
                  KeyReader reader{key.substr(prefix.size())};
                  reader.time_descending();
                  objects.push_back(reader.id());
                  return objects.size() < billing_shown_max;
              });
    for (const ObjectKey& object : objects) {
        const auto stored = view.get(Table::rows, object_row_key(customer, kind, object));
        if (stored && !visit(*stored)) return;
    }
}

void append_objects(const ReadView& view, const CustomerKey& customer, ObjectKind kind,
                    std::string_view name, std::string& out) {
    JsonArray objects;
    each_object(view, customer, kind, [&](std::string_view stored) {
        objects.add(shown_part(stored));
        return true;
    });
    ((out += ",\"") += name) += "\":";
    out += objects.take();
}

// The customer's document, still open.
std::string opened_customer(const ReadView& view, const CustomerKey& key) {
    const auto stored = view.get(Table::rows, customer_row_key(key));
    if (!stored) return {};
    std::string object{shown_part(*stored)};
    object.pop_back();
    append_objects(view, key, ObjectKind::subscription, "subscriptions", object);
    return object;
}

bool has_subscription(const ReadView& view, const CustomerKey& customer, std::string_view status) {
    bool found = false;
    each_object(view, customer, ObjectKind::subscription, [&](std::string_view stored) {
        ObjectRow row;
        found = row.decode(stored) && row.fields.text(Field::status) == status;
        return !found;
    });
    return found;
}

bool matches(const ReadView& view, const CustomerKey& customer, const WordSearch& search) {
    CustomerRow row;
    const auto stored = view.get(Table::rows, customer_row_key(customer));
    if (!stored || !row.decode(*stored)) return false;
    return search.matches({row.fields.text(Field::customer_name),
                           row.fields.text(Field::customer_email), row.customer_ref},
                          row.fields.text(Field::customer_phone));
}

std::set<CustomerKey> customers_called(const ReadView& view, const std::vector<std::string>& keys) {
    std::set<CustomerKey> customers;
    for (const std::string& key : keys) {
        if (const auto id = parse_customer_id(key)) customers.insert(*id);
        const std::string prefix = key_prefix(key);
        view.scan(Table::index, prefix, prefix_end(prefix), false,
                  [&](std::string_view entry, std::string_view) {
                      customers.insert(KeyReader{entry.substr(prefix.size())}.id());
                      return customers.size() < accounts_max;
                  });
    }
    return customers;
}

}  // namespace

bus::Result<ListPage> list_billing_customers(const ReadView& view, const BillingQuery& query) {
    const auto search = WordSearch::parse(query.search);
    if (!search) return search.error();
    return list_range(
        view,
        {.prefix = newest_prefix(),
         .page = query.page,
         .limit = query.limit,
         .cursor = query.cursor},
        [&](const ListedEntry& entry) {
            return (search->empty() || matches(view, entry.id, *search)) &&
                   (query.status.empty() || has_subscription(view, entry.id, query.status));
        },
        [&](const ListedEntry& entry, std::string& out) {
            out += opened_customer(view, entry.id) + '}';
        });
}

std::optional<std::string> get_billing_customer(const ReadView& view,
                                                const std::vector<std::string>& keys) {
    JsonArray accounts;
    for (const CustomerKey& customer : customers_called(view, keys)) {
        std::string account = opened_customer(view, customer);
        if (account.empty()) continue;
        append_objects(view, customer, ObjectKind::invoice, "invoices", account);
        append_objects(view, customer, ObjectKind::failed_payment, "failed_payments", account);
        append_objects(view, customer, ObjectKind::card, "expiring_cards", account);
        accounts.add(account + '}');
    }
    if (accounts.count() == 0) return std::nullopt;
    return R"({"accounts":)" + accounts.take() + '}';
}

}  // namespace projections
