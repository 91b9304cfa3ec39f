// Clients that register, that are documents, and that are known. On both databases.
#include "hub/oauth/store.hpp"

#include <gtest/gtest.h>

#include "hub/oauth/limits.hpp"
#include "tests/hub/oauth/store_fixture.hpp"

namespace hub::oauth {
namespace {

using tenancy::errc;

class kept_clients : public store_fixture {};

TEST_P(kept_clients, knows_the_client_that_the_operator_need_not_make) {
    EXPECT_EQ(rows_->find_client("codez-mcp").value().kind, client_kind::known);
    EXPECT_EQ(rows_->find_client("c_unknown").error().code, errc::not_found);
}

TEST_P(kept_clients, keeps_documents_as_they_are_now) {
    client document;
    document.id = "https://a.example/client.json";
    document.kind = client_kind::document;
    document.name = "A";
    document.redirect_uris = {"https://a.example/cb"};
    EXPECT_TRUE(rows_->keep_document(document));
    document.name = "B";
    EXPECT_TRUE(rows_->keep_document(document));
    EXPECT_EQ(rows_->find_client(document.id).value().name, "B");
}

TEST_P(kept_clients, has_room_for_so_many_clients_that_nobody_uses) {
    client fields;
    fields.redirect_uris = {"https://a.example/cb"};
    (void)db_->transaction([&](common::db::connection& c) {
        for (int i = 0; i < limits::clients_unused_max; ++i)
            c.execute(
                "INSERT INTO oauth_clients (id, kind, name, redirect_uris, auth_method, created_at) VALUES "
                "(CAST(:id AS TEXT), 'registered', '', '[]', 'none', CAST(:now AS INTEGER))",
                {{"id", "c_" + std::to_string(i)}, {"now", now_.load()}});
    });
    EXPECT_EQ(rows_->register_client(fields).error().code, errc::unavailable);
    now_ += limits::client_unused_ms;
    EXPECT_TRUE(rows_->prune());
    EXPECT_TRUE(rows_->register_client(fields));
}

CODEZ_ON_BOTH_DATABASES(kept_clients);

}  // namespace
}  // namespace hub::oauth
